import BusContract
import BusCore

extension SubscriptionStanding {
    /// From when on the payment company must be asked about it; nil when nothing is at stake, or nobody can ask.
    ///
    /// An undecided subscription is due at once. One that still counts is due when its paid time ended and nothing was
    /// heard, so that a lost cancellation does not leave it open for ever.
    package var dueAt: Timestamp? {
        guard key.subscriptionID != nil, accountID != nil else { return nil }
        if isUndecided { return occurredAt }
        switch status {
        case .active, .pastDue:
            let end = currentPeriodEnd ?? occurredAt.advanced(bySeconds: Limits.unknownPeriodSeconds)
            return end.advanced(bySeconds: Limits.unheardSeconds)
        case .missing, .incomplete, .canceled: return nil
        }
    }

    /// When to ask again after so many requests.
    package static func nextRequest(after requests: Int64, at now: Timestamp) -> Timestamp {
        let backoff = Backoff(
            first: .seconds(Limits.reviewAgainSeconds), longest: .seconds(Limits.reviewAgainSecondsMax))
        // 0.5 takes the jitter away: rows are due at their own times.
        let wait = backoff.delay(afterFailures: Int(clamping: requests), random: 0.5)
        return now.advanced(bySeconds: Int64(wait.inSeconds))
    }
}
