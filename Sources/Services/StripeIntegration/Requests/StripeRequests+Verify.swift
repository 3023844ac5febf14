import BusContract
import BusCore
import StripeCore

extension StripeRequests {
    /// The ingress's decision, on bytes that came in an event
    /// (docs/contract/webhooks.md, "Webhook verification by event").
    func verify(_ request: WebhookVerifyRequest, _ caller: Caller) async -> Outcome<WebhookVerdict> {
        let outcome: Outcome<WebhookVerdict> = await outcome(ignored: request.ignoredFields) { deadline in
            let decision = try decide(request, now: caller.now)
            let done = try await actions.carryOut(decision, deadline: deadline)
            return done.verdict(ignoredFields: request.ignoredFields)
        }
        guard let error = outcome.error else { return outcome }
        return Outcome(error, WebhookVerdict(event: nil, ignoredFields: request.ignoredFields))
    }

    private func decide(_ request: WebhookVerifyRequest, now: Timestamp) throws(BusError) -> WebhookDecision {
        let result: Result<WebhookDecision, WebhookFault> = request.body.withUnsafeBytes { body in
            do throws(WebhookFault) {
                return .success(try keys.decide(body, signature: request.signature, at: now))
            } catch {
                return .failure(error)
            }
        }
        do { return try result.get() } catch { throw error.busError }
    }
}
