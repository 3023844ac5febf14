import BillingCore
import BusContract
import BusCore
import Testing

/// Subscriptions, catalogs and checks as values.
enum AccessFixtures {
    static let account = "00000000-0000-4000-8000-000000000001"
    static let now = Timestamp(clampingSeconds: 1_785_585_600)

    /// Two plans for one feature, one plan for another.
    static func catalog(_ edits: CatalogEdit...) throws -> Catalog {
        try Catalog(CatalogFixtures.template().edited(edits), unknownMembers: .refuse)
    }

    static func subscription(
        _ name: String = "subscription:sub_1", _ status: SubscriptionStatus = .active, plan: String? = nil,
        features: [String] = ["llm:proxy"], prices: [String] = []
    ) -> SubscriptionStanding {
        var subscription = SubscriptionStanding(
            key: SubscriptionKey(provider: "stripe", livemode: false, name: name), accountID: account, status: status,
            occurredAt: now)
        subscription.planID = plan
        subscription.features = features
        subscription.prices = prices.map(price)
        return subscription
    }

    /// A price by its lookup key, or by its id when it begins like one.
    static func price(_ name: String) -> SubscriptionUpdate.Price {
        var price = SubscriptionUpdate.Price()
        price.id = name.hasPrefix("price_") ? name : "price_of_\(name)"
        price.lookupKey = name.hasPrefix("price_") ? nil : name
        return price
    }

    static func access(
        _ subscriptions: [SubscriptionStanding], _ tariff: Tariff, grace: Duration = .zero, at now: Timestamp = now
    ) -> AccountAccess {
        AccountAccess(
            AccountStanding(accountID: account, subscriptions: subscriptions), tariff: tariff, grace: grace, at: now)
    }

    static func check(_ feature: String = "llm:proxy", _ quantity: Int64? = nil) -> EntitlementCheck {
        var check = EntitlementCheck()
        check.accountID = account
        check.feature = feature
        if let quantity {
            var usage = EntitlementCheck.Usage()
            usage.meterEventName = "bus_llm_tokens"
            usage.quantity = quantity
            check.usage = usage
        }
        return check
    }

    /// The answer to a check when nothing is used.
    static func answer(
        _ access: AccountAccess, _ feature: String = "llm:proxy", _ quantity: Int64? = nil
    ) -> EntitlementAnswer {
        Entitlement(check(feature, quantity), access: access, counts: UsageCounts()).answer
    }
}
