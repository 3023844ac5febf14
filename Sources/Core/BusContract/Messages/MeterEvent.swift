import BusCore

/// `bus.stripe.meter_event.record.request` (docs/contract/stripe-requests.md, "Meter event").
package struct MeterEventRequest: Message {
    /// Whose usage; a UUID.
    package var accountID: String
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The payment company's id for the account.
    package var customerID: String?
    /// The meter.
    package var meterEventName: String
    /// In units of the meter; at least 1.
    package var quantity: Int64
    /// What was used, for the record.
    package var feature: String?
    /// The id of the event that told the usage.
    package var eventID: String?
    /// What makes the usage count once.
    package var idempotencyKey: String?
    /// When it was used; nil means now.
    package var occurredAt: Timestamp?
    /// The meter's name for the customer.
    package var customerPayloadKey: String?
    /// The meter's name for the value.
    package var valuePayloadKey: String?
    /// Members that look like secrets.
    package private(set) var ignoredFields: [String] = []

    /// A request for one quantity of usage.
    package init(
        accountID: String, provider: String?, customerID: String?, meterEventName: String, quantity: Int64,
        feature: String?, eventID: String?, idempotencyKey: String?, occurredAt: Timestamp?
    ) {
        self.accountID = accountID
        self.provider = provider
        self.customerID = customerID
        self.meterEventName = meterEventName
        self.quantity = quantity
        self.feature = feature
        self.eventID = eventID
        self.idempotencyKey = idempotencyKey
        self.occurredAt = occurredAt
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        provider = try fields.text("provider")
        customerID = try fields.identifier("provider_customer_id", "customer_id")
        meterEventName = try fields.requiredText(
            "meter_event_name", "event_name", "meter", orSay: "send the meter's event name")
        guard let quantity = try fields.count("quantity", "value") else {
            throw .invalid("quantity is missing; send how much was used")
        }
        self.quantity = quantity
        feature = try fields.text("feature")
        eventID = try fields.text("event_id")
        idempotencyKey = try fields.idempotencyKey()
        occurredAt = try fields.time("timestamp", "occurred_at")
        customerPayloadKey = try MeterEventRequest.payloadKey(fields, "customer_payload_key")
        valuePayloadKey = try MeterEventRequest.payloadKey(fields, "value_payload_key")
        ignoredFields = fields.ignoredFields
    }

    private static func payloadKey(_ fields: MessageFields, _ name: String) throws(FieldFault) -> String? {
        guard let key = try fields.identifier(name) else { return nil }
        guard !key.contains(where: { "[]".contains($0) }) else { throw .invalid("\(name) must not hold brackets") }
        return key
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("provider", optional: provider)
        object.member("provider_customer_id", optional: customerID)
        object.member("meter_event_name", meterEventName)
        object.member("quantity", quantity)
        object.member("feature", optional: feature)
        object.member("event_id", optional: eventID)
        object.member("idempotency_key", optional: idempotencyKey)
        object.member("occurred_at", optional: occurredAt)
        object.member("customer_payload_key", optional: customerPayloadKey)
        object.member("value_payload_key", optional: valuePayloadKey)
    }
}

/// `bus.stripe.meter_event.record.response`: whether the payment company took the usage.
package struct MeterEventAnswer: Message {
    /// Whose usage.
    package var accountID: String?
    /// The payment company's label.
    package var provider: String?
    /// The meter.
    package var meterEventName: String?
    /// How much.
    package var quantity: Int64?
    /// What makes the usage count once.
    package var idempotencyKey: String?
    /// Taken, now or before.
    package var isAccepted: Bool
    /// It was taken before.
    package var isDuplicate: Bool
    /// The payment company's id for it.
    package var providerEventID: String?
    /// Local, test or live.
    package var mode: StripeMode?
    /// Members of the request that look like secrets and were not used.
    package var ignoredFields: [String]

    /// The answer to a request that Stripe took.
    package init(
        to request: MeterEventRequest, isDuplicate: Bool, providerEventID: String, mode: StripeMode
    ) {
        accountID = request.accountID
        provider = "stripe"
        meterEventName = request.meterEventName
        quantity = request.quantity
        idempotencyKey = request.idempotencyKey
        isAccepted = true
        self.isDuplicate = isDuplicate
        self.providerEventID = providerEventID
        self.mode = mode
        ignoredFields = request.ignoredFields
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.text("account_id")
        provider = try fields.text("provider")
        meterEventName = try fields.text("meter_event_name")
        quantity = try fields.count("quantity")
        idempotencyKey = try fields.text("idempotency_key")
        isAccepted = try fields.flag("accepted") ?? false
        isDuplicate = try fields.flag("duplicate") ?? false
        providerEventID = try fields.text("provider_event_id")
        mode = try fields.text("stripe_mode").flatMap(StripeMode.init(rawValue:))
        ignoredFields = try fields.texts("ignored_fields") ?? []
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", optional: accountID)
        object.member("provider", optional: provider)
        object.member("meter_event_name", optional: meterEventName)
        object.member("quantity", optional: quantity)
        object.member("idempotency_key", optional: idempotencyKey)
        object.member("accepted", isAccepted)
        object.member("duplicate", isDuplicate)
        object.member("provider_event_id", optional: providerEventID)
        object.member(mode: mode)
        object.member("ignored_fields", unlessEmpty: ignoredFields)
    }
}
