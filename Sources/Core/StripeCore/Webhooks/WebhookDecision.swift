import BillingCore
import BusContract
import BusCore

/// Why a webhook is refused.
package enum WebhookFault: Error, Equatable, Sendable {
    /// The signature does not prove the body.
    case signature(SignatureFault)
    /// Signed, but not an event.
    case event(StripeEventFault)
}

/// The decision about one webhook, from its bytes to the update or refusal; shared by the HTTP ingress
/// and the verify request.
package struct WebhookDecision: Hashable, Sendable {
    /// What was verified.
    package let event: StripeEvent
    /// What follows from it.
    package let outcome: WebhookOutcome

    /// True for the event types that change a subscription's standing.
    package var isSupported: Bool { event.topic != nil }

    /// The same decision with the update that was really published.
    package func replacingUpdate(_ update: SubscriptionUpdate) -> WebhookDecision {
        WebhookDecision(event: event, outcome: .update(update))
    }

    /// Verifies, reads and maps one webhook.
    package static func decide(
        body: UnsafeRawBufferPointer, signatureHeader: String?, keys: [WebhookKey], at now: Timestamp,
        toleranceSeconds: Int, mode: StripeMode
    ) throws(WebhookFault) -> WebhookDecision {
        let webhook: VerifiedWebhook
        do {
            webhook = try WebhookSignature.verify(
                body, header: signatureHeader ?? "", keys: keys, at: now, toleranceSeconds: toleranceSeconds)
        } catch {
            throw .signature(error)
        }
        let event: StripeEvent
        do { event = try StripeEvent(webhook) } catch { throw .event(error) }
        return WebhookDecision(event: event, outcome: SubscriptionMapper.map(event, mode: mode))
    }
}
