import BusCore

/// `bus.billing.status.request`: how an account stands.
package struct StatusRequest: Message {
    /// Whose standing; a UUID.
    package let accountID: String

    /// A request about one account.
    package init(accountID: String) {
        self.accountID = accountID
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
    }
}

/// `bus.billing.status.response`: what an account has bought and used (docs/contract/billing.md, "Status").
package struct AccountStatus: Message {
    /// Whose standing.
    package var accountID: String
    /// The best status among its subscriptions.
    package var status: SubscriptionStatus
    /// What may be used now.
    package var features: [String]
    /// True while nothing is bought.
    package var needsSetup: Bool
    /// The payment company's label, when known.
    package var provider: String?
    /// The plan, when known.
    package var planID: String?
    /// One line for each quota that counts.
    package var usage: [UsageLine]
    /// What the person should do; nil when all is well.
    package var next: NextStep?

    /// What a person should do about their billing.
    package struct NextStep: Hashable, Sendable {
        /// What kind of step it is; nil for a word of a later release.
        package var action: Action?
        /// What to type, `bus billing setup`.
        package var command: String?
        /// The plan that would help.
        package var recommendedPlan: String?

        /// A step.
        package init(_ action: Action?, command: String?, recommendedPlan: String? = nil) {
            self.action = action
            self.command = command
            self.recommendedPlan = recommendedPlan
        }
    }

    /// The kinds of next steps.
    package enum Action: String, Sendable {
        case setupBilling = "setup_billing"
        case manageBilling = "manage_billing"
        case upgradePlan = "upgrade_plan"
    }

    /// A standing with every field.
    package init(
        accountID: String, status: SubscriptionStatus, features: [String], needsSetup: Bool, provider: String?,
        planID: String?, usage: [UsageLine], next: NextStep?
    ) {
        self.accountID = accountID
        self.status = status
        self.features = features
        self.needsSetup = needsSetup
        self.provider = provider
        self.planID = planID
        self.usage = usage
        self.next = next
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        status = SubscriptionStatus(word: try fields.requiredText("status", orSay: "send the account's standing"))
        guard let features = try fields.texts("features") else { throw .invalid("features is missing") }
        self.features = features
        needsSetup = try fields.requiredFlag("setup_required")
        provider = try fields.text("provider")
        planID = try fields.text("plan_id")
        usage = []
        for line in try fields.objects("usage") ?? [] { usage.append(try UsageLine(from: line)) }
        let action = try fields.text("next_action")
        let command = try fields.text("command")
        if action != nil || command != nil {
            next = NextStep(
                action.flatMap(Action.init(rawValue:)), command: command,
                recommendedPlan: try fields.text("recommended_plan"))
        }
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("status", status.rawValue)
        object.member("features", features)
        object.member("setup_required", needsSetup)
        object.member("provider", optional: provider)
        object.member("plan_id", optional: planID)
        object.member("usage", unlessEmpty: usage)
        guard let next else { return }
        if next.action == .upgradePlan { object.member("upgrade_required", true) }
        object.member("next_action", optional: next.action?.rawValue)
        object.member("recommended_plan", optional: next.recommendedPlan)
        object.member("command", optional: next.command)
    }
}

/// One quota with what is used of it, in units of its meter.
package struct UsageLine: Message {
    /// The feature it limits.
    package var feature: String
    /// The meter it counts.
    package var meterEventName: String
    /// `minute`, `hour`, `day`, `week`, `month` or `total`.
    package var window: String
    /// Usage that was reported and accepted.
    package var used: Int64
    /// Usage that checks have granted and nobody has reported yet.
    package var reserved: Int64
    /// The quota's limit.
    package var limit: Int64
    /// What may still be asked for; never negative.
    package var remaining: Int64
    /// Nothing of the reported usage is left.
    package var isExceeded: Bool
    /// The plan that has more.
    package var upgradePlanID: String?

    /// A line with every field.
    package init(
        feature: String, meterEventName: String, window: String, used: Int64, reserved: Int64, limit: Int64,
        remaining: Int64, isExceeded: Bool, upgradePlanID: String?
    ) {
        self.feature = feature
        self.meterEventName = meterEventName
        self.window = window
        self.used = used
        self.reserved = reserved
        self.limit = limit
        self.remaining = remaining
        self.isExceeded = isExceeded
        self.upgradePlanID = upgradePlanID
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        feature = try fields.requiredText("feature", orSay: "send the feature that is limited")
        meterEventName = try fields.requiredText("meter_event_name", orSay: "send the meter that counts")
        window = try fields.requiredText("window", orSay: "send the quota's window")
        used = try fields.amount("used")
        reserved = fields.value("reserved") == nil ? 0 : try fields.amount("reserved")
        limit = try fields.amount("limit")
        remaining = try fields.amount("remaining")
        isExceeded = try fields.requiredFlag("exceeded")
        upgradePlanID = try fields.text("upgrade_plan_id")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("feature", feature)
        object.member("meter_event_name", meterEventName)
        object.member("window", window)
        object.member("used", used)
        if reserved > 0 { object.member("reserved", reserved) }
        object.member("limit", limit)
        object.member("remaining", remaining)
        object.member("exceeded", isExceeded)
        object.member("upgrade_plan_id", optional: upgradePlanID)
    }
}
