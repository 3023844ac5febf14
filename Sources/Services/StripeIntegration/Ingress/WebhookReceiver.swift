import BillingCore
import BusClient
import BusContract
import BusCore
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
        /// Answer now: nothing is to be published.
        case answer(Answer)
        /// Publish, then answer by how that ended.
        case publish(SubscriptionUpdate, eventType: String)
    }

    let keys: [WebhookKey]
    let toleranceSeconds: Int
    let mode: StripeMode
    let publisher: EventPublisher
    /// Re-reads a subscription before it is published (`BUS_STRIPE_WEBHOOK_REFETCH`).
    let refetch: (@Sendable (SubscriptionUpdate) async throws -> SubscriptionUpdate)?
    let logger: Logger
    private let counters = WebhookCounters()

    /// True when a webhook needs Stripe's word before it is published.
    var needsRefetch: Bool { refetch != nil }

    /// Verifies and maps the bytes of one webhook.
    func decide(_ body: UnsafeRawBufferPointer, signature: String?, at now: Timestamp) -> Step {
        let decision: WebhookDecision
        do {
            decision = try WebhookDecision.decide(
                body: body, signatureHeader: signature, keys: keys, at: now, toleranceSeconds: toleranceSeconds,
                mode: mode)
        } catch {
            return .answer(refusal(of: error))
        }
        switch decision.outcome {
        case .ignored(let reason):
            counters.ignored.increment()
            logger.debug(
                "webhook ignored",
                metadata: [
                    "stripe.event.id": "\(decision.event.id)", "stripe.event.type": "\(decision.event.type)",
                    "outcome": "\(reason.rawValue)",
                ])
            return .answer(received(decision.event.id, decision.event.type, ignored: reason.rawValue))
        case .update(let update): return .publish(update, eventType: decision.event.type)
        }
    }

    /// Publishes without a task of its own; `completion` runs once, on any thread.
    func publish(
        _ update: SubscriptionUpdate, eventType: String, completion: @escaping @Sendable (Answer) -> Void
    ) {
        publisher.submit(WebhookReceiver.draft(of: update)) { fault in
            completion(answer(for: update, eventType, fault?.unlessStoredBefore))
        }
    }

    /// The whole way for callers that can wait: decide, re-read when that is asked for, publish, answer.
    package func receive(_ body: [UInt8], signature: String?, at now: Timestamp) async -> Answer {
        switch body.withUnsafeBytes({ decide($0, signature: signature, at: now) }) {
        case .answer(let answer): return answer
        case .publish(let update, let eventType): return await publish(refetching: update, eventType: eventType)
        }
    }

    /// Re-reads the subscription first when that is asked for.
    func publish(refetching update: SubscriptionUpdate, eventType: String) async -> Answer {
        var current = update
        do {
            if let refetch { current = try await refetch(update) }
            try await WebhookReceiver.publish(current, through: publisher)
            return answer(for: current, eventType, nil)
        } catch let fault as EventsFault {
            return answer(for: current, eventType, fault)
        } catch {
            return answer(for: current, eventType, .unavailable(reason: "\(error)", retryAfterSeconds: nil))
        }
    }

    /// Publishes an update for callers that can wait; returns once it is stored.
    package static func publish(
        _ update: SubscriptionUpdate, through publisher: EventPublisher
    ) async throws(EventsFault) {
        do {
            try await publisher.publish(draft(of: update))
        } catch {
            if let fault = error.unlessStoredBefore { throw fault }
        }
    }

    /// The event an update is published as; its key makes Stripe's repetitions harmless.
    package static func draft(of update: SubscriptionUpdate) -> EventDraft {
        EventDraft(
            Exchange.subscriptionUpdate.ask(update, correlationID: update.eventID, source: BusModule.stripe.name),
            idempotencyKey: "stripe:\(update.eventID)")
    }

    // MARK: Answers

    private func answer(for update: SubscriptionUpdate, _ eventType: String, _ fault: EventsFault?) -> Answer {
        var metadata: Logger.Metadata = [
            "stripe.event.id": "\(update.eventID)", "stripe.event.type": "\(eventType)",
            "account.id": "\(update.accountID ?? "")", "status": "\(update.status.rawValue)",
        ]
        switch fault {
        case nil:
            counters.published.increment()
            metadata["outcome"] = "published"
            logger.info("webhook published", metadata: metadata)
            return received(update.eventID, eventType, ignored: nil)
        case .some(let fault):
            counters.failed.increment()
            metadata["outcome"] = "failed"
            metadata["cause"] = "\(fault)"
            logger.warning("webhook could not be published", metadata: metadata)
            return refused(.eventsUnavailable, "the event could not be stored; send it again")
        }
    }

    private func refusal(of fault: WebhookFault) -> Answer {
        counters.refused.increment()
        logger.info("webhook refused", metadata: ["outcome": "refused", "error.type": "\(fault)"])
        switch fault {
        case .signature(.noKeys): return refused(.webhookSecretUnconfigured, SignatureFault.noKeys.message)
        case .signature(let fault): return refused(.invalidSignature, fault.message)
        case .event:
            return refused(.badRequest, "the signed body is not a Stripe event; send a snapshot event as JSON")
        }
    }

    private func received(_ eventID: String, _ eventType: String, ignored reason: String?) -> Answer {
        var writer = JSONWriter(capacity: 160)
        writer.object { writer in
            writer.member("received", true)
            writer.member("event_id", eventID)
            writer.member("event_type", eventType)
            writer.member("emitted", reason == nil)
            writer.member("ignored_reason", optional: reason)
        }
        return Answer(status: 200, body: writer.bytes)
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

extension EventsFault {
    /// Nil for a conflict: this Stripe event is stored already, in the words of an earlier release or reading
    /// (docs/decisions/0005).
    fileprivate var unlessStoredBefore: EventsFault? {
        if case .rejected(status: 409, _, _) = self { return nil }
        return self
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
