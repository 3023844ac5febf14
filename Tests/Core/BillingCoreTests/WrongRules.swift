import BillingCore
import BusContract
import BusCore

/// Rules that people write first and that are wrong: they depend on arrival, or on what does not decide.
enum WrongRule: CaseIterable {
    /// The newest second wins, inside it the last arrival.
    case newestArrival
    /// A change that starts from the stored status wins, else the newer second.
    case storedRowOnly
    /// The right rule, but a checkout counts by its time like every other update.
    case checkoutCountsByTime

    func status(_ updates: [SubscriptionUpdate]) -> SubscriptionStatus? {
        switch self {
        case .newestArrival: stored(updates) { $1.occurredAt >= $0.occurredAt }
        case .storedRowOnly:
            stored(updates) { row, update in
                if let previous = update.previousProviderStatus, previous == row.providerStatus { return true }
                return update.occurredAt > row.occurredAt
            }
        case .checkoutCountsByTime:
            Self.decided(
                updates.map { update in
                    var update = update
                    if update.kind == .checkout { update.kind = .updated }
                    return update
                })
        }
    }

    static func decided(_ updates: [SubscriptionUpdate]) -> SubscriptionStatus? {
        guard let first = updates.first else { return nil }
        var subscription = Subscription(first)
        for update in updates.dropFirst() { subscription.apply(update) }
        return subscription.standing?.status
    }

    private func stored(
        _ updates: [SubscriptionUpdate], replaces: (SubscriptionUpdate, SubscriptionUpdate) -> Bool
    ) -> SubscriptionStatus? {
        var row: SubscriptionUpdate?
        for update in updates {
            if let row, row.kind == .deleted || (update.kind != .deleted && !replaces(row, update)) { continue }
            row = update
        }
        return row?.status
    }
}
