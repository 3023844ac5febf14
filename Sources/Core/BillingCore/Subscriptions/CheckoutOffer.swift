import BusContract
import BusCore

/// What a checkout sells, resolved against the active catalog (docs/contract/billing.md, "Payment provider").
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

    /// The plan that is named, or the one that sells the feature.
    package init(
        _ request: CheckoutSessionRequest, catalog: Catalog, provider: String
    ) throws(FieldFault) {
        self.request = request
        self.provider = provider
        accountID = request.accountID
        let wanted =
            request.features.isEmpty && request.planID == nil ? [MessageReader.defaultFeature] : request.features
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

    /// Every price of the plan that fits the first one: one session has one currency and one rhythm
    /// (docs/contract/stripe-facts.md, "Checkout Sessions").
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

    /// The request to the payment company's worker.
    package func providerRequest(customerID: String?, idempotencyKey: String) -> ProviderCheckoutRequest {
        var checkout = ProviderCheckoutRequest(
            accountID: accountID, features: features, planID: planID,
            lines: priceLookupKeys.map { .init(.lookupKey($0)) })
        checkout.provider = provider
        if isOneTime { checkout.mode = .payment }
        checkout.successURL = request.successURL
        checkout.cancelURL = request.cancelURL
        checkout.returnURL = request.returnURL
        checkout.customerID = customerID
        checkout.idempotencyKey = idempotencyKey
        return checkout
    }
}
