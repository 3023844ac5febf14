import BusCore

/// What is sold: products, their prices, what is metered, and the plans that accounts take (bus.md 7.3).
///
/// Holding one means that its document was checked: every reference in it leads somewhere.
package struct Catalog: Hashable, Sendable {
    /// What is sold, in the document's order.
    package let products: [Product]
    /// Every price: those of the document, then those that only plans list.
    package let prices: [Price]
    /// What is counted.
    package let meters: [Meter]
    /// What an account can take.
    package let plans: [Plan]
    /// The document as it was given, with members that nobody here knows.
    package let body: JSONValue

    /// Whether members that the contract does not name are mistakes.
    package enum UnknownMembers: Sendable {
        /// They are kept as they are: what comes over the wire may know more than we do.
        case keep
        /// Each is a problem: in a file written by hand it is a slip.
        case refuse
    }

    /// What the catalog is wanted for, which decides what may be left out (bus.md 7.3).
    package enum Purpose: Sendable {
        /// To be the active catalog: `products`, `meters` and `plans` have to be there.
        case store
        /// To be brought to Stripe: `products` and prices have to be there.
        case sync
    }

    /// Checks a document and reads it; reports everything that is wrong with it at once.
    package init(
        _ body: JSONValue, unknownMembers: UnknownMembers, purpose: Purpose = .store
    ) throws(CatalogFaults) {
        let problems = CatalogProblems(in: .catalog)
        CatalogSecrets.check(body, at: .root, problems)
        let draft = CatalogDraft(body, unknownMembers, purpose, problems)
        if let draft { CatalogRules(draft, problems).check() }
        try problems.check()
        self.init(draft, body: body)
    }

    /// Checks the bytes of a document and reads it.
    package init(
        parsing bytes: [UInt8], unknownMembers: UnknownMembers, purpose: Purpose = .store
    ) throws(CatalogFaults) {
        let body = try CatalogFaults.document(bytes, .catalog)
        try self.init(body, unknownMembers: unknownMembers, purpose: purpose)
    }

    /// A catalog that sells nothing.
    package static let empty = Catalog(
        nil, body: ["version": 1, "products": [], "prices": [], "meters": [], "plans": []])

    /// Takes what was checked.
    private init(_ draft: CatalogDraft?, body: JSONValue) {
        products = draft?.readProducts ?? []
        prices = draft?.readPrices ?? []
        meters = draft?.readMeters ?? []
        plans = draft?.readPlans ?? []
        self.body = body
    }
}

extension Catalog {
    /// The plan of that id.
    package func plan(id: String) -> Plan? {
        plans.first { $0.id == id }
    }

    /// The plan to offer to who wants a feature: the default one, else the first (D-38).
    package func plan(selling feature: String) -> Plan? {
        let selling = plans.filter { $0.features.contains(feature) }
        return selling.first(where: \.isDefault) ?? selling.first
    }

    /// Every price of a plan, licensed and metered: what one checkout starts (additions A-07).
    package func prices(of plan: Plan) -> [Price] {
        prices.filter { $0.planID == plan.id }
    }
}

// MARK: - Entries

extension Catalog {
    /// Something that is sold.
    package struct Product: Hashable, Sendable {
        /// The name that plans use.
        package let id: String
        /// The name that prices use, and the one in Stripe's metadata.
        package let lookupKey: String
        package let name: String
        package let description: String?
        /// The product in Stripe, when it is known.
        package let stripeProductID: String?
    }

    /// What a product costs.
    package struct Price: Hashable, Sendable {
        /// The name in Stripe, unique over all prices.
        package let lookupKey: String
        package let productLookupKey: String
        /// The plan it belongs to.
        package let planID: String?
        /// Three letters, lower case.
        package let currency: String
        /// Minor units; nil when `unitAmountDecimal` says it.
        package let unitAmount: Int64?
        /// Minor units with up to twelve decimals, as written; only of metered prices.
        package let unitAmountDecimal: String?
        /// How often it is paid; nil for once.
        package let interval: Interval?
        /// How many intervals one payment covers; nil for one.
        package let intervalCount: Int64?
        package let usageType: UsageType
        /// The meter that is charged; only of metered prices.
        package let meterLookupKey: String?
    }

    /// How often a price is paid.
    package enum Interval: String, CaseIterable, Sendable {
        case day, week, month, year
    }

    /// Whether a price is paid as agreed or as used.
    package enum UsageType: String, CaseIterable, Sendable {
        case licensed, metered
    }

    /// Something that is counted.
    package struct Meter: Hashable, Sendable {
        package let name: String
        /// What one of it is called; a catalog for sync alone may leave it out.
        package let unit: String?
        /// The name that metered prices use.
        package let lookupKey: String
        package let displayName: String
        /// The name in usage events and in Stripe.
        package let eventName: String
        package let aggregationFormula: AggregationFormula
        package let customerMappingType: CustomerMappingType
        package let customerMappingEventPayloadKey: String
        package let valueSettingsEventPayloadKey: String
    }

    /// What Stripe makes of a meter's events (stripe.md 5.3).
    package enum AggregationFormula: String, CaseIterable, Sendable {
        case sum, count, last
    }

    /// How Stripe finds the customer of a meter's event (stripe.md 5.3).
    package enum CustomerMappingType: String, CaseIterable, Sendable {
        case byID = "by_id"
    }

    /// The bundle an account takes.
    package struct Plan: Hashable, Sendable {
        package let id: String
        /// The `id` of its product, also when the document wrote the lookup key.
        package let productID: String
        package let name: String?
        /// It is offered before others that sell the same feature.
        package let isDefault: Bool
        package let features: [String]
        package let prices: [PlanPrice]
        package let quotas: [Quota]
    }

    /// A price as a plan lists it.
    package struct PlanPrice: Hashable, Sendable {
        /// As written, or made from plan, currency and interval.
        package let lookupKey: String
        package let currency: String
        package let unitAmount: Int64
        package let interval: Interval?
    }
}
