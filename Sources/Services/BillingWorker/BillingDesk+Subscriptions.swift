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
        /// Its account was forgotten, so it opens nothing.
        package var isForgotten = false
    }

    /// Adds an update to its subscription and says what that changed; a repeated event is told what it changed.
    package func apply(
        _ update: SubscriptionUpdate, source: String?, eventID: String?, at now: Timestamp
    ) async throws -> Applied {
        // Updates come many at a time: those that were read together share a commit.
        await Task.yield()
        var applied = try await commits.perform { connection in
            let handled = HandledEvents(connection)
            // An update that names its account is stored with its request, and its row says what it changed.
            let unlinkedID = update.accountID == nil ? eventID : nil
            if let answered: SubscriptionResult = try handled.response(to: unlinkedID) {
                return Applied(result: answered, isRepeated: true)
            }
            let store = SubscriptionStore(connection)
            let change = try store.apply(update, source: source, requestID: eventID, at: now)
            let accountID = change.standing.accountID
            let result = SubscriptionResult(
                accountID: accountID,
                status: try accountID.map { try store.status(of: $0, in: mode.current(on: connection)) }
                    ?? .missing,
                isApplied: change.isApplied,
                isUndecided: change.standing.isUndecided)
            try handled.record(result, to: unlinkedID, at: now)
            return Applied(
                result: result, isRepeated: change.isRepeated, isFirstLive: change.isFirstLive,
                isForgotten: change.isForgotten)
        }
        if applied.isFirstLive { applied.isFirstLive = mode.settleLive() }
        return applied
    }

    /// Forgets a customer that is gone.
    package func forget(
        _ deletion: CustomerDeletion, eventID: String?, at now: Timestamp
    ) async throws -> CustomerDeletionResult {
        try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: CustomerDeletionResult = try handled.response(to: eventID) { return answered }
            let result = CustomerDeletionResult(isApplied: try DeletedCustomers(connection).forget(deletion, at: now))
            try handled.record(result, to: eventID, at: now)
            return result
        }
    }
}

extension BillingDesk {
    /// Subscriptions to have read again.
    package struct DueReviews: Sendable {
        /// Those to ask about now.
        package let taken: [SubscriptionReviews.Due]
        /// All whose updates contradict each other.
        package let undecided: Int64
        /// All others of which nothing was heard for too long.
        package let unheard: Int64
    }

    /// Takes some of the subscriptions that are due, and counts all of them.
    package func takeReviews(of provider: String, at now: Timestamp) async throws -> DueReviews {
        let (undecided, unheard) = try await database.read { connection in
            try SubscriptionReviews(connection).count(of: provider, in: mode.current(on: connection), at: now)
        }
        guard undecided + unheard > 0 else { return DueReviews(taken: [], undecided: 0, unheard: 0) }
        let taken = try await commits.perform { connection in
            try SubscriptionReviews(connection).take(
                Limits.reviewedAtOnceMax, of: provider, in: mode.current(on: connection), at: now)
        }
        return DueReviews(taken: taken, undecided: undecided, unheard: unheard)
    }
}
