/// A limit on one meter of one feature inside one window (docs/contract/billing.md, "Quotas").
package struct Quota: Hashable, Sendable {
    /// What is limited.
    package let feature: String
    /// The meter that is counted.
    package let meterEventName: String
    /// How long a count lasts.
    package let window: QuotaWindow
    /// Most units inside one window; at least 1.
    package let limit: Int64
    /// The plan to offer when the window is used up.
    package let upgradePlanID: String?

    /// A quota with every field.
    package init(
        feature: String, meterEventName: String, window: QuotaWindow, limit: Int64, upgradePlanID: String? = nil
    ) {
        self.feature = feature
        self.meterEventName = meterEventName
        self.window = window
        self.limit = limit
        self.upgradePlanID = upgradePlanID
    }
    /// What a quota limits: no plan has two quotas of one subject.
    package struct Subject: Hashable, Sendable {
        /// The feature that is used.
        package let feature: String
        /// The meter that is counted.
        package let meterEventName: String
        /// How long a count lasts.
        package let window: QuotaWindow
    }

    /// What it limits.
    package var subject: Subject { Subject(feature: feature, meterEventName: meterEventName, window: window) }
}
