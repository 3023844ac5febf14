import BusContract
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle
import Synchronization

/// Answers the requests of a module: one unicast stream and a number of slots for each exchange, so that a slow one
/// never delays another (docs/contract/workers.md, "Concurrency").
package final class EventWorker: Service, Sendable {
    let handlers: RequestHandlers
    let client: EventsClient
    let settings: WorkerSettings
    let readiness: Readiness
    let logger: Logger
    private let refusals = AsyncStream.makeStream(of: ProcessFailure.self, bufferingPolicy: .bufferingOldest(1))
    /// For exchanges with somebody who waits for the response.
    private let acknowledger: Acknowledger
    /// For exchanges that say what has happened: nobody waits, so that their calls may gather.
    private let gatherer: Acknowledger
    private let processed = Mutex(ProcessedEvents(countMax: Limits.processedEventsMax))

    /// A worker for everything that the handlers answer.
    package init(
        _ handlers: RequestHandlers, client: EventsClient, settings: WorkerSettings, readiness: Readiness,
        logger: Logger
    ) {
        self.handlers = handlers
        self.client = client
        self.settings = settings
        self.readiness = readiness
        self.logger = logger
        acknowledger = Acknowledger(client: client, group: settings.group)
        gatherer = Acknowledger(
            client: client, group: settings.group, gathering: .milliseconds(Limits.gatherMilliseconds))
    }

    /// Listens until shutdown; throws `ProcessFailure` when the token is refused or the URL is wrong.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for acknowledger in [acknowledger, gatherer] { group.addTask { await acknowledger.run() } }
            // The last acknowledgements come when the last handlers have ended.
            defer { for acknowledger in [acknowledger, gatherer] { acknowledger.stop() } }
            try await listen()
        }
    }

    private func listen() async throws {
        let exchanges = handlers.exchanges
        for exchange in exchanges { readiness.set("stream \(exchange.request)", !settings.listener.isRequired) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for exchange in exchanges {
                group.addTask { try await EventSubscription(exchange: exchange, worker: self).run() }
            }
            // Ends only by a refusal, or when all streams have ended.
            group.addTask { for await failure in self.refusals.stream { throw failure } }
            for _ in exchanges {
                try await group.next()
                // With --once the first stream that handled an event ends the others.
                if settings.handlesOnce { break }
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Handles one delivery and says what became of it; a response that is refused ends the worker.
    ///
    /// - Parameters:
    ///   - comesAgain: The server delivers again what is not acknowledged.
    ///   - isFirst: It was not delivered before.
    ///   - canReply: The response may be left to the acknowledgement.
    func handle(_ event: EventEnvelope, comesAgain: Bool, isFirst: Bool, canReply: Bool) async -> Settlement {
        switch event.id.map({ id in processed.withLock { $0.begin(id) } }) ?? .new {
        case .new: break
        case .underWay: return Settlement(.retry(code: ErrorCode.conflict.rawValue))
        case .done: return Settlement(.done)
        }
        let settlement = await settlement(of: event, comesAgain, isFirst, canReply)
        if settlement.response == nil { end(event, isDone: settlement.outcome == .done) }
        return settlement
    }

    private func end(_ event: EventEnvelope, isDone: Bool) {
        if let id = event.id { processed.withLock { $0.end(id, isDone: isDone) } }
    }

    private func settlement(
        of event: EventEnvelope, _ comesAgain: Bool, _ isFirst: Bool, _ canReply: Bool
    ) async -> Settlement {
        guard let exchange = handlers.rules(of: event.name) else { return Settlement(.done) }
        if isStale(event, exchange) {
            logger.info("stale request dropped", metadata: event.logMetadata)
            return Settlement(.done)
        }
        guard var handled = await handlers.respond(to: event, isFirst: isFirst, at: .now) else {
            return Settlement(.done)
        }
        if exchange.delivery == .neverLost, let error = handled.error, error.isRetryable {
            if comesAgain {
                // Who asks a payment company waits for the answer; its failure is told at once, and tried again.
                if exchange.provider != nil { _ = await publish(handled.response, for: event) }
                return Settlement(.retry(code: error.type))
            }
            handled = await tryAgain(event, handled)
        }
        let isDead = exchange.delivery == .neverLost && handled.error != nil
        if canReply, !isDead { return Settlement(.done, response: handled.response) }
        if await publish(handled.response, for: event) == .failed {
            return Settlement(.retry(code: ErrorCode.eventsUnavailable.rawValue))
        }
        if isDead, let error = handled.error { return Settlement(.dead(code: error.type)) }
        return Settlement(.done)
    }

    /// Handles an event that must not be lost a few times more, because its server delivers it once only.
    private func tryAgain(_ event: EventEnvelope, _ first: HandledRequest) async -> HandledRequest {
        var handled = first
        for failures in 1..<Limits.handlerAttemptsMax where handled.error?.isRetryable == true {
            let pause = settings.listener.backoff.delay(afterFailures: failures, random: .random(in: 0..<1))
            do {
                try await cancelWhenGracefulShutdown { try await ContinuousClock().sleep(for: pause) }
            } catch {
                break
            }
            handled = await handlers.respond(to: event, isFirst: false, at: .now) ?? handled
        }
        if let error = handled.error, error.isRetryable {
            logger.error(
                "event given up", metadata: event.logMetadata.merging(["error.type": "\(error.type)"]) { $1 })
        }
        return handled
    }

    private func isStale(_ event: EventEnvelope, _ exchange: ExchangeRules) -> Bool {
        guard let ageMax = settings.requestAgeMax, exchange.delivery != .neverLost, let sent = event.timestamp
        else { return false }
        return sent.advanced(bySeconds: Int64(ageMax.inSeconds)) < .now
    }
}

// MARK: - Responses

extension EventWorker {
    /// Says what became of a delivery; a response that was left for it is published in the same step.
    ///
    /// - Parameter inSharedCall: The server takes responses with acknowledgements, and then many in one call.
    func settle(_ id: String, _ event: EventEnvelope, _ settlement: Settlement, inSharedCall: Bool) async {
        guard let response = settlement.response else {
            return await acknowledge(id, event, settlement.outcome, inSharedCall)
        }
        let publication = await publish(response, for: event) { (draft, _) throws(EventsFault) in
            try await acknowledger(of: event).acknowledge(
                AcknowledgedDelivery(id: id, outcome: .done, reply: draft))
        }
        end(event, isDone: publication != .failed)
        switch publication {
        case .published: break
        case .answeredBefore: await acknowledge(id, event, .done, inSharedCall)
        case .failed:
            await acknowledge(id, event, .retry(code: ErrorCode.eventsUnavailable.rawValue), inSharedCall)
        }
    }

    private func acknowledge(
        _ id: String, _ event: EventEnvelope, _ outcome: Acknowledgement, _ inSharedCall: Bool
    ) async {
        let delivery = AcknowledgedDelivery(id: id, outcome: outcome)
        do {
            if inSharedCall {
                try await acknowledger(of: event).acknowledge(delivery)
            } else {
                try await client.acknowledge(group: settings.group, [delivery], within: .seconds(10))
            }
        } catch {
            // The lease ends and the event comes again; the handler is idempotent.
            logger.warning(
                "acknowledgement failed", metadata: event.logMetadata.merging(["cause": "\(error)"]) { $1 })
        }
    }

    private func acknowledger(of event: EventEnvelope) -> Acknowledger {
        guard let exchange = handlers.rules(of: event.name) else { return acknowledger }
        return exchange.delivery == .neverLost && exchange.provider == nil ? gatherer : acknowledger
    }

    /// How publishing a response ended.
    private enum Publication {
        case published
        /// This request was answered before a crash kept us from acknowledging it; the first answer stands.
        case answeredBefore
        /// The event must come again.
        case failed
    }

    private func publish(_ response: EventEnvelope, for event: EventEnvelope) async -> Publication {
        await publish(response, for: event) { (draft, time) throws(EventsFault) in
            try await client.publish(draft, within: time)
        }
    }

    /// Publishes a response by `send`, a few times if need be.
    private func publish(
        _ response: EventEnvelope, for event: EventEnvelope,
        by send: (EventDraft, Duration) async throws(EventsFault) -> Void
    ) async -> Publication {
        let key = event.id.map { "response:\(settings.group):\($0)" }
        let draft = EventDraft(response, idempotencyKey: key)
        let deadline = ContinuousClock.now + .seconds(Limits.responsePublishSeconds)
        var failure = ""
        for attempt in 1...Limits.responsePublishAttemptsMax {
            do {
                try await send(draft, min(.seconds(10), max(deadline - .now, .milliseconds(1))))
                return .published
            } catch .unavailable(let reason, _) {
                failure = reason
                let pause = settings.listener.backoff.delay(afterFailures: attempt, random: .random(in: 0..<1))
                if ContinuousClock.now + pause >= deadline { break }
                do { try await ContinuousClock().sleep(for: pause) } catch { break }
            } catch .rejected(status: 409, _, _) {
                return .answeredBefore
            } catch .refused(let status, let message) {
                failure = "\(status): \(message)"
                refusals.continuation.yield(
                    client.refusal(to: .send, response.name, status: status, message: message))
                break
            } catch {
                failure = "\(error)"
                break
            }
        }
        logger.error(
            "response could not be published", metadata: event.logMetadata.merging(["cause": "\(failure)"]) { $1 })
        return .failed
    }
}

/// What became of a delivery here, and what is still to be said about it.
struct Settlement: Sendable {
    let outcome: Acknowledgement
    /// The response that is published with the acknowledgement.
    let response: EventEnvelope?

    init(_ outcome: Acknowledgement, response: EventEnvelope? = nil) {
        self.outcome = outcome
        self.response = response
    }
}

extension EventEnvelope {
    /// What log lines about an event carry.
    var logMetadata: Logger.Metadata {
        ["event.id": "\(id ?? "")", "event.name": "\(name)", "correlation.id": "\(correlationID ?? "")"]
    }
}
