import BusCore

/// `bus.billing.status.request`, read (bus.md 6.2).
package struct StatusRequest: Hashable, Sendable {
    /// Whose standing.
    package let accountID: String

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        accountID = try RequestFields(payload).accountID()
    }
}

/// `bus.billing.checkout_session.request`, read (bus.md 6.3, D-38).
package struct CheckoutSessionRequest: Hashable, Sendable {
    /// Who buys.
    package let accountID: String
    /// What is wanted; empty when only a plan is named, or nothing at all.
    package let features: [String]
    /// The plan, when named.
    package let planID: String?
    /// Where the payer goes afterwards.
    package let returnURL: String?
    package let successURL: String?
    package let cancelURL: String?

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        let fields = try RequestFields(payload)
        accountID = try fields.accountID()
        features = try fields.features()
        planID = try fields.identifier("plan_id")
        returnURL = try fields.webAddress("return_url")
        successURL = try fields.webAddress("success_url")
        cancelURL = try fields.webAddress("cancel_url")
    }
}

/// `bus.billing.portal_session.request`, read (bus.md 6.3).
package struct PortalSessionRequest: Hashable, Sendable {
    /// Whose portal.
    package let accountID: String
    /// Where the person comes back to.
    package let returnURL: String?

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        let fields = try RequestFields(payload)
        accountID = try fields.accountID()
        returnURL = try fields.webAddress("return_url")
    }
}

/// What a checkout sells, resolved against the active catalog (bus.md D-38, additions A-07).
package struct CheckoutOffer: Hashable, Sendable {
    /// Who buys.
    package let accountID: String
    /// The payment company's label.
    package let provider: String
    /// What is granted.
    package let features: [String]
    /// The plan; nil when the catalog has none for what is wanted.
    package let planID: String?
    /// Lookup keys of every price of the plan that one session can hold.
    package let priceLookupKeys: [String]
    /// Nothing recurs, so it is one payment.
    package let isOneTime: Bool
    private let request: CheckoutSessionRequest

    /// What a request asks for without naming anything (bus.md 5.2).
    package static let defaultFeature = "llm:proxy"

    /// The plan that is named, or the one that sells the feature.
    package init(
        _ request: CheckoutSessionRequest, catalog: Catalog, provider: String
    ) throws(RequestFault) {
        self.request = request
        self.provider = provider
        accountID = request.accountID
        let wanted = request.features.isEmpty && request.planID == nil ? [Self.defaultFeature] : request.features
        let plan: Catalog.Plan?
        if let id = request.planID {
            plan = catalog.plan(id: id)
            // A plan that an operator sells without a catalog is the payment company's to judge.
            if plan == nil, !catalog.plans.isEmpty {
                throw .invalid("plan_id names no plan of the catalog; see GET /api/internal/billing/catalog")
            }
        } else {
            plan = wanted.first.flatMap(catalog.plan(selling:))
        }
        planID = plan?.id ?? request.planID
        features = FeatureList.union(wanted + (plan?.features ?? []))
        let prices = plan.map { CheckoutOffer.prices(of: $0, in: catalog) } ?? []
        priceLookupKeys = prices.map(\.lookupKey)
        isOneTime = !prices.isEmpty && prices.allSatisfy { $0.interval == nil }
    }

    /// Every price of the plan that fits the first one: one session has one currency and one rhythm (stripe.md 2.1).
    private static func prices(of plan: Catalog.Plan, in catalog: Catalog) -> [Catalog.Price] {
        let keys = FeatureList.union(
            plan.prices.map(\.lookupKey) + catalog.prices.filter { $0.planID == plan.id }.map(\.lookupKey))
        let prices = keys.compactMap { key in catalog.prices.first { $0.lookupKey == key } }
        guard let first = prices.first(where: { $0.interval != nil }) ?? prices.first else { return [] }
        return prices.filter { price in
            price.currency == first.currency
                && (price.interval == nil
                    || (price.interval == first.interval && price.intervalCount == first.intervalCount))
        }
    }

    /// The payload of the request to the payment company's worker.
    package func payload(customerID: String?, idempotencyKey: String) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", accountID)
                writer.member("provider", provider)
                writer.member("feature", optional: features.first)
                writer.member("features", features)
                writer.member("plan_id", optional: planID)
                if priceLookupKeys.count == 1, let key = priceLookupKeys.first {
                    writer.member("price_lookup_key", key)
                } else if !priceLookupKeys.isEmpty {
                    writer.key("prices")
                    writer.array { writer in
                        for key in priceLookupKeys { writer.object { $0.member("lookup_key", key) } }
                    }
                }
                if isOneTime { writer.member("mode", "payment") }
                writer.member("success_url", optional: request.successURL)
                writer.member("cancel_url", optional: request.cancelURL)
                writer.member("return_url", optional: request.returnURL)
                writer.member("provider_customer_id", optional: customerID)
                writer.member("idempotency_key", idempotencyKey)
            }
        }
    }
}

/// A page of the payment company: the payload of checkout and portal responses (bus.md 6.3).
package struct ProviderSession: Hashable, Sendable {
    /// A credential: it goes into the answer and nowhere else.
    package let url: String
    /// Whose page.
    package let provider: String

    /// A page.
    package init(url: String, provider: String) {
        self.url = url
        self.provider = provider
    }

    /// The response's payload.
    package func payload() -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("url", url)
                writer.member("provider", provider)
            }
        }
    }
}

extension RequestFields {
    /// An absolute web address; which hosts are allowed is the payment company's worker to say (bus.md 5.1).
    fileprivate func webAddress(_ name: String) throws(RequestFault) -> String? {
        guard let text = try text(name) else { return nil }
        guard text.utf8.count <= Limits.urlBytesMax, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }),
            ["https://", "http://"].contains(where: text.lowercased().hasPrefix)
        else { throw .invalid("\(name) must be an absolute http or https URL of at most \(Limits.urlBytesMax) bytes") }
        return text
    }
}
