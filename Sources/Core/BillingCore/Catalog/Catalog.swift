import BusCore

/// Products, prices, meters, and the plans that accounts take (docs/contract/catalog.md, "Schema").
///
/// Its document was checked, so every reference in it leads somewhere.
package struct Catalog: Hashable, Sendable {
    /// In the document's order.
    package let products: [Product]
    /// The document's prices, then those that only plans list.
    package let prices: [Price]
    /// What is counted.
    package let meters: [Meter]
    /// In the document's order; the first plan that sells a feature is offered for it.
    package let plans: [Plan]
    /// The document as given, unknown members included.
    package let body: JSONValue
    private let index: CatalogIndex

    /// Whether members that the contract does not name are mistakes.
    package enum UnknownMembers: Sendable {
        /// They are kept: a newer peer may know them.
        case keep
        /// Each is a problem: in a file written by hand it is a typing error.
        case refuse
    }

    /// What the catalog is for, which decides what may be left out.
    package enum Purpose: Sendable {
        /// To become the active catalog: `products`, `meters` and `plans` are required.
        case store
        /// To be brought to Stripe: `products` and prices are required.
        case sync
        /// To be used as it is stored. An earlier release may have taken amounts that are refused today.
        case use
    }

    /// Checks a document and reads it; reports all its problems at once.
    package init(
        _ body: JSONValue, unknownMembers: UnknownMembers, purpose: Purpose = .store
    ) throws(CatalogFaults) {
        let problems = CatalogProblems(in: .catalog, judgesMoney: purpose != .use)
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

    /// Takes over a draft that was checked.
    private init(_ draft: CatalogDraft?, body: JSONValue) {
        products = draft?.readProducts ?? []
        prices = draft?.readPrices ?? []
        meters = draft?.readMeters ?? []
        plans = draft?.readPlans ?? []
        self.body = body
        index = CatalogIndex(plans: plans, prices: prices)
    }
}

extension Catalog {
    /// The plan with that id.
    package func plan(id: String) -> Plan? {
        index.planOfID[id].map { plans[$0] }
    }

    /// The plan that a price belongs to, by the price's name in this catalog.
    package func plan(ofPrice name: String) -> Plan? {
        index.planOfPrice[name].map { plans[$0] }
    }

    /// True when some plan sells the feature.
    package func sells(_ feature: String) -> Bool { index.soldFeatures.contains(feature) }

    /// True when whoever has a plan by another catalog has it by this one: no plan and none of its prices is missing.
    package func keepsPlans(of other: Catalog) -> Bool {
        other.plans.allSatisfy { index.planOfID[$0.id] != nil }
            && other.index.planOfPrice.allSatisfy { price, position in
                plan(ofPrice: price)?.id == other.plans[position].id
            }
    }

    /// The quotas of all plans.
    package var quotas: PlanQuotas { index.quotas }

    /// The plans that sell a feature.
    package func plans(selling feature: String) -> [Plan] {
        plans.filter { $0.features.contains(feature) }
    }

    /// Every price of a plan, licensed and metered.
    package func prices(of plan: Plan) -> [Price] {
        prices.filter { $0.planID == plan.id }
    }
}

// MARK: - Entries

extension Catalog {
    /// A product.
    package struct Product: Hashable, Sendable {
        /// The name under which plans refer to it.
        package let id: String
        /// The name under which prices refer to it, and the one in Stripe's metadata.
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
        /// Minor units; nil when `unitAmountDecimal` is given.
        package let unitAmount: Int64?
        /// Minor units with up to twelve decimals, as written; metered prices only.
        package let unitAmountDecimal: String?
        /// How often it is paid; nil for a one-time price.
        package let interval: Interval?
        /// How many intervals one payment covers; nil for one.
        package let intervalCount: Int64?
        package let usageType: UsageType
        /// The meter that is charged; metered prices only.
        package let meterLookupKey: String?
        /// What the document says beside the terms.
        package let extras: PriceExtras

        /// Minor units, whole or with decimals.
        package var amount: MinorUnits? {
            unitAmount.map { MinorUnits($0) } ?? unitAmountDecimal.map { MinorUnits(decimal: $0) }
        }
    }

    /// What a price may say beside its terms; nil leaves to Stripe what it has.
    package struct PriceExtras: Hashable, Sendable {
        /// `inclusive`, `exclusive` or `unspecified`.
        package let taxBehavior: String?
        /// A name that customers do not see.
        package let nickname: String?
        /// What the price costs in other currencies, by their codes.
        package let currencyOptions: [String: CurrencyOption]?
    }

    /// What a price costs in another currency.
    package struct CurrencyOption: Hashable, Sendable {
        package let amount: MinorUnits
        /// Nil when it is not said.
        package let taxBehavior: String?

        /// An amount in another currency.
        package init(amount: MinorUnits, taxBehavior: String?) {
            self.amount = amount
            self.taxBehavior = taxBehavior
        }
    }

    /// Whether tax is part of an amount or comes on top.
    enum TaxBehavior: String, CaseIterable {
        case inclusive, exclusive, unspecified
    }

    /// How often a price is paid.
    package enum Interval: String, CaseIterable, Sendable {
        case day, week, month, year
    }

    /// Whether a price is fixed or charged by usage.
    package enum UsageType: String, CaseIterable, Sendable {
        case licensed, metered
    }

    /// A meter.
    package struct Meter: Hashable, Sendable {
        package let name: String
        /// The name of one unit; a catalog for a sync may leave it out.
        package let unit: String?
        /// The name under which metered prices refer to it.
        package let lookupKey: String
        package let displayName: String
        /// The name in usage events and in Stripe.
        package let eventName: String
        package let aggregationFormula: AggregationFormula
        package let customerMappingType: CustomerMappingType
        package let customerMappingEventPayloadKey: String
        package let valueSettingsEventPayloadKey: String
    }

    /// How Stripe aggregates a meter's events.
    package enum AggregationFormula: String, CaseIterable, Sendable {
        case sum, count, last
    }

    /// How Stripe finds the customer of a meter event.
    package enum CustomerMappingType: String, CaseIterable, Sendable {
        case byID = "by_id"
    }

    /// The bundle an account takes.
    package struct Plan: Hashable, Sendable {
        package let id: String
        /// The `id` of its product, even where the document has the lookup key.
        package let productID: String
        package let name: String?
        /// It is offered before other plans that sell the same feature.
        package let isDefault: Bool
        package let features: [String]
        package let prices: [PlanPrice]
        package let quotas: [Quota]
    }

    /// A price as a plan lists it.
    package struct PlanPrice: Hashable, Sendable {
        /// As written, or derived from plan, currency and interval.
        package let lookupKey: String
        package let currency: String
        package let unitAmount: Int64
        package let interval: Interval?
    }
}
