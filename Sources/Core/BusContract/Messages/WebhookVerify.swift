import BusCore
import FoundationEssentials

/// `bus.stripe.webhook.verify.request` (docs/contract/webhooks.md, "Webhook verification by event").
package struct WebhookVerifyRequest: Message {
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The exact bytes that were signed.
    package var body: [UInt8]
    /// The `Stripe-Signature` header; nil when the caller has none.
    package var signature: String?
    /// Members that look like secrets.
    ///
    /// A caller's secret is never used.
    package private(set) var ignoredFields: [String] = []

    /// A webhook as it arrived.
    package init(body: [UInt8], signature: String?) {
        self.body = body
        self.signature = signature
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        provider = try fields.text("provider")
        ignoredFields = fields.ignoredFields
        body = try WebhookVerifyRequest.body(fields)
        guard body.count <= Limits.webhookBodyBytesMax else {
            throw .invalid("payload must be at most \(Limits.webhookBodyBytesMax) bytes")
        }
        signature =
            try fields.text("signature", "signature_header", "stripe_signature")
            ?? WebhookVerifyRequest.header(fields.value("headers")?.value)
    }

    private static func body(_ fields: MessageFields) throws(FieldFault) -> [UInt8] {
        if let (name, value) = fields.value("payload_base64", "raw_body_base64", "body_base64") {
            guard let text = value.text, let data = Data(base64Encoded: text) else {
                throw .invalid("\(name) must be base64 text")
            }
            return [UInt8](data)
        }
        guard let (name, value) = fields.value("payload", "raw_body", "body") else {
            throw .invalid("payload is missing; send the raw request body as payload or payload_base64")
        }
        guard let text = value.text else {
            throw .invalid("\(name) must be the raw body as a string; a parsed body has lost the signed bytes")
        }
        return Array(text.utf8)
    }

    private static func header(_ headers: JSONValue?) -> String? {
        guard case .object(let members)? = headers else { return nil }
        let values = members.first { $0.key.lowercased() == "stripe-signature" }?.value
        return values?.text ?? values?.elements?.compactMap(\.text).joined(separator: ",")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("provider", optional: provider)
        object.member("payload_base64", Data(body).base64EncodedString())
        object.member("signature", optional: signature)
    }
}

/// `bus.stripe.webhook.verify.response`: a webhook's verdict, and what became of it.
package struct WebhookVerdict: Message {
    /// What was verified; nil when it was refused.
    package var event: Event?
    /// Members of the request that look like secrets and were not used.
    package var ignoredFields: [String]

    /// A verified event.
    package struct Event: Hashable, Sendable {
        /// Stripe's event id.
        package var id: String
        /// Stripe's event type.
        package var type: String
        /// False for test mode.
        package var livemode: Bool
        /// The API version the event was written in.
        package var apiVersion: String?
        /// Stripe's time of the event.
        package var created: Timestamp
        /// The type changes a subscription's standing.
        package var isSupported: Bool
        /// What followed from it.
        package var effect: Effect

        /// An event and what followed from it.
        package init(
            id: String, type: String, livemode: Bool, apiVersion: String?, created: Timestamp, isSupported: Bool,
            effect: Effect
        ) {
            self.id = id
            self.type = type
            self.livemode = livemode
            self.apiVersion = apiVersion
            self.created = created
            self.isSupported = isSupported
            self.effect = effect
        }
    }

    /// What followed from a verified event.
    package enum Effect: Hashable, Sendable {
        /// An update with these facts was published.
        case emitted(Facts)
        /// Nothing was published; the reason's word.
        case ignored(String)
    }

    /// The facts of a published update.
    package struct Facts: Hashable, Sendable {
        /// Who pays and owns.
        package var accountID: String
        /// What was bought.
        package var features: [String]
        /// The plan, when known.
        package var planID: String?
        /// The payment company's label.
        package var provider: String
        /// Its id for the account.
        package var customerID: String?
        /// Its id for the subscription.
        package var subscriptionID: String?
        /// The subscription's standing.
        package var status: SubscriptionStatus

        /// The facts of an update.
        package init(_ update: SubscriptionUpdate) {
            accountID = update.accountID
            features = update.features
            planID = update.planID
            provider = update.provider
            customerID = update.providerCustomerID
            subscriptionID = update.providerSubscriptionID
            status = update.status
        }

        init(from fields: MessageFields) throws(FieldFault) {
            accountID = try fields.accountID()
            features = try fields.texts("features") ?? []
            planID = try fields.text("plan_id")
            provider = try fields.text("provider") ?? "stripe"
            customerID = try fields.text("provider_customer_id")
            subscriptionID = try fields.text("provider_subscription_id")
            status = SubscriptionStatus(word: try fields.requiredText("status", orSay: "send the standing"))
        }
    }

    /// A verdict; nil means that nothing was verified.
    package init(event: Event?, ignoredFields: [String]) {
        self.event = event
        self.ignoredFields = ignoredFields
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        ignoredFields = try fields.texts("ignored_fields") ?? []
        guard try fields.requiredFlag("verified") else { return }
        let isEmitted = try fields.requiredFlag("subscription_update_emitted")
        guard let created = try fields.time("created") else { throw .invalid("created is missing") }
        event = Event(
            id: try fields.requiredText("event_id", orSay: "send Stripe's event id"),
            type: try fields.requiredText("event_type", orSay: "send Stripe's event type"),
            livemode: try fields.requiredFlag("livemode"), apiVersion: try fields.text("api_version"),
            created: created, isSupported: try fields.requiredFlag("supported"),
            effect: isEmitted
                ? .emitted(try Facts(from: fields))
                : .ignored(try fields.requiredText("ignored_reason", orSay: "send why")))
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("verified", event != nil)
        if let event { write(event, to: &object) }
        object.member("ignored_fields", unlessEmpty: ignoredFields)
    }

    private func write(_ event: Event, to object: inout JSONWriter) {
        object.member("event_id", event.id)
        object.member("event_type", event.type)
        object.member("livemode", event.livemode)
        object.member("api_version", optional: event.apiVersion)
        object.member("created", optional: event.created)
        object.member("supported", event.isSupported)
        switch event.effect {
        case .emitted(let facts):
            object.member("account_id", facts.accountID)
            object.member("features", facts.features)
            object.member("plan_id", optional: facts.planID)
            object.member("provider", facts.provider)
            object.member("provider_customer_id", optional: facts.customerID)
            object.member("provider_subscription_id", optional: facts.subscriptionID)
            object.member("status", facts.status.rawValue)
            object.member("subscription_update_emitted", true)
        case .ignored(let reason):
            object.member("subscription_update_emitted", false)
            object.member("ignored_reason", reason)
        }
    }
}
