import BusCore

/// Faults that somebody dialled: they turn up in a share of all cases, by the seed.
package struct FaultDials: Hashable, Sendable {
    /// What a call can meet.
    package enum Kind: String, CaseIterable, Sendable {
        /// Too many requests.
        case rateLimited = "429"
        /// Another call works on the object; this one has no limiter's header.
        case lockTimeout = "lock_timeout"
        /// A failure that Stripe does not keep.
        case failure = "500"
        /// A failure that Stripe keeps under the idempotency key and repeats for a day.
        case stickyFailure = "sticky_500"
        /// Another call has the object or the key.
        case conflict = "409"
        /// A restricted key without the permission.
        case forbidden = "403"
        case resetBefore = "reset_before"
        case resetAfter = "reset_after"
        case slow
        case brokenJSON = "broken_json"
    }

    /// A dial for some calls.
    package struct Call: Hashable, Sendable {
        /// What happens.
        package let kind: Kind
        /// Paths that begin so.
        package let path: String
        /// One method; nil means all.
        package let method: WorldCall.Method?
        /// How many of a hundred calls it meets.
        package let percent: Int
        /// How many calls it still meets; nil means all.
        package var remaining: Int?
        /// How long `slow` takes.
        package let milliseconds: Int64

        /// A dial.
        package init(
            _ kind: Kind, path: String = "/", method: WorldCall.Method? = nil, percent: Int = 100,
            remaining: Int? = nil, milliseconds: Int64 = 1_000
        ) {
            self.kind = kind
            self.path = path
            self.method = method
            self.percent = percent
            self.remaining = remaining
            self.milliseconds = milliseconds
        }
    }

    /// What webhooks meet.
    package struct Webhooks: Hashable, Sendable {
        /// Each waits up to so long.
        package var delayMilliseconds: Int64 = 0
        /// Percent that is sent twice.
        package var duplicatePercent = 0
        /// Percent that lets later ones pass.
        package var reorderPercent = 0
        /// Percent that is never sent.
        package var dropPercent = 0

        /// Webhooks without faults.
        package init() {}
    }

    /// The dials of calls; the first that meets a call counts.
    package var calls: [Call] = []
    /// The dials of webhooks.
    package var webhooks = Webhooks()
    /// The Customer Portal was never saved in the dashboard.
    package var isPortalUnconfigured = false
    /// A search does not find what is younger.
    package var searchLagSeconds: Int64 = 0

    /// A world without faults.
    package init() {}

    /// The fault that a call meets; uses the numbers up only where a dial looks at the call.
    mutating func meet(_ call: WorldCall, _ numbers: inout SeededNumbers) -> Call? {
        for (index, dial) in calls.enumerated() {
            guard call.path.hasPrefix(dial.path), dial.method == nil || dial.method == call.method,
                dial.remaining != 0
            else { continue }
            guard dial.percent >= 100 || Int(numbers.next() % 100) < dial.percent else { continue }
            if let remaining = dial.remaining { calls[index].remaining = remaining - 1 }
            return dial
        }
        return nil
    }
}
