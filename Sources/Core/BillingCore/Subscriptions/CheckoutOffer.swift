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

    /// The plan that is named, or one that sells what is wanted; without a catalog the request is taken as it is.
    package init(
        _ request: CheckoutSessionRequest, catalog: Catalog, provider: String
    ) throws(FieldFault) {
        self.request = request
        self.provider = provider
        accountID = request.accountID
        let wanted =
            request.features.isEmpty && request.planID == nil ? [MessageReader.defaultFeature] : request.features
        guard !catalog.plans.isEmpty else {
            if request.interval != nil {
                throw .invalid("interval chooses among the prices of a catalog, and there is no catalog; leave it out")
            }
            (planID, features, priceLookupKeys, isOneTime) = (request.planID, FeatureList.union(wanted), [], false)
            return
        }
        let choice = PlanChoice(catalog)
        let plan = try choice.plan(named: request.planID, selling: wanted)
        let prices = try choice.prices(of: plan, paidEvery: request.interval)
        planID = plan.id
        features = plan.features
        priceLookupKeys = prices.map(\.lookupKey)
        isOneTime = prices.allSatisfy { $0.interval == nil }
    }

    /// Refuses to sell what the account already has, unless the request says `additional`.
    package func check(against access: AccountAccess) throws(BusError) {
        guard !request.isAdditional, let owner = access.owner(of: features) else { return }
        let plan = access.tariff.grants(of: owner.subscription, at: access.moment).first?.planID ?? "a subscription"
        throw BusError(
            .alreadySubscribed,
            "the account has \(plan) (\(owner.subscription.status.rawValue)), which sells \(owner.feature); "
                + "change it in the portal, or say that an additional one is meant (\"additional\":true, --additional)",
            command: BillingCommand.portal)
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
