import BusContract
import BusCore

/// What one subscription says about its account.
package struct SubscriptionStanding: Hashable, Sendable {
    /// Which subscription.
    package let key: SubscriptionKey
    /// Who pays and owns; nil while nothing has named an account.
    package var accountID: String?
    /// Provider-neutral standing.
    package var status: SubscriptionStatus
    /// The updates contradict each other; the least entitled of them stands.
    package var isUndecided = false
    /// What was bought, as the metadata says.
    package var features: [String] = []
    /// The plan, as the metadata says.
    package var planID: String?
    /// What is paid for; empty when nothing told it.
    package var prices: [SubscriptionUpdate.Price] = []
    /// The provider's id for the account, when known.
    package var customerID: String?
    /// The time of the update that stands.
    package var occurredAt: Timestamp
    /// What kind of update that is.
    package var kind: SubscriptionUpdate.Kind?
    /// The provider's own word in it.
    package var providerStatus: String?
    /// The time that is paid for.
    package var currentPeriodStart: Timestamp?
    package var currentPeriodEnd: Timestamp?
    /// When it ends, once that is decided.
    package var cancelAt: Timestamp?
    /// How the provider treats invoices while collection is paused.
    package var collectionPaused: String?
    /// Since when its charges fail; nil unless they fail now.
    package var pastDueSince: Timestamp?
    /// The times in which it was active, the oldest first; the last one is open while it is active.
    package var entitled: [EntitledTime] = []

    /// A time in which a subscription was active.
    package struct EntitledTime: Hashable, Sendable {
        /// The first moment.
        package let from: Timestamp
        /// The first moment after it; nil while it goes on.
        package let until: Timestamp?

        /// A time.
        package init(from: Timestamp, until: Timestamp?) {
            self.from = from
            self.until = until
        }
    }

    /// A standing that says no more than a status.
    package init(key: SubscriptionKey, accountID: String?, status: SubscriptionStatus, occurredAt: Timestamp) {
        self.key = key
        self.accountID = accountID
        self.status = status
        self.occurredAt = occurredAt
    }
}
