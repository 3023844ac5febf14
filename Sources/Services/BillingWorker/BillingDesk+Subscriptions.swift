import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

extension BillingDesk {
    /// Adds an update to its subscription and says what that changed; a repeated event gets the answer it got.
    package func apply(
        _ update: SubscriptionUpdate, source: String?, eventID: String?, at now: Timestamp
    ) async throws -> (result: SubscriptionResult, isRepeated: Bool) {
        try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: SubscriptionResult = try handled.response(to: eventID) { return (answered, true) }
            let store = SubscriptionStore(connection)
            let change = try store.apply(update, source: source, at: now)
            let accountID = change.standing?.accountID ?? update.accountID
            let result = SubscriptionResult(
                accountID: accountID, status: try accountID.map { try store.standing(of: $0).status } ?? .missing,
                isApplied: change.isApplied,
                isUndecided: change.standing?.isUndecided ?? false)
            try handled.record(result, to: eventID, at: now)
            return (result, false)
        }
    }
}
