import BusContract
import BusCore

extension WebhookDecision {
    /// The verdict on a verified webhook.
    package func verdict(ignoredFields: [String]) -> WebhookVerdict {
        let effect: WebhookVerdict.Effect =
            switch outcome {
            case .update(let update): .emitted(.init(update))
            case .ignored(let reason): .ignored(reason.rawValue)
            }
        return WebhookVerdict(
            event: .init(
                id: event.id, type: event.type, livemode: event.livemode, apiVersion: event.apiVersion,
                created: event.created, isSupported: isSupported, effect: effect),
            ignoredFields: ignoredFields)
    }
}

extension WebhookFault {
    /// The refusal of a verify request.
    package var busError: BusError {
        switch self {
        case .signature(.noKeys):
            BusError(
                .webhookSecretUnconfigured,
                "no webhook signing secret is set; set BUS_STRIPE_WEBHOOK_SECRET_FILE")
        case .signature(.missing):
            BusError(
                .webhookSignatureInvalid, "signature is missing; send the Stripe-Signature header")
        case .signature(.malformed):
            BusError(
                .webhookSignatureInvalid,
                "signature is not a Stripe-Signature header; pass it on unchanged")
        case .signature(.noMatch):
            BusError(
                .webhookSignatureInvalid,
                "no signature matches the body; check the endpoint's signing secret and pass on the raw bytes")
        case .signature(.outOfTolerance):
            BusError(
                .webhookTimestampOutOfTolerance,
                "the signature is too old or too far ahead; check this machine's clock")
        case .event(.json):
            BusError(.webhookPayloadInvalid, "the signed body is not valid JSON")
        case .event(.notAnEvent(let field)):
            BusError(
                .webhookPayloadInvalid, "the signed body is not a Stripe event: check its \(field)")
        }
    }
}
