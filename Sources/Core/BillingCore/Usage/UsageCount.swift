import BusContract
import BusCore

/// Whose usage of what: the part of a bucket's identity that does not change with time.
package struct UsageSubject: Hashable, Sendable {
    /// Who pays and owns.
    package let accountID: String
    /// What was used.
    package let feature: String
    /// The meter that counts it.
    package let meterEventName: String

    /// A subject.
    package init(accountID: String, feature: String, meterEventName: String) {
        self.accountID = accountID
        self.feature = feature
        self.meterEventName = meterEventName
    }

    /// What a request is about.
    package init(_ request: UsageExportRequest) {
        self.init(
            accountID: request.accountID, feature: request.feature, meterEventName: request.meterEventName)
    }
}

/// What a bucket holds, in units of its meter.
package struct UsageCount: Hashable, Sendable {
    /// Usage that was reported and accepted.
    package var used: Int64
    /// Usage that checks have granted and nobody has reported yet.
    package var held: Int64

    /// A bucket's content.
    package init(used: Int64 = 0, held: Int64 = 0) {
        self.used = used
        self.held = held
    }

    /// Used and held together.
    package var claimed: Int64 { used.addingSaturated(held) }
}

/// The counts of one account's present windows.
package struct UsageCounts: Hashable, Sendable {
    private var counts: [UsageBucket: UsageCount] = [:]

    /// No usage.
    package init() {}

    /// What a bucket holds.
    package subscript(bucket: UsageBucket) -> UsageCount {
        get { counts[bucket] ?? .init() }
        set { counts[bucket] = newValue }
    }
}

/// One quota with what is used of it.
package struct QuotaUsage: Hashable, Sendable {
    /// The limit.
    package let quota: Quota
    /// What its bucket holds.
    package let count: UsageCount
    /// When the count begins again; nil for the window that never ends.
    package let resetsAt: Timestamp?

    /// A quota and its bucket's content.
    package init(_ current: CurrentQuota, _ count: UsageCount) {
        quota = current.quota
        resetsAt = current.resetsAt
        self.count = count
    }

    /// Nothing of the reported usage is left.
    package var isExceeded: Bool { count.used >= quota.limit }
    /// What may still be asked for; never negative.
    package var remaining: Int64 { max(0, quota.limit - count.claimed) }

    /// True when `quantity` more, or without one anything at all, is too much.
    package func refuses(_ quantity: Int64?) -> Bool {
        guard let quantity else { return count.claimed >= quota.limit }
        return count.claimed.addingSaturated(quantity) > quota.limit
    }

    /// The quota and its count on the wire.
    package var line: UsageLine {
        var line = UsageLine()
        line.feature = quota.feature
        line.meterEventName = quota.meterEventName
        line.window = quota.window.rawValue
        line.used = count.used
        line.reserved = count.held
        line.limit = quota.limit
        line.remaining = remaining
        line.isExceeded = isExceeded
        line.upgradePlanID = quota.upgradePlanID
        line.resetsAt = resetsAt
        return line
    }
}
