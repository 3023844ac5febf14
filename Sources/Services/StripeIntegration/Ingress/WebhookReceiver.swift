import BillingCore
import BusClient
import BusContract
import BusCore
import BusRuntime
import BusServer
import CoreMetrics
import Logging
import StripeCore

/// Turns the bytes of one webhook into the answer that Stripe gets, and publishes what they mean before that answer.
package struct WebhookReceiver: Sendable {
    /// An HTTP status with its JSON body; a retryable one also asks Stripe to come back.
    package struct Answer: Sendable {
        /// HTTP status.
        package let status: Int
        /// A JSON document.
        package let body: [UInt8]
        /// Seconds for `Retry-After`.
        var retryAfterSeconds: Int?
        /// The methods for `Allow`.
        var allow: String?
    }

    /// What to do with a webhook.
    enum Step {
        /// Answer now: nothing is to be done.
        case answer(Answer)
        /// Publish the update, then answer by how that ended.
        case publish(SubscriptionUpdate, WebhookDecision)
        /// Do what takes longer, then answer by how that ended.
        case carryOut(WebhookDecision)
    }

    let keys: WebhookKeys
    let publisher: EventPublisher
    let actions: WebhookActions
    let logger: Logger
    private let refusals: RefusalReport
    private let counters = WebhookCounters()

    init(
        keys: WebhookKeys, publisher: EventPublisher, actions: WebhookActions, logger: Logger,
        hearRefusal: (@Sendable (WebhookRefusal) -> Void)? = nil
    ) {
        self.keys = keys
        self.publisher = publisher
        self.actions = actions
        self.logger = logger
        refusals = RefusalReport(keys, logger, hear: hearRefusal)
    }

    /// Verifies and maps the bytes of one webhook.
    func decide(_ body: UnsafeRawBufferPointer, signature: String?, at now: Timestamp) -> Step {
        let decision: WebhookDecision
        do {
            decision = try keys.decide(body, signature: signature, at: now)
        } catch {
            counters.refused.increment()
            switch error {
            case .signature(let fault):
                refusals.report(fault, body, header: signature, at: now)
                return .answer(refusal(of: fault))
            case .event(let fault): return .answer(refusal(of: fault))
            }
        }
        switch decision.outcome {
        case .update(let update) where !actions.refetches: return .publish(update, decision)
        case .update, .unlinked, .customerDeleted, .meterErrors: return .carryOut(decision)
        case .ignored:
            actions.report(decision)
            return .answer(answer(for: decision))
        }
    }

    /// Publishes without a task of its own; `completion` runs once, on any thread.
    func publish(
        _ update: SubscriptionUpdate, _ decision: WebhookDecision, completion: @escaping @Sendable (Answer) -> Void
    ) {
        let trace = Trace.current
        publisher.submit(FactsOutlet.draft(of: update)) { fault in
            Trace.$current.withValue(trace) {
                if let fault = fault?.unlessStoredBefore { return completion(failure(of: decision, fault)) }
                actions.report(decision)
                completion(answer(for: decision))
            }
        }
    }

    /// Does what a webhook asks for, and answers.
    func carryOut(_ decision: WebhookDecision) async -> Answer {
        do {
            let deadline = ContinuousClock.now + .seconds(Limits.webhookPublishSeconds)
            return answer(for: try await actions.carryOut(decision, deadline: deadline))
        } catch {
            return failure(of: decision, error)
        }
    }

    /// The whole way for callers that can wait.
    package func receive(_ body: [UInt8], signature: String?, at now: Timestamp) async -> Answer {
        switch body.withUnsafeBytes({ decide($0, signature: signature, at: now) }) {
        case .answer(let answer): answer
        case .publish(_, let decision), .carryOut(let decision): await carryOut(decision)
        }
    }

    // MARK: Answers

    private func answer(for decision: WebhookDecision) -> Answer {
        let reason = decision.outcome.ignoredReason?.rawValue
        if case .update(let update) = decision.outcome {
            counters.published.increment()
            logger.info(
                "webhook published",
                metadata: decision.logged([
                    "account.id": "\(update.accountID ?? "")", "status": "\(update.status.rawValue)",
                ]))
        } else {
            counters.ignored.increment()
            logger.debug("webhook ignored", metadata: decision.logged())
        }
        var writer = JSONWriter(capacity: 160)
        writer.object { writer in
            writer.member("received", true)
            writer.member("event_id", decision.event.id)
            writer.member("event_type", decision.event.type)
            writer.member("emitted", reason == nil)
            writer.member("ignored_reason", optional: reason)
            if !decision.ignoredFields.isEmpty { writer.member("ignored_fields", decision.ignoredFields) }
        }
        return Answer(status: 200, body: writer.bytes)
    }

    private func failure(of decision: WebhookDecision, _ cause: any Error) -> Answer {
        counters.failed.increment()
        let reason = Redaction.redact(String(describing: cause))
        logger.warning(
            "webhook could not be published", metadata: decision.logged(["outcome": "failed", "cause": "\(reason)"]))
        return refused(.eventsUnavailable, "the event could not be stored; send it again")
    }

    /// The answer tells no more than one look at the webhook: whoever sends a wrong one must learn nothing from it.
    private func refusal(of fault: SignatureFault) -> Answer {
        refused(fault == .noKeys ? .webhookSecretUnconfigured : .invalidSignature, fault.cause.message)
    }

    private func refusal(of fault: StripeEventFault) -> Answer {
        logger.info("webhook refused", metadata: ["outcome": "refused", "error.type": "\(fault)"])
        return refused(.badRequest, "the signed body is not a Stripe event; send a snapshot event as JSON")
    }

    /// 413.
    var tooLarge: Answer {
        refused(
            .payloadTooLarge, "the body is larger than \(Limits.webhookBodyBytesMax) bytes; a Stripe event is smaller")
    }

    /// 405 for a path that takes one method.
    func refusedMethod(_ path: some StringProtocol, allowed: String) -> Answer {
        var answer = refused(.methodNotAllowed, "\(path) takes \(allowed)")
        answer.allow = allowed
        return answer
    }

    /// An error in the form every service uses.
    func refused(_ code: ErrorCode, _ message: String) -> Answer {
        Answer(
            status: code.httpStatus, body: BusError(code, message).body(),
            retryAfterSeconds: code.httpStatus == 503 ? 5 : nil)
    }
}

/// `bus_stripe_webhooks_total` by outcome, made once: looking a counter up costs more than counting.
private struct WebhookCounters: Sendable {
    let published = WebhookCounters.counter("published")
    let ignored = WebhookCounters.counter("ignored")
    let refused = WebhookCounters.counter("refused")
    let failed = WebhookCounters.counter("failed")

    private static func counter(_ outcome: String) -> Counter {
        Counter(label: "bus_stripe_webhooks_total", dimensions: [("outcome", outcome)])
    }
}
