import BusCore

/// `bus.billing.usage.export.request` (docs/contract/billing.md, "Usage export").
package struct UsageExportRequest: Message {
    /// Whose usage; a UUID.
    package var accountID: String
    /// What was used.
    package var feature: String
    /// The meter that counts it.
    package var meterEventName: String
    /// In units of the meter; at least 1.
    package var quantity: Int64
    /// The id of the event that told the usage, which makes it count once.
    package var eventID: String?
    /// When it was used; nil when the event does not say.
    package var occurredAt: Timestamp?

    /// A request with every field.
    package init(
        accountID: String, feature: String, meterEventName: String, quantity: Int64, eventID: String?,
        occurredAt: Timestamp?
    ) {
        self.accountID = accountID
        self.feature = feature
        self.meterEventName = meterEventName
        self.quantity = quantity
        self.eventID = eventID
        self.occurredAt = occurredAt
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        feature = try fields.label("feature") ?? MessageFields.defaultFeature
        meterEventName = try fields.identifier("meter_event_name") ?? "bus_llm_tokens"
        if let given = try fields.count("quantity") {
            quantity = given
        } else {
            quantity = try UsageExportRequest.tokens(in: fields.value("data")?.value)
        }
        eventID = try fields.idempotencyKey()
        occurredAt = try fields.time("occurred_at")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("event_id", optional: eventID)
        object.member("feature", feature)
        object.member("meter_event_name", meterEventName)
        object.member("quantity", quantity)
        object.member("occurred_at", optional: occurredAt)
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
                    throw .invalid("data.\(name) must be a whole number that is not negative")
                }
                sum = sum.addingSaturated(value)
            }
            guard 1...999_999_999_999_999 ~= sum else {
                throw .invalid("data.\(present.joined(separator: " + data.")) must be from 1 to 999999999999999")
            }
            return sum
        }
        throw .invalid("quantity is missing; send quantity, or token counts in data")
    }

    private static func isNumber(_ value: JSONValue?) -> Bool {
        if case .number = value { return true }
        return false
    }
}

/// `bus.billing.usage.export.response`: what became of a usage.
///
/// A failed one can be asked for again.
package struct UsageExportAnswer: Message {
    /// Whose usage.
    package var accountID: String
    /// The meter.
    package var meterEventName: String
    /// How much.
    package var quantity: Int64
    /// What makes the usage count once.
    package var idempotencyKey: String
    /// The payment company has it.
    package var isExported: Bool
    /// The payment company's label.
    package var provider: String
    /// The payment company's id for it, when it gave one.
    package var providerEventID: String?
    /// Why it failed.
    package var reason: String?

    /// An answer with every field.
    package init(
        accountID: String, meterEventName: String, quantity: Int64, idempotencyKey: String, isExported: Bool,
        provider: String, providerEventID: String?, reason: String?
    ) {
        self.accountID = accountID
        self.meterEventName = meterEventName
        self.quantity = quantity
        self.idempotencyKey = idempotencyKey
        self.isExported = isExported
        self.provider = provider
        self.providerEventID = providerEventID
        self.reason = reason
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        meterEventName = try fields.requiredText("meter_event_name", orSay: "send the meter")
        guard let quantity = try fields.count("quantity") else { throw .invalid("quantity is missing") }
        self.quantity = quantity
        idempotencyKey = try fields.requiredText("idempotency_key", orSay: "send the export's key")
        isExported = try fields.requiredFlag("exported")
        provider = try fields.requiredText("provider", orSay: "send the payment company's label")
        providerEventID = try fields.text("provider_event_id")
        reason = try fields.text("reason")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("meter_event_name", meterEventName)
        object.member("quantity", quantity)
        object.member("idempotency_key", idempotencyKey)
        object.member("status", isExported ? "exported" : "failed")
        object.member("exported", isExported)
        object.member("provider", provider)
        object.member("provider_event_id", optional: providerEventID)
        object.member("reason", optional: reason)
    }
}

extension Int64 {
    /// The sum, or the nearest value there is.
    package func addingSaturated(_ other: Int64) -> Int64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
