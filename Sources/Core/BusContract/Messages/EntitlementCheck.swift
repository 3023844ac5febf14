import BusCore

/// `bus.billing.entitlement.check.request` (docs/contract/billing.md, "Entitlement check").
package struct EntitlementCheck: Message {
    /// Who wants to use it; a UUID.
    package var accountID = ""
    /// The feature; `scope` on the wire.
    package var feature = ""
    /// How much of which meter is about to be used, when the caller knows.
    package var usage: Usage?
    /// The granted usage is held until it is reported; false only asks.
    package var holds = true

    /// Usage that is planned.
    package struct Usage: Message {
        /// The meter.
        package var meterEventName = ""
        /// At least 1.
        package var quantity: Int64 = 1

        package init() {}

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.field(
                "meter_event_name", .text, &meterEventName, orSay: "name the meter that is about to be used")
            try fields.field("quantity", .count, &quantity, orSay: "say how much is about to be used")
        }
    }

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field(
            "scope", spelled: ["scope", "feature"], .label, &feature,
            orSay: "send the feature to check, such as llm:proxy")
        try fields.field("usage", .object(), &usage)
        try fields.field("hold", .flag, &holds, unless: true)
    }
}

/// `bus.billing.entitlement.check.response`: whether it may, now.
package struct EntitlementAnswer: Message {
    /// True when it may.
    package var isAllowed = false
    /// Why.
    package var reason = Reason.billingRequired
    /// The plan that grants or refuses it.
    package var planID: String?
    /// The plan that has more.
    package var recommendedPlan: String?
    /// The exhausted quota.
    package var usage: UsageLine?
    /// What a person can type next.
    package var command: String?
    /// What an export names to settle the hold of this check.
    package var holdID: String?
    /// When that hold ends by itself.
    package var holdUntil: Timestamp?
    /// When access ends although the last charge failed.
    package var graceUntil: Timestamp?

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

    package init() {}

    /// An answer without details.
    package init(isAllowed: Bool, reason: Reason, planID: String? = nil, command: String? = nil) {
        self.isAllowed = isAllowed
        self.reason = reason
        self.planID = planID
        self.command = command
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("allowed", .flag, &isAllowed)
        try fields.field("reason", .word(), &reason, orSay: "send why")
        try fields.field("plan_id", .text, &planID)
        try fields.field("recommended_plan", .text, &recommendedPlan)
        try fields.field("usage", .object(), &usage)
        try fields.field("command", .text, &command)
        try fields.field("hold_id", .text, &holdID)
        try fields.field("hold_until", .time, &holdUntil)
        try fields.field("grace_until", .time, &graceUntil)
    }
}
