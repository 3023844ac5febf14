import BusCore

/// Why signed bytes are not a Stripe event.
package enum StripeEventFault: Error, Equatable, Sendable {
    /// Not a JSON object.
    case json(JSONFault)
    /// JSON, but not an event: the named field is missing or of another kind.
    case notAnEvent(field: String)
}

/// The part of a Stripe event that we use, in either API shape; everything else is skipped.
package struct StripeEvent: Hashable, Sendable {
    /// `evt_…`.
    package let id: String
    /// What happened, in Stripe's words.
    package let type: String
    /// What it means to us; nil for types without a meaning and for thin events.
    package let topic: Topic?
    /// When it happened, to the second.
    package let created: Timestamp
    /// The version its data is rendered in.
    package let apiVersion: String?
    /// False for test mode.
    package let livemode: Bool
    /// The resource as of then.
    package let object: StripeEventObject
    /// `data.previous_attributes.status`.
    package let previousStatus: String?

    /// The event types that change a subscription's standing.
    package enum Topic: String, Sendable, CaseIterable {
        case checkoutCompleted = "checkout.session.completed"
        case subscriptionCreated = "customer.subscription.created"
        case subscriptionUpdated = "customer.subscription.updated"
        case subscriptionDeleted = "customer.subscription.deleted"
    }

    /// Reads a verified body in one pass.
    package init(_ webhook: VerifiedWebhook) throws(StripeEventFault) {
        let fields: EventFields
        do { fields = try EventFields(webhook.body) } catch { throw .json(error) }
        guard let id = fields.id, !id.isEmpty else { throw .notAnEvent(field: "id") }
        guard let type = fields.type, !type.isEmpty else { throw .notAnEvent(field: "type") }
        guard let created = fields.created else { throw .notAnEvent(field: "created") }
        guard fields.object == "event" || fields.object == "v2.core.event" else { throw .notAnEvent(field: "object") }
        self.id = id
        self.type = type
        self.created = created
        topic = fields.object == "event" ? Topic(rawValue: type) : nil
        apiVersion = fields.apiVersion
        livemode = fields.livemode
        object = fields.resource
        previousStatus = fields.previousStatus
    }
}

/// What we use of the resource an event is about: a Checkout Session or a subscription.
package struct StripeEventObject: Hashable, Sendable {
    /// The resource's id.
    package var id: String?
    /// `checkout.session` or `subscription`.
    package var object: String?
    /// A subscription's standing, or a session's progress.
    package var status: String?
    /// `paid`, `unpaid` or `no_payment_required`; sessions only.
    package var paymentStatus: String?
    /// `subscription`, `payment` or `setup`; sessions only.
    package var mode: String?
    /// `cus_…`.
    package var customerID: String?
    /// `sub_…` that a session started.
    package var subscriptionID: String?
    /// A session's caller-chosen reference.
    package var clientReferenceID: String?
    /// The Bus keys.
    package var metadata = StripeMetadata()

    init() {}

    init(from reader: inout JSONReader) throws(JSONFault) {
        guard try reader.peek() == .object else {
            try reader.skipValue()
            return
        }
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "id" {
                id = try reader.lenientString()
            } else if key == "object" {
                object = try reader.lenientString()
            } else if key == "status" {
                status = try reader.lenientString()
            } else if key == "payment_status" {
                paymentStatus = try reader.lenientString()
            } else if key == "mode" {
                mode = try reader.lenientString()
            } else if key == "customer" {
                customerID = try reader.expandableID()
            } else if key == "subscription" {
                subscriptionID = try reader.expandableID()
            } else if key == "client_reference_id" {
                clientReferenceID = try reader.lenientString()
            } else if key == "metadata", try reader.peek() == .object {
                metadata = try StripeMetadata(from: &reader)
            } else {
                try reader.skipValue()
            }
        }
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
    var resource = StripeEventObject()
    var previousStatus: String?

    init(_ body: UnsafeRawBufferPointer) throws(JSONFault) {
        guard (try? UTF8Span(validating: body.assumingMemoryBound(to: UInt8.self).span)) != nil else {
            throw .invalidUTF8
        }
        var reader = JSONReader(body)
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "id" {
                id = try reader.lenientString()
            } else if key == "object" {
                object = try reader.lenientString()
            } else if key == "type" {
                type = try reader.lenientString()
            } else if key == "created" {
                try readCreated(&reader)
            } else if key == "api_version" {
                apiVersion = try reader.lenientString()
            } else if key == "livemode", try reader.peek() == .bool {
                livemode = try reader.bool()
            } else if key == "data", try reader.peek() == .object {
                try readData(&reader)
            } else {
                try reader.skipValue()
            }
        }
        try reader.finish()
    }

    /// Snapshot events count seconds, thin events write RFC 3339.
    private mutating func readCreated(_ reader: inout JSONReader) throws(JSONFault) {
        if try reader.peek() == .number {
            created = Int64(try reader.number()).flatMap(Timestamp.init(seconds:))
        } else if let text = try reader.lenientString() {
            created = Timestamp(rfc3339: text)
        }
    }

    private mutating func readData(_ reader: inout JSONReader) throws(JSONFault) {
        try reader.enterObject()
        while let key = try reader.nextKey() {
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
        while let key = try reader.nextKey() {
            if key == "status" {
                previousStatus = try reader.lenientString()
            } else {
                try reader.skipValue()
            }
        }
    }
}
