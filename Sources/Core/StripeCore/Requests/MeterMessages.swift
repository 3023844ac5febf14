import BusCore
import Crypto

/// `bus.stripe.meter_event.record.request`, read (bus.md 5.5).
package struct MeterRequest: Hashable, Sendable {
    /// Whose usage.
    package let accountID: String
    /// `cus_…`; only local mode does without.
    package let customerID: String?
    /// The meter's event name.
    package let meterEventName: String
    /// How much.
    package let quantity: Int64
    /// What the caller repeats a request with.
    package let idempotencyKey: String
    /// When it was used; nil lets Stripe take its own time.
    package let occurredAt: Timestamp?
    /// The meter's names for customer and value.
    package let customerPayloadKey: String
    package let valuePayloadKey: String
    /// D-31.
    package let ignoredFields: [String]

    /// Oldest usage Stripe takes, and how far ahead of us its clock may be.
    private static let pastSecondsMax: Int64 = 35 * 86_400
    private static let futureSecondsMax: Int64 = 300

    /// Reads a payload at the time `now`.
    package init(_ payload: JSONText, mode: StripeMode, now: Timestamp) throws(RequestFault) {
        let fields = try RequestFields(forStripe: payload)
        accountID = try fields.accountID()
        customerID = try fields.identifier("provider_customer_id", "customer_id")
        if customerID == nil, mode != .local {
            throw .invalid("provider_customer_id is missing; send the account's Stripe customer")
        }
        guard let name = try fields.text("meter_event_name", "event_name", "meter") else {
            throw .invalid("meter_event_name is missing")
        }
        guard name.count <= Limits.stripeIdentifierCharactersMax else {
            throw .invalid("meter_event_name must be at most \(Limits.stripeIdentifierCharactersMax) characters")
        }
        meterEventName = name
        guard let quantity = try fields.count("quantity", "value") else { throw .invalid("quantity is missing") }
        self.quantity = quantity
        guard let key = try fields.idempotencyKey(or: nil) else {
            throw .invalid("idempotency_key is missing; send it or event_id, so that usage is counted once")
        }
        idempotencyKey = key
        occurredAt = try MeterRequest.time(fields, now)
        customerPayloadKey = try MeterRequest.payloadKey(fields, "customer_payload_key") ?? "stripe_customer_id"
        valuePayloadKey = try MeterRequest.payloadKey(fields, "value_payload_key") ?? "value"
        ignoredFields = fields.ignoredFields
    }

    /// Stripe's handle of the usage: the key itself, or its hash when it is too long for Stripe.
    package var identifier: String {
        if idempotencyKey.utf8.count <= Limits.stripeIdentifierCharactersMax { return idempotencyKey }
        return "bus_" + hexText(SHA256.hash(data: Array(idempotencyKey.utf8)))
    }

    private static func time(_ fields: RequestFields, _ now: Timestamp) throws(RequestFault) -> Timestamp? {
        guard let time = try fields.time("timestamp", "occurred_at") else { return nil }
        guard now.advanced(bySeconds: -pastSecondsMax) <= time, time <= now.advanced(bySeconds: futureSecondsMax) else {
            throw .invalid("timestamp or occurred_at must lie within the past 35 days and at most 5 minutes ahead")
        }
        return time
    }

    private static func payloadKey(_ fields: RequestFields, _ name: String) throws(RequestFault) -> String? {
        guard let key = try fields.identifier(name) else { return nil }
        guard !key.contains(where: { "[]".contains($0) }) else { throw .invalid("\(name) must not hold brackets") }
        return key
    }
}

/// `bus.stripe.meter_event.record.response` (bus.md 5.5).
package struct MeterResponse: Hashable, Sendable {
    /// Stripe had this usage already.
    package let isDuplicate: Bool
    /// Stripe's `identifier`.
    package let providerEventID: String

    /// What Stripe or local mode said.
    package init(isDuplicate: Bool, providerEventID: String) {
        self.isDuplicate = isDuplicate
        self.providerEventID = providerEventID
    }

    /// The event's payload.
    package func payload(for request: MeterRequest, mode: StripeMode) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", request.accountID)
                writer.member("provider", "stripe")
                writer.member("meter_event_name", request.meterEventName)
                writer.member("quantity", request.quantity)
                writer.member("idempotency_key", request.idempotencyKey)
                writer.member("accepted", true)
                writer.member("duplicate", isDuplicate)
                writer.member("provider_event_id", providerEventID)
                writer.member("stripe_mode", mode.rawValue)
                writer.member("livemode", mode == .live)
                writer.member("ignored_fields", unlessEmpty: request.ignoredFields)
            }
        }
    }
}
