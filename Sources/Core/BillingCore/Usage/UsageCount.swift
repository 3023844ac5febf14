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

/// The counts of one account's present windows, looked up by what a quota names.
package struct UsageCounts: Hashable, Sendable {
    private struct Place: Hashable {
        let feature: String
        let meterEventName: String
        let window: QuotaWindow
    }

    private var counts: [Place: UsageCount] = [:]

    /// No usage.
    package init() {}

    /// The count that a quota limits.
    package subscript(quota: Quota) -> UsageCount {
        get {
            counts[Place(feature: quota.feature, meterEventName: quota.meterEventName, window: quota.window)] ?? .init()
        }
        set {
            counts[Place(feature: quota.feature, meterEventName: quota.meterEventName, window: quota.window)] = newValue
        }
    }
}

/// One quota with what is used of it.
package struct QuotaUsage: Hashable, Sendable {
    /// The limit.
    package let quota: Quota
    /// What its bucket holds.
    package let count: UsageCount

    /// A quota and its bucket.
    package init(_ quota: Quota, _ count: UsageCount) {
        self.quota = quota
        self.count = count
    }

    /// Nothing of the reported usage is left (bus.md 6.2).
    package var isExceeded: Bool { count.used >= quota.limit }
    /// What may still be asked for; never negative.
    package var remaining: Int64 { max(0, quota.limit - count.claimed) }

    /// True when `quantity` more, or without one anything at all, is too much (bus.md 6.4).
    package func refuses(_ quantity: Int64?) -> Bool {
        guard let quantity else { return count.claimed >= quota.limit }
        return count.claimed.addingSaturated(quantity) > quota.limit
    }

    /// Writes the object of bus.md 6.2, as the next value of a document.
    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("feature", quota.feature)
            writer.member("meter_event_name", quota.meterEventName)
            writer.member("window", quota.window.rawValue)
            writer.member("used", count.used)
            if count.held > 0 { writer.member("reserved", count.held) }
            writer.member("limit", quota.limit)
            writer.member("remaining", remaining)
            writer.member("exceeded", isExceeded)
            writer.member("upgrade_plan_id", optional: quota.upgradePlanID)
        }
    }
}

extension Int64 {
    /// The sum, or the nearest value there is.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
