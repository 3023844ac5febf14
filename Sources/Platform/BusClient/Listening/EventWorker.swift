import BusCore
import BusRuntime
import CoreMetrics
import Logging
import ServiceLifecycle
import Synchronization

/// Answers request events: one unicast stream per name, bounded handlers, one response per request (bus.md 4.2).
package final class EventWorker: Service, Sendable {
    /// Turns a request into its response; it never throws, because a failure is a response too.
    package typealias Handler = @Sendable (EventEnvelope) async -> EventEnvelope

    let names: [EventName]
    let client: EventsClient
    let settings: WorkerSettings
    let readiness: Readiness
    let logger: Logger
    private let neverStale: Set<EventName>
    private let neverLost: Set<EventName>
    private let handler: Handler
    let slots: WorkerSlots
    private let refusals = AsyncStream.makeStream(of: ProcessFailure.self, bufferingPolicy: .bufferingOldest(1))
    private let processed = Mutex(ProcessedEvents(countMax: Limits.processedEventsMax))

    /// A worker for `names`.
    ///
    /// - Parameters:
    ///   - neverStale: The names whose requests are idempotent and handled however old they are (D-24).
    ///   - neverLost: The names among them whose failures are tried again while they may pass (D-55).
    package init(
        names: [EventName], neverStale: Set<EventName>, neverLost: Set<EventName> = [], client: EventsClient,
        settings: WorkerSettings, readiness: Readiness, logger: Logger, handler: @escaping Handler
    ) {
        self.names = names
        self.neverStale = neverStale
        self.neverLost = neverLost
        self.client = client
        self.settings = settings
        self.readiness = readiness
        self.logger = logger
        self.handler = handler
        slots = WorkerSlots(count: settings.concurrency)
    }

    /// Listens until shutdown; throws `ProcessFailure` when the token is refused or the URL is wrong.
    package func run() async throws {
        for name in names { readiness.set("stream \(name)", !settings.listener.isRequired) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask { try await EventSubscription(name: name, worker: self).run() }
            }
            // Ends only by a refusal, or when all streams have ended.
            group.addTask { for await failure in self.refusals.stream { throw failure } }
            for _ in names {
                try await group.next()
                // With --once the first stream that handled an event ends the others.
                if settings.handlesOnce { break }
            }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Handles one delivery and says how it ended; a response that is refused ends the worker (D-22).
    ///
    /// - Parameter comesAgain: The server delivers again what is not acknowledged.
    func handle(_ event: EventEnvelope, comesAgain: Bool) async -> DeliveryOutcome {
        switch event.id.map({ id in processed.withLock { $0.begin(id) } }) ?? .new {
        case .new: break
        case .underWay: return .retry
        case .done: return .done
        }
        let outcome = await answer(event, comesAgain: comesAgain)
        if let id = event.id { processed.withLock { $0.end(id, isDone: outcome == .done) } }
        return outcome
    }

    private func answer(_ event: EventEnvelope, comesAgain: Bool) async -> DeliveryOutcome {
        if isStale(event) {
            logger.info("stale request dropped", metadata: EventWorker.metadata(event))
            return .done
        }
        guard let response = await response(to: event, comesAgain: comesAgain) else { return .retry }
        return await publish(response, for: event) ? .done : .retry
    }

    /// The response to publish; nil leaves an event that must not be lost to its next delivery.
    private func response(to event: EventEnvelope, comesAgain: Bool) async -> EventEnvelope? {
        var response = await handler(event)
        guard neverLost.contains(event.name), response.failureMayPass else { return response }
        if comesAgain { return nil }
        for failures in 1..<Limits.handlerAttemptsMax where response.failureMayPass {
            let pause = settings.listener.backoff.delay(afterFailures: failures, random: .random(in: 0..<1))
            do {
                try await cancelWhenGracefulShutdown { try await ContinuousClock().sleep(for: pause) }
            } catch {
                break
            }
            response = await handler(event)
        }
        if response.failureMayPass {
            var metadata = EventWorker.metadata(event)
            metadata["error.type"] = "\(response.error?.code ?? "")"
            logger.error("event given up", metadata: metadata)
        }
        return response
    }

    private func isStale(_ event: EventEnvelope) -> Bool {
        guard let ageMax = settings.requestAgeMax, !neverStale.contains(event.name), let sent = event.timestamp else {
            return false
        }
        return sent.advanced(bySeconds: Int64(ageMax.inSeconds)) < .now
    }

    private func publish(_ response: EventEnvelope, for event: EventEnvelope) async -> Bool {
        let key = event.id.map { "response:\(settings.group):\($0)" }
        let draft = EventDraft(response, idempotencyKey: key)
        let deadline = ContinuousClock.now + .seconds(Limits.responsePublishSeconds)
        var failure = ""
        var refusal: ProcessFailure?
        for attempt in 1...Limits.responsePublishAttemptsMax {
            do {
                try await client.publish(draft, within: min(.seconds(10), max(deadline - .now, .milliseconds(1))))
                return true
            } catch .unavailable(let reason, _) {
                failure = reason
                let pause = settings.listener.backoff.delay(afterFailures: attempt, random: .random(in: 0..<1))
                if ContinuousClock.now + pause >= deadline { break }
                do { try await ContinuousClock().sleep(for: pause) } catch { break }
            } catch .rejected(status: 409, _, _) {
                // This request was answered before a crash kept us from acknowledging it; the first answer stands.
                return true
            } catch .refused(let status, let message) {
                failure = "\(status): \(message)"
                refusal = ProcessFailure(
                    exitCode: 1,
                    "the Events API refused to publish \(response.name) (\(failure)); the token of "
                        + "\(client.tokens.label) needs \(AccessPolicy.scope(for: response.name, to: .send))")
                break
            } catch {
                failure = "\(error)"
                break
            }
        }
        var metadata = EventWorker.metadata(event)
        metadata["cause"] = "\(failure)"
        logger.error("response could not be published", metadata: metadata)
        if let refusal { refusals.continuation.yield(refusal) }
        return false
    }

    static func metadata(_ event: EventEnvelope) -> Logger.Metadata {
        [
            "event.id": "\(event.id ?? "")", "event.name": "\(event.name)",
            "correlation.id": "\(event.correlationID ?? "")",
        ]
    }
}

/// The event ids under way and the newest processed ones, so that a repeated delivery is not handled twice (D-24).
struct ProcessedEvents {
    /// How far the event of an id has come.
    enum Progress {
        case new, underWay, done
    }

    private let countMax: Int
    private var underWay: Set<String> = []
    private var ids: Set<String> = []
    private var ring: [String] = []
    private var oldest = 0

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// Claims an id that is new.
    mutating func begin(_ id: String) -> Progress {
        if ids.contains(id) { return .done }
        return underWay.insert(id).inserted ? .new : .underWay
    }

    /// Gives a claimed id back, remembered when it is done.
    mutating func end(_ id: String, isDone: Bool) {
        underWay.remove(id)
        guard isDone, ids.insert(id).inserted else { return }
        if ring.count < countMax {
            ring.append(id)
        } else {
            ids.remove(ring[oldest])
            ring[oldest] = id
            oldest = (oldest + 1) % countMax
        }
    }
}

/// At most `count` handlers at once; the others wait in line.
actor WorkerSlots {
    private var free: Int
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(count: Int) {
        free = count
    }

    func acquire() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    func release() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }
}

extension EventEnvelope {
    /// A failed response whose request may succeed when it is handled again (D-05).
    fileprivate var failureMayPass: Bool {
        error != nil && metadata.contains { $0.key.hasSuffix(".retryable") && $0.value == "true" }
    }
}
