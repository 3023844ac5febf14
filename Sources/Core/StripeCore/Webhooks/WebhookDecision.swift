import BillingCore
import BusContract
import BusCore

/// Why a webhook is refused.
package enum WebhookFault: Error, Equatable, Sendable {
    /// The signature does not vouch for the body.
    case signature(SignatureFault)
    /// Signed, but not an event.
    case event(StripeEventFault)
}

/// What one webhook means, from its bytes to what follows; the HTTP ingress and the verify request share it.
package struct WebhookDecision: Hashable, Sendable {
    /// What was verified.
    package let event: StripeEvent
    /// What follows from it.
    package let outcome: WebhookOutcome
    /// Keys of the metadata whose values break their form and are left out.
    package let ignoredFields: [String]

    /// True for the event types that change a subscription's standing.
    package var isSupported: Bool { event.topic?.kind != nil }

    /// The same decision with what a reading of the subscription said.
    package func replacing(_ outcome: WebhookOutcome, ignoredFields: [String]) -> WebhookDecision {
        WebhookDecision(event: event, outcome: outcome, ignoredFields: ignoredFields)
    }

    /// Verifies, reads and maps one webhook.
    ///
    /// - Parameter hear: Called for every webhook whose signature verifies, before its body is read.
    package static func decide(
        body: UnsafeRawBufferPointer, signatureHeader: String?, at now: Timestamp, rules: WebhookRules,
        verified hear: (VerifiedWebhook) -> Void = { _ in }
    ) throws(WebhookFault) -> WebhookDecision {
        let webhook: VerifiedWebhook
        do {
            webhook = try WebhookSignature.verify(
                body, header: signatureHeader ?? "", keys: rules.keys, at: now,
                toleranceSeconds: rules.toleranceSeconds)
        } catch {
            throw .signature(error)
        }
        hear(webhook)
        let event: StripeEvent
        do { event = try StripeEvent(webhook) } catch { throw .event(error) }
        let (outcome, ignoredFields) = SubscriptionMapper.map(event, rules: rules)
        return WebhookDecision(event: event, outcome: outcome, ignoredFields: ignoredFields)
    }
}
