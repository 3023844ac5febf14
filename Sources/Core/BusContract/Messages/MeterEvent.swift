import BusCore

/// `bus.stripe.meter_event.record.request` (docs/contract/stripe-requests.md, "Meter event").
package struct MeterEventRequest: Message {
    /// Whose usage; a UUID.
    package var accountID = ""
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The payment company's id for the account.
    package var customerID: String?
    /// The meter.
    package var meterEventName = ""
    /// In units of the meter; at least 1.
    package var quantity: Int64 = 1
    /// What was used, for the record.
    package var feature: String?
    /// The id of the event that told the usage.
    package var eventID: String?
    /// What makes the usage count once.
    package var idempotencyKey: String?
    /// When it was used; nil means now.
    package var occurredAt: Timestamp?
    /// When nobody may carry it out any more; whoever says so keeps the usage and asks again by itself.
    package var expiresAt: Timestamp?
    /// The meter's name for the customer.
    package var customerPayloadKey: String?
    /// The meter's name for the value.
    package var valuePayloadKey: String?
    /// Members that look like secrets.
    package private(set) var ignoredFields: [String] = []

    package init() {}

    /// A request for one quantity of usage.
    package init(accountID: String, meterEventName: String, quantity: Int64) {
        self.accountID = accountID
        self.meterEventName = meterEventName
        self.quantity = quantity
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("provider", .text, &provider)
        try fields.field(
            "provider_customer_id", spelled: ["provider_customer_id", "customer_id"], .identifier, &customerID)
        try fields.field(
            "meter_event_name", spelled: ["meter_event_name", "event_name", "meter"], .text, &meterEventName,
            orSay: "send the meter's event name")
        try fields.field(
            "quantity", spelled: ["quantity", "value"], .count, &quantity, orSay: "send how much was used")
        try fields.field("feature", .text, &feature)
        try fields.field("event_id", .text, &eventID)
        try fields.field(
            "idempotency_key", spelled: ["idempotency_key", "event_id"], .idempotencyKey, &idempotencyKey)
        try fields.field("occurred_at", spelled: ["timestamp", "occurred_at"], .time, &occurredAt)
        try fields.field("expires_at", .time, &expiresAt)
        try fields.field("customer_payload_key", .payloadKey, &customerPayloadKey)
        try fields.field("value_payload_key", .payloadKey, &valuePayloadKey)
        try fields.ignored(&ignoredFields)
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
    package var isAccepted = false
    /// It was taken before.
    package var isDuplicate = false
    /// Why it was not taken.
    package var reason: String?
    /// No delivery of the request can have been taken, and none will be.
    package var isCertain = false
    /// The payment company's id for it.
    package var providerEventID: String?
    /// Local, test or live.
    package var mode: StripeMode?
    /// Members of the request that look like secrets and were not used.
    package var ignoredFields: [String] = []

    package init() {}

    /// The reason of a request that came after its time.
    package static let expired = "request_expired"

    /// The reason of a request that was delivered before and may have been carried out then.
    package static let repeated = "request_repeated"

    /// The answer to a request that was not carried out, or not with success.
    package init(to request: MeterEventRequest, notTaken reason: String, isCertain: Bool) {
        accountID = request.accountID
        provider = request.provider
        meterEventName = request.meterEventName
        quantity = request.quantity
        idempotencyKey = request.idempotencyKey
        self.reason = reason
        self.isCertain = isCertain
    }

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

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("account_id", .text, &accountID)
        try fields.field("provider", .text, &provider)
        try fields.field("meter_event_name", .text, &meterEventName)
        try fields.field("quantity", .count, &quantity)
        try fields.field("idempotency_key", .text, &idempotencyKey)
        try fields.field("accepted", .flag, &isAccepted, else: false)
        try fields.field("duplicate", .flag, &isDuplicate, else: false)
        try fields.field("reason", .text, &reason)
        try fields.field("certain", .flag, &isCertain, unless: false)
        try fields.field("provider_event_id", .text, &providerEventID)
        try fields.mode(&mode)
        try fields.field("ignored_fields", .texts, &ignoredFields, unless: [])
    }
}
