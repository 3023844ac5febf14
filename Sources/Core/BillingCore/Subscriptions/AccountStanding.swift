import BusContract
import BusCore

/// What an account has bought: the union over its subscriptions, so that ending one leaves the others alone.
package struct AccountStanding: Hashable, Sendable {
    /// Who pays and owns.
    package let accountID: String
    /// Its subscriptions, the one that says most about the account first.
    package let subscriptions: [SubscriptionStanding]

    /// The standing that these subscriptions of one account add up to.
    ///
    /// A session that did not say which subscription it sold steps back behind any subscription of the account.
    package init(accountID: String, subscriptions: [SubscriptionStanding]) {
        self.accountID = accountID
        let namesOne = subscriptions.contains { $0.key.subscriptionID != nil }
        let counting = namesOne ? subscriptions.filter { !$0.key.isUnnamedSession } : subscriptions
        self.subscriptions = counting.sorted { left, right in
            (right.status.entitlement, right.occurredAt, left.key.name)
                < (left.status.entitlement, left.occurredAt, right.key.name)
        }
    }

    /// The best status among them; `missing` for an account nobody knows.
    package var status: SubscriptionStatus { subscriptions.first?.status ?? .missing }
    /// The payment company of the first subscription.
    package var provider: String? { subscriptions.first?.key.provider }
    /// False while something is bought, even when its payment is late.
    package var needsSetup: Bool { !status.isBought }

    /// The provider's id for the account, from the subscription that knows it and says most.
    package func customerID(provider: String) -> String? {
        subscriptions.first { $0.key.provider == provider && $0.customerID != nil }?.customerID
    }
}
