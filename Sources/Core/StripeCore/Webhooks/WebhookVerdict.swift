import BusContract
import BusCore

extension WebhookDecision {
    /// The verdict on a verified webhook; the request's own ignored fields come before those of the event.
    package func verdict(ignoredFields requested: [String]) -> WebhookVerdict {
        var verified = WebhookVerdict.Event()
        verified.id = event.id
        verified.type = event.type
        verified.livemode = event.livemode
        verified.apiVersion = event.apiVersion
        verified.created = event.created
        verified.isSupported = isSupported
        if case .update(let update) = outcome { verified.effect = .emitted(.init(update)) }
        if let reason = outcome.ignoredReason { verified.effect = .ignored(reason.rawValue) }
        return WebhookVerdict(event: verified, ignoredFields: requested + ignoredFields)
    }
}

extension WebhookFault {
    /// The refusal of a verify request.
    package var busError: BusError {
        switch self {
        case .signature(let fault):
            switch fault {
            case .noKeys: BusError(.webhookSecretUnconfigured, fault.cause.message)
            case .tooOld, .fromFuture: BusError(.webhookTimestampOutOfTolerance, fault.cause.message)
            case .missing, .malformed, .noMatch: BusError(.webhookSignatureInvalid, fault.cause.message)
            }
        case .event(.json):
            BusError(.webhookPayloadInvalid, "the signed body is not valid JSON")
        case .event(.notAnEvent(let field)):
            BusError(
                .webhookPayloadInvalid, "the signed body is not a Stripe event: check its \(field)")
        }
    }
}
