import BusCore

/// `bus.billing.usage.refused`: usage that a payment company had taken and refuses afterwards
/// (docs/contract/billing.md, "Refused usage").
package struct UsageRefusal: Message {
    /// The payment company's label, `stripe`.
    package var provider = ""
    /// False for test mode.
    package var livemode = false
    /// What is refused, as far as the company names it.
    package var usages: [Usage] = []

    /// One usage.
    package struct Usage: Message {
        /// The key under which it was handed over.
        package var idempotencyKey = ""
        /// Why, in the payment company's word.
        package var reason = ""

        package init() {}

        /// A usage that is refused.
        package init(idempotencyKey: String, reason: String) {
            self.idempotencyKey = idempotencyKey
            self.reason = reason
        }

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.field("idempotency_key", .idempotencyKey, &idempotencyKey, orSay: "send the key of the usage")
            try fields.field("reason", .identifier, &reason, orSay: "send why it is refused")
        }
    }

    package init() {}

    /// Usage that is refused.
    package init(provider: String, livemode: Bool, usages: [Usage]) {
        self.provider = provider
        self.livemode = livemode
        self.usages = usages
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("provider", .label, &provider, orSay: "send the payment company's label, such as stripe")
        try fields.field("livemode", .lenientFlag, &livemode, else: false)
        try fields.field(
            "usages", .objects(countMax: Limits.refusedUsagesMax), &usages, orSay: "send the usages that are refused")
    }
}

/// `bus.billing.usage.refused_result`: how many of them the ledger has.
package struct UsageRefusalResult: Message {
    /// Usages that were marked refused now.
    package var marked: Int64 = 0

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("marked", .amount, &marked)
    }
}
