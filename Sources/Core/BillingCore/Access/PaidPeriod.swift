import BusCore

/// The time that a subscription is paid for: half-open, in whole seconds as payment companies stamp it.
package struct PaidPeriod: Hashable, Sendable {
    /// Seconds since 1970 of its first moment.
    package let start: Int64
    /// Seconds since 1970 of the first moment after it.
    package let end: Int64

    /// A period; nil when it is empty.
    package init?(start: Int64, end: Int64) {
        guard start < end else { return nil }
        self.start = start
        self.end = end
    }

    /// The period that `moment` lies in, this one or a later one of the same length.
    ///
    /// The word that the next period is paid comes some time after it began. Until then it counts as begun: its start
    /// is the end of this one, so nothing changes when the word comes. A moment before this period gets this one.
    package func containing(_ moment: Timestamp) -> PaidPeriod {
        let passed = max(0, moment.seconds - start) / (end - start)
        let shift = passed * (end - start)
        return PaidPeriod(start: start + shift, end: end + shift) ?? self
    }
}

extension SubscriptionStanding {
    /// The time that is paid for at a moment; nil when the provider did not say.
    ///
    /// A subscription that has ended by then has no later period.
    package func paidPeriod(at moment: Timestamp) -> PaidPeriod? {
        guard let start = currentPeriodStart?.seconds, let end = currentPeriodEnd?.seconds,
            let period = PaidPeriod(start: start, end: end)
        else { return nil }
        if let cancelAt, cancelAt.seconds <= moment.seconds, cancelAt.seconds > start {
            return period.containing(Timestamp(clampingSeconds: cancelAt.seconds - 1))
        }
        return period.containing(moment)
    }
}

/// Where usage is counted: one meter of one feature, from one moment on.
package struct UsageBucket: Hashable, Sendable {
    /// What was used.
    package let feature: String
    /// The meter that counts it.
    package let meterEventName: String
    /// How long it is counted.
    package let window: QuotaWindow
    /// Seconds since 1970 of the first moment.
    package let start: Int64
}

/// A quota in the window that counts at one moment.
package struct CurrentQuota: Hashable, Sendable {
    /// The limit.
    package let quota: Quota
    /// Where its usage is counted.
    package let bucket: UsageBucket
    /// When the count begins again; nil for the window that never ends.
    package let resetsAt: Timestamp?

    /// The window of a quota that `moment` lies in.
    ///
    /// - Parameter period: The paid period of the subscription that has the quota's plan, when there is one.
    package init(_ quota: Quota, period: PaidPeriod?, at moment: Timestamp) {
        self.quota = quota
        let window = quota.window == .period && period == nil ? .month : quota.window
        let span = window == .period ? period.map { ($0.start, Int64?.some($0.end)) } : nil
        let (start, end) = span ?? (window.start(containing: moment), window.end(containing: moment))
        bucket = UsageBucket(
            feature: quota.feature, meterEventName: quota.meterEventName, window: window, start: start)
        resetsAt = end.map { Timestamp(clampingSeconds: $0) }
    }
}
