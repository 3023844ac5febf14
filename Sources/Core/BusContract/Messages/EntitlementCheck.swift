import BusCore

/// `bus.billing.entitlement.check.request` (docs/contract/billing.md, "Entitlement check").
package struct EntitlementCheck: Message {
    /// Who wants to use it; a UUID.
    package var accountID: String
    /// The feature; `scope` on the wire.
    package var feature: String
    /// How much of which meter is about to be used, when the caller knows.
    package var usage: Usage?

    /// Usage that is planned.
    package struct Usage: Hashable, Sendable {
        /// The meter.
        package let meterEventName: String
        /// At least 1.
        package let quantity: Int64

        /// A quantity of a meter.
        package init(meterEventName: String, quantity: Int64) {
            self.meterEventName = meterEventName
            self.quantity = quantity
        }
    }

    /// A check.
    package init(accountID: String, feature: String, usage: Usage? = nil) {
        self.accountID = accountID
        self.feature = feature
        self.usage = usage
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        guard let feature = try fields.label("scope", "feature") else {
            throw .invalid("scope is missing; send the feature to check, such as llm:proxy")
        }
        self.feature = feature
        guard let usage = try fields.object("usage") else { return }
        guard let meter = try usage.text("meter_event_name") else {
            throw .invalid("usage.meter_event_name is missing; name the meter that is about to be used")
        }
        guard let quantity = usage.value("quantity")?.value else {
            throw .invalid("usage.quantity is missing; say how much is about to be used")
        }
        self.usage = Usage(
            meterEventName: meter, quantity: try MessageFields.count(quantity, "usage.quantity"))
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("scope", feature)
        guard let usage else { return }
        object.key("usage")
        object.object { object in
            object.member("meter_event_name", usage.meterEventName)
            object.member("quantity", usage.quantity)
        }
    }
}

/// `bus.billing.entitlement.check.response`: whether it may, now.
package struct EntitlementAnswer: Message {
    /// True when it may.
    package var isAllowed: Bool
    /// Why.
    package var reason: Reason
    /// The plan that grants or refuses it.
    package var planID: String?
    /// The plan that has more.
    package var recommendedPlan: String?
    /// The exhausted quota.
    package var usage: UsageLine?
    /// What a person can type next.
    package var command: String?

    /// Why an account may or may not use a feature.
    ///
    /// Later releases may know more reasons.
    package struct Reason: RawRepresentable, Hashable, Sendable {
        /// The word on the wire.
        package let rawValue: String

        /// A reason of any release.
        package init(rawValue: String) {
            self.rawValue = rawValue
        }

        /// Bought, and something is left.
        package static let active = Reason(rawValue: "billing_active")
        /// Nothing that is paid for grants the feature.
        package static let billingRequired = Reason(rawValue: "billing_required")
        /// Bought, but used up.
        package static let quotaExceeded = Reason(rawValue: "quota_exceeded")
    }

    /// An answer with every field.
    package init(
        isAllowed: Bool, reason: Reason, planID: String? = nil, recommendedPlan: String? = nil,
        usage: UsageLine? = nil, command: String? = nil
    ) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.planID = planID
        self.recommendedPlan = recommendedPlan
        self.usage = usage
        self.command = command
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        isAllowed = try fields.requiredFlag("allowed")
        reason = Reason(rawValue: try fields.requiredText("reason", orSay: "send why"))
        planID = try fields.text("plan_id")
        recommendedPlan = try fields.text("recommended_plan")
        if let line = try fields.object("usage") { usage = try UsageLine(from: line) }
        command = try fields.text("command")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("allowed", isAllowed)
        object.member("reason", reason.rawValue)
        object.member("plan_id", optional: planID)
        object.member("recommended_plan", optional: recommendedPlan)
        if let usage { object.member("usage", usage) }
        object.member("command", optional: command)
    }
}
