import BusClient
import BusCore
import StripeCore

extension StripeRequests {
    /// `bus.stripe.webhook.verify.request`: the ingress's decision, on bytes that came in an event (bus.md 5.4).
    func verify(
        _ request: EventEnvelope, now: Timestamp, deadline: ContinuousClock.Instant
    ) async throws -> JSONText {
        var ignoredFields: [String] = []
        do {
            let verify = try VerifyRequest(request.payload)
            ignoredFields = verify.ignoredFields
            warn(about: ignoredFields)
            let decision = try decide(verify, now: now)
            if case .update(let update) = decision.outcome {
                do {
                    let current =
                        webhook.isRefetching ? try await gateway.refetched(update, deadline: deadline) : update
                    try await publish(current)
                    return decision.replacingUpdate(current).verifyPayload(ignoredFields: ignoredFields)
                } catch let fault as StripeFault {
                    throw fault
                } catch is CancellationError {
                    throw CancellationError()
                } catch {
                    throw BusError(
                        .eventsUnavailable, "the subscription update could not be published; send the request again",
                        cause: error)
                }
            }
            return decision.verifyPayload(ignoredFields: ignoredFields)
        } catch {
            throw RequestFailure(
                RequestFailure(classifying: error).error,
                payload: WebhookDecision.failedPayload(ignoredFields: ignoredFields))
        }
    }

    private func decide(_ verify: VerifyRequest, now: Timestamp) throws(RequestFault) -> WebhookDecision {
        let result: Result<WebhookDecision, WebhookFault> = verify.body.withUnsafeBytes { body in
            do throws(WebhookFault) {
                return .success(
                    try WebhookDecision.decide(
                        body: body, signatureHeader: verify.signature, keys: webhook.keys, at: now,
                        toleranceSeconds: webhook.toleranceSeconds, mode: settings.mode))
            } catch {
                return .failure(error)
            }
        }
        do { return try result.get() } catch { throw error.requestFault }
    }
}
