import BusCore

/// `bus.billing.usage.export.request` (docs/contract/billing.md, "Usage export").
package struct UsageExportRequest: Message {
    /// Whose usage; a UUID.
    package var accountID = ""
    /// What was used.
    package var feature = ""
    /// The meter that counts it.
    package var meterEventName = ""
    /// In units of the meter; at least 1.
    package var quantity: Int64 = 1
    /// The id of the event that told the usage, which makes it count once.
    package var eventID: String?
    /// When it was used; nil when the event does not say.
    package var occurredAt: Timestamp?
    /// The hold that this usage settles; nil settles the account's oldest of the meter.
    package var holdID: String?

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("event_id", spelled: ["event_id", "idempotency_key"], .idempotencyKey, &eventID)
        try fields.field("feature", .label, &feature, else: MessageReader.defaultFeature)
        try fields.field("meter_event_name", .identifier, &meterEventName, else: "bus_llm_tokens")
        try fields.reading { reader throws(FieldFault) in
            let given = try reader.value("quantity", .usage)
            quantity = if let given { given } else { try UsageExportRequest.tokens(in: reader["data"]) }
        }
        fields.writing { [quantity] in $0.member("quantity", quantity) }
        try fields.field("occurred_at", .time, &occurredAt)
        try fields.field("hold_id", .text, &holdID)
    }

    /// How much was used, when the request leaves it to the event's data: the first form of token counts there is.
    private static func tokens(in data: JSONValue?) throws(FieldFault) -> Int64 {
        let singles = ["total_tokens", "tokens"].map { [$0] }
        let pairs = [["input_tokens", "output_tokens"], ["prompt_tokens", "completion_tokens"]]
        for names in singles + pairs {
            let present = names.filter { isNumber(data?[$0]) }
            if present.isEmpty { continue }
            var sum: Int64 = 0
            for name in present {
                guard let value = data?[name]?.integer, value >= 0 else {
                    throw .invalid("data.\(name) must be a whole number that is not negative; \(usageRemedy)")
                }
                sum = sum.addingSaturated(value)
            }
            guard 1...999_999_999_999_999 ~= sum else {
                throw .invalid(
                    "data.\(present.joined(separator: " + data.")) must be from 1 to 999999999999999; \(usageRemedy)")
            }
            return sum
        }
        throw .invalid("quantity is missing; send quantity, or token counts in data")
    }

    /// What helps whoever wants to report less than nothing.
    private static let usageRemedy = IntegerForm.usage.remedy ?? ""

    private static func isNumber(_ value: JSONValue?) -> Bool {
        if case .number = value { return true }
        return false
    }
}

/// `bus.billing.usage.export.response`: what became of a usage.
///
/// A failed one can be asked for again; one that is queued is sent again without being asked for.
package struct UsageExportAnswer: Message {
    /// Whose usage.
    package var accountID = ""
    /// The meter.
    package var meterEventName = ""
    /// How much.
    package var quantity: Int64 = 1
    /// What makes the usage count once.
    package var idempotencyKey = ""
    /// The payment company has it.
    package var isExported = false
    /// The payment company's label.
    package var provider = ""
    /// The payment company's id for it, when it gave one.
    package var providerEventID: String?
    /// Why it failed.
    package var reason: String?
    /// It waits in the ledger and is sent again by itself.
    package var isQueued = false

    package init() {}

    /// The answer to a request for usage that is not exported.
    package init(to request: UsageExportRequest, idempotencyKey: String, provider: String) {
        accountID = request.accountID
        meterEventName = request.meterEventName
        quantity = request.quantity
        self.idempotencyKey = idempotencyKey
        self.provider = provider
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("meter_event_name", .text, &meterEventName, orSay: "send the meter")
        try fields.field("quantity", .count, &quantity)
        try fields.field("idempotency_key", .text, &idempotencyKey, orSay: "send the export's key")
        fields.writing { [isExported] in $0.member("status", isExported ? "exported" : "failed") }
        try fields.field("exported", .flag, &isExported)
        try fields.field("provider", .text, &provider, orSay: "send the payment company's label")
        try fields.field("provider_event_id", .text, &providerEventID)
        try fields.field("reason", .text, &reason)
        try fields.field("queued", .flag, &isQueued, unless: false)
    }
}

extension Int64 {
    /// The sum, or the nearest value there is.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
