import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

extension BillingDesk {
    /// What became of an update.
    package struct Applied: Sendable {
        /// The answer.
        package let result: SubscriptionResult
        /// The event was handled before, and this is the answer it got.
        package let isRepeated: Bool
        /// This update made the deployment live.
        package var isFirstLive = false
    }

    /// Adds an update to its subscription and says what that changed; a repeated event gets the answer it got.
    package func apply(
        _ update: SubscriptionUpdate, source: String?, eventID: String?, at now: Timestamp
    ) async throws -> Applied {
        var applied = try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: SubscriptionResult = try handled.response(to: eventID) {
                return Applied(result: answered, isRepeated: true)
            }
            let store = SubscriptionStore(connection)
            let change = try store.apply(update, source: source, at: now)
            let accountID = change.standing?.accountID ?? update.accountID
            let result = SubscriptionResult(
                accountID: accountID,
                status: try accountID.map { try store.standing(of: $0, in: mode.current(on: connection)).status }
                    ?? .missing,
                isApplied: change.isApplied,
                isUndecided: change.standing?.isUndecided ?? false)
            try handled.record(result, to: eventID, at: now)
            return Applied(result: result, isRepeated: false, isFirstLive: change.isFirstLive)
        }
        if applied.isFirstLive { applied.isFirstLive = mode.settleLive() }
        return applied
    }
}
