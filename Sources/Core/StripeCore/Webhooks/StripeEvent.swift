import BusContract
import BusCore

/// Why signed bytes are not a Stripe event.
package enum StripeEventFault: Error, Equatable, Sendable {
    /// Not a JSON object.
    case json(JSONFault)
    /// JSON, but not an event: the named field is missing or of another kind.
    case notAnEvent(field: String)
}

/// What we use of a Stripe event, in either API shape; everything else is skipped unread.
package struct StripeEvent: Hashable, Sendable {
    /// `evt_…`.
    package let id: String
    /// What happened, in Stripe's words.
    package let type: String
    /// What it means to us; nil for types without a meaning.
    package let topic: Topic?
    /// When it happened, to the second.
    package let created: Timestamp
    /// The version its data is rendered in.
    package let apiVersion: String?
    /// False for test mode.
    package let livemode: Bool
    /// The connected account it belongs to, as `account` and as `context` name it; none for our own events.
    package let owners: [String]
    /// The resource as of then.
    package let object: StripeEventObject
    /// `data.previous_attributes.status`.
    package let previousStatus: String?
    /// The prices of `data.previous_attributes.items`.
    package let previousPrices: [SubscriptionUpdate.Price]

    /// The event types with a meaning.
    package enum Topic: String, Sendable, CaseIterable {
        case checkoutCompleted = "checkout.session.completed"
        case checkoutPaid = "checkout.session.async_payment_succeeded"
        case checkoutFailed = "checkout.session.async_payment_failed"
        case subscriptionCreated = "customer.subscription.created"
        case subscriptionUpdated = "customer.subscription.updated"
        case subscriptionPaused = "customer.subscription.paused"
        case subscriptionResumed = "customer.subscription.resumed"
        case subscriptionDeleted = "customer.subscription.deleted"
        case customerDeleted = "customer.deleted"
        case meterErrors = "v1.billing.meter.error_report_triggered"

        /// What an update made from it is called; nil for types that say nothing about a subscription.
        package var kind: SubscriptionUpdate.Kind? {
            switch self {
            case .checkoutCompleted, .checkoutPaid, .checkoutFailed: .checkout
            case .subscriptionCreated: .created
            case .subscriptionUpdated, .subscriptionPaused, .subscriptionResumed: .updated
            case .subscriptionDeleted: .deleted
            case .customerDeleted, .meterErrors: nil
            }
        }

        /// What events of this type call themselves in `object`: thin events carry no resource.
        fileprivate var envelope: String { self == .meterErrors ? "v2.core.event" : "event" }
    }

    /// Reads a verified body.
    package init(_ webhook: VerifiedWebhook) throws(StripeEventFault) {
        try self.init(body: webhook.body)
    }

    /// Reads what Stripe itself said, in one pass.
    init(body: UnsafeRawBufferPointer) throws(StripeEventFault) {
        let fields: EventFields
        do { fields = try EventFields(body) } catch { throw .json(error) }
        guard let id = fields.id else { throw .notAnEvent(field: "id") }
        guard let type = fields.type, !type.isEmpty else { throw .notAnEvent(field: "type") }
        guard let created = fields.created else { throw .notAnEvent(field: "created") }
        guard fields.object == "event" || fields.object == "v2.core.event" else { throw .notAnEvent(field: "object") }
        self.id = id
        self.type = type
        self.created = created
        topic = Topic(rawValue: type).flatMap { $0.envelope == fields.object ? $0 : nil }
        apiVersion = fields.apiVersion
        livemode = fields.livemode
        owners = fields.owners
        object = fields.resource
        previousStatus = fields.previousStatus
        previousPrices = fields.previousItems.prices
    }
}

/// The members of an event as found; the event's initializer decides whether they make one.
private struct EventFields {
    var id: String?
    var object: String?
    var type: String?
    var created: Timestamp?
    var apiVersion: String?
    var livemode = false
    var owners: [String] = []
    var resource = StripeEventObject()
    var previousStatus: String?
    var previousItems = StripeItems()

    init(_ body: UnsafeRawBufferPointer) throws(JSONFault) {
        guard (try? UTF8Span(validating: body.assumingMemoryBound(to: UInt8.self).span)) != nil else {
            throw .invalidUTF8
        }
        var reader = JSONReader(body)
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "id" {
                id = try reader.identifier()
            } else if key == "object" {
                object = try reader.lenientString()
            } else if key == "type" {
                type = try reader.lenientString()
            } else if key == "created" {
                created = try reader.moment()
            } else if key == "api_version" {
                apiVersion = try reader.lenientString()
            } else if key == "livemode" {
                livemode = try reader.lenientFlag()
            } else if key == "account" || key == "context" {
                if let owner = try reader.lenientString()?.nonEmpty { owners.append(owner) }
            } else if key == "data", try reader.peek() == .object {
                try readData(&reader)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
    }

    private mutating func readData(_ reader: inout JSONReader) throws(JSONFault) {
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "object" {
                resource = try StripeEventObject(from: &reader)
            } else if key == "previous_attributes", try reader.peek() == .object {
                try readPrevious(&reader)
            } else {
                try reader.skipValue()
            }
        }
    }

    private mutating func readPrevious(_ reader: inout JSONReader) throws(JSONFault) {
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "status" {
                previousStatus = try reader.identifier()
            } else if key == "items" {
                previousItems = try StripeItems(from: &reader)
            } else {
                try reader.skipValue()
            }
        }
    }
}
