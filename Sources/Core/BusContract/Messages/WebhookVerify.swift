import BusCore
import FoundationEssentials

/// `bus.stripe.webhook.verify.request` (docs/contract/webhooks.md, "Webhook verification by event").
package struct WebhookVerifyRequest: Message {
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The exact bytes that were signed.
    package var body: [UInt8] = []
    /// The `Stripe-Signature` header; nil when the caller has none.
    package var signature: String?
    /// Members that look like secrets.
    ///
    /// A caller's secret is never used.
    package private(set) var ignoredFields: [String] = []

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("provider", .text, &provider)
        try fields.reading { reader throws(FieldFault) in body = try WebhookVerifyRequest.body(reader) }
        fields.writing { [body] in $0.member("payload_base64", Data(body).base64EncodedString()) }
        try fields.field(
            "signature", spelled: ["signature", "signature_header", "stripe_signature"], .text, &signature)
        try fields.reading { reader in signature = signature ?? WebhookVerifyRequest.header(reader["headers"]) }
        try fields.ignored(&ignoredFields)
    }

    private static func body(_ reader: MessageReader) throws(FieldFault) -> [UInt8] {
        let body: [UInt8]
        if let (name, value) = reader.first("payload_base64", "raw_body_base64", "body_base64") {
            guard let text = value.text, let data = Data(base64Encoded: text) else {
                throw .invalid("\(name) must be base64 text")
            }
            body = [UInt8](data)
        } else if let (name, value) = reader.first("payload", "raw_body", "body") {
            guard let text = value.text else {
                throw .invalid("\(name) must be the raw body as a string; a parsed body has lost the signed bytes")
            }
            body = Array(text.utf8)
        } else {
            throw .invalid("payload is missing; send the raw request body as payload or payload_base64")
        }
        guard body.count <= Limits.webhookBodyBytesMax else {
            throw .invalid("payload must be at most \(Limits.webhookBodyBytesMax) bytes")
        }
        return body
    }

    private static func header(_ headers: JSONValue?) -> String? {
        guard case .object(let members)? = headers else { return nil }
        let values = members.first { $0.key.lowercased() == "stripe-signature" }?.value
        return values?.text ?? values?.elements?.compactMap(\.text).joined(separator: ",")
    }
}

/// `bus.stripe.webhook.verify.response`: a webhook's verdict, and what became of it.
package struct WebhookVerdict: Message {
    /// What was verified; nil when it was refused.
    package var event: Event?
    /// What was not used: members of the request that look like secrets, and metadata of the event that breaks its form.
    package var ignoredFields: [String] = []

    package init() {}

    /// A verdict; nil means that nothing was verified.
    package init(event: Event?, ignoredFields: [String]) {
        self.event = event
        self.ignoredFields = ignoredFields
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        var isVerified = event != nil
        try fields.field("verified", .flag, &isVerified)
        if isVerified {
            var verified = event ?? Event()
            try verified.visit(&fields)
            event = verified
        }
        try fields.field("ignored_fields", .texts, &ignoredFields, unless: [])
    }

    /// A verified event.
    package struct Event: Message {
        /// Stripe's event id.
        package var id = ""
        /// Stripe's event type.
        package var type = ""
        /// False for test mode.
        package var livemode = false
        /// The API version the event was written in.
        package var apiVersion: String?
        /// Stripe's time of the event.
        package var created = Timestamp.earliest
        /// The type changes a subscription's standing.
        package var isSupported = false
        /// What followed from it.
        package var effect = Effect.ignored("")

        package init() {}

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.field("event_id", .text, &id, orSay: "send Stripe's event id")
            try fields.field("event_type", .text, &type, orSay: "send Stripe's event type")
            try fields.field("livemode", .flag, &livemode)
            try fields.field("api_version", .text, &apiVersion)
            try fields.field("created", .time, &created)
            try fields.field("supported", .flag, &isSupported)
            // The flag tells the effects apart, and the writer puts it behind the facts.
            try fields.reading { reader throws(FieldFault) in
                let isEmitted = try reader.required("subscription_update_emitted", .flag)
                effect = isEmitted ? .emitted(Facts()) : .ignored("")
            }
            switch effect {
            case .emitted(var facts):
                try facts.visit(&fields)
                fields.writing { $0.member("subscription_update_emitted", true) }
                effect = .emitted(facts)
            case .ignored(var reason):
                fields.writing { $0.member("subscription_update_emitted", false) }
                try fields.field("ignored_reason", .text, &reason, orSay: "send why")
                effect = .ignored(reason)
            }
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
    package struct Facts: Message {
        /// Who pays and owns.
        package var accountID: String?
        /// What was bought.
        package var features: [String] = []
        /// The plan, when known.
        package var planID: String?
        /// The payment company's label.
        package var provider = "stripe"
        /// Its id for the account.
        package var customerID: String?
        /// Its id for the subscription.
        package var subscriptionID: String?
        /// The subscription's standing.
        package var status = SubscriptionStatus.incomplete

        package init() {}

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

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.account(&accountID, isRequired: true)
            try fields.field("features", .texts, &features, else: [])
            try fields.field("plan_id", .text, &planID)
            try fields.field("provider", .text, &provider, else: "stripe")
            try fields.field("provider_customer_id", .text, &customerID)
            try fields.field("provider_subscription_id", .text, &subscriptionID)
            try fields.field("status", .word(orElse: .incomplete), &status, orSay: "send the standing")
        }
    }
}
