import BillingCore
import BusCore
import FoundationEssentials

/// `bus.stripe.webhook.verify.request`, read (bus.md 5.4).
package struct VerifyRequest: Hashable, Sendable {
    /// The exact bytes that were signed.
    package let body: [UInt8]
    /// The `Stripe-Signature` header; nil when the caller has none.
    package let signature: String?
    /// D-31: a caller's secret is among them, and is never used.
    package let ignoredFields: [String]

    /// Reads a payload.
    package init(_ payload: JSONText) throws(RequestFault) {
        let fields = try RequestFields(forStripe: payload)
        ignoredFields = fields.ignoredFields
        body = try VerifyRequest.body(fields)
        guard body.count <= Limits.webhookBodyBytesMax else {
            throw .invalid("payload must be at most \(Limits.webhookBodyBytesMax) bytes")
        }
        signature =
            try fields.text("signature", "signature_header", "stripe_signature")
            ?? VerifyRequest.header(fields.value("headers")?.value)
    }

    private static func body(_ fields: RequestFields) throws(RequestFault) -> [UInt8] {
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
}

extension WebhookDecision {
    /// `bus.stripe.webhook.verify.response`: a verified webhook and what became of it.
    package func verifyPayload(ignoredFields: [String]) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("verified", true)
                writer.member("event_id", event.id)
                writer.member("event_type", event.type)
                writer.member("livemode", event.livemode)
                writer.member("api_version", optional: event.apiVersion)
                writer.member("created", event.created.rfc3339)
                writer.member("supported", isSupported)
                switch outcome {
                case .update(let update):
                    writer.member("account_id", update.accountID)
                    writer.member("features", update.features)
                    writer.member("plan_id", optional: update.planID)
                    writer.member("provider", update.provider)
                    writer.member("provider_customer_id", optional: update.providerCustomerID)
                    writer.member("provider_subscription_id", optional: update.providerSubscriptionID)
                    writer.member("status", update.status.rawValue)
                    writer.member("subscription_update_emitted", true)
                case .ignored(let reason):
                    writer.member("subscription_update_emitted", false)
                    writer.member("ignored_reason", reason.rawValue)
                }
                writer.member("ignored_fields", unlessEmpty: ignoredFields)
            }
        }
    }

    /// The payload of a failed verification.
    package static func failedPayload(ignoredFields: [String]) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("verified", false)
                writer.member("ignored_fields", unlessEmpty: ignoredFields)
            }
        }
    }
}

extension WebhookFault {
    /// The contract's code and a text for a verify response (bus.md 5.7).
    package var requestFault: RequestFault {
        switch self {
        case .signature(let fault):
            switch fault {
            case .noKeys: RequestFault(code: .webhookSecretUnconfigured, message: fault.message)
            case .outOfTolerance: RequestFault(code: .webhookTimestampOutOfTolerance, message: fault.message)
            case .missing, .malformed, .noMatch: RequestFault(code: .webhookSignatureInvalid, message: fault.message)
            }
        case .event(.json):
            RequestFault(code: .webhookPayloadInvalid, message: "the signed body is not valid JSON")
        case .event(.notAnEvent(let field)):
            RequestFault(
                code: .webhookPayloadInvalid, message: "the signed body is not a Stripe event: check its \(field)")
        }
    }
}
