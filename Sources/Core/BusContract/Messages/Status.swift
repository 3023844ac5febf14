import BusCore

/// `bus.billing.status.request`: how an account stands.
package struct StatusRequest: Message {
    /// Whose standing; a UUID.
    package var accountID = ""

    package init() {}

    /// A request about one account.
    package init(accountID: String) {
        self.accountID = accountID
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
    }
}

/// `bus.billing.status.response`: what an account has bought and used (docs/contract/billing.md, "Status").
package struct AccountStatus: Message {
    /// Whose standing.
    package var accountID = ""
    /// The best status among its subscriptions.
    package var status = SubscriptionStatus.missing
    /// What may be used now.
    package var features: [String] = []
    /// True while nothing is bought.
    package var needsSetup = false
    /// The payment company's label, when known.
    package var provider: String?
    /// The plan, when known.
    package var planID: String?
    /// The catalog knows neither the plan nor a price of what is paid, so the smallest quotas count.
    package var isPlanUnknown = false
    /// When the paid time ends, and is paid again unless the subscription ends.
    package var currentPeriodEnd: Timestamp?
    /// When the subscription ends, once that is decided.
    package var cancelAt: Timestamp?
    /// When access ends although the last charge failed.
    package var graceUntil: Timestamp?
    /// How the provider treats invoices while collection is paused.
    package var collectionPaused: String?
    /// One line for each quota that counts.
    package var usage: [UsageLine] = []
    /// What the person should do; nil when all is well.
    package var next: NextStep?

    /// What a person should do about their billing.
    package struct NextStep: Message {
        /// What kind of step it is; nil for a word of a later release.
        package var action: Action?
        /// What to type, `bus billing setup`.
        package var command: String?
        /// The plan that would help.
        package var recommendedPlan: String?

        package init() {}

        /// A step.
        package init(_ action: Action?, command: String?, recommendedPlan: String? = nil) {
            self.action = action
            self.command = command
            self.recommendedPlan = recommendedPlan
        }

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            fields.writing { [action] in if action == .upgradePlan { $0.member("upgrade_required", true) } }
            try fields.field("next_action", .word(), &action)
            try fields.field("recommended_plan", .text, &recommendedPlan)
            try fields.field("command", .text, &command)
        }
    }

    /// The kinds of next steps.
    package enum Action: String, Sendable {
        case setupBilling = "setup_billing"
        case manageBilling = "manage_billing"
        case upgradePlan = "upgrade_plan"
    }

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("status", .word(orElse: .incomplete), &status, orSay: "send the account's standing")
        try fields.field("features", .texts, &features)
        try fields.field("setup_required", .flag, &needsSetup)
        try fields.field("provider", .text, &provider)
        try fields.field("plan_id", .text, &planID)
        try fields.field("plan_unknown", .flag, &isPlanUnknown, unless: false)
        try fields.field("current_period_end", .time, &currentPeriodEnd)
        try fields.field("cancel_at", .time, &cancelAt)
        try fields.field("grace_until", .time, &graceUntil)
        try fields.field("collection_paused", .text, &collectionPaused)
        try fields.field("usage", .objects(), &usage, unless: [])
        var step = next ?? NextStep()
        try step.visit(&fields)
        next = step.action == nil && step.command == nil ? nil : step
    }
}

/// One quota with what is used of it, in units of its meter.
package struct UsageLine: Message {
    /// The feature it limits.
    package var feature = ""
    /// The meter it counts.
    package var meterEventName = ""
    /// `minute`, `hour`, `day`, `week`, `month`, `period` or `total`.
    package var window = ""
    /// Usage that was reported and accepted.
    package var used: Int64 = 0
    /// Usage that checks have granted and nobody has reported yet.
    package var reserved: Int64 = 0
    /// The quota's limit.
    package var limit: Int64 = 0
    /// What may still be asked for; never negative.
    package var remaining: Int64 = 0
    /// Nothing of the reported usage is left.
    package var isExceeded = false
    /// The plan that has more.
    package var upgradePlanID: String?
    /// When the window ends and the count begins again; nil for a window that never ends.
    package var resetsAt: Timestamp?

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("feature", .text, &feature, orSay: "send the feature that is limited")
        try fields.field("meter_event_name", .text, &meterEventName, orSay: "send the meter that counts")
        try fields.field("window", .text, &window, orSay: "send the quota's window")
        try fields.field("used", .amount, &used)
        try fields.field("reserved", .amount, &reserved, unless: 0)
        try fields.field("limit", .amount, &limit)
        try fields.field("remaining", .amount, &remaining)
        try fields.field("exceeded", .flag, &isExceeded)
        try fields.field("upgrade_plan_id", .text, &upgradePlanID)
        try fields.field("resets_at", .time, &resetsAt)
    }
}
