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
    private let handler: Handler
    let slots: WorkerSlots
    private let processed = Mutex(ProcessedEvents(countMax: Limits.processedEventsMax))

    /// A worker for `names`; `neverStale` are the names whose requests are idempotent and must not be lost (D-24).
    package init(
        names: [EventName], neverStale: Set<EventName>, client: EventsClient, settings: WorkerSettings,
        readiness: Readiness, logger: Logger, handler: @escaping Handler
    ) {
        self.names = names
        self.neverStale = neverStale
        self.client = client
        self.settings = settings
        self.readiness = readiness
        self.logger = logger
        self.handler = handler
        slots = WorkerSlots(count: settings.concurrency)
    }

    /// Listens until shutdown; throws `ProcessFailure` when the token is refused or the URL is wrong.
    package func run() async throws {
        for name in names { readiness.set("stream \(name)", !settings.listenersRequired) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in names {
                group.addTask { try await EventSubscription(name: name, worker: self).run() }
            }
            // With --once the first stream that handled an event ends the others.
            try await group.next()
            if settings.handlesOnce { group.cancelAll() }
            try await group.waitForAll()
        }
    }

    /// Handles one delivery and says how it ended.
    func handle(_ event: EventEnvelope) async -> DeliveryOutcome {
        if let id = event.id, processed.withLock({ $0.contains(id) }) { return .done }
        if isStale(event) {
            logger.info("stale request dropped", metadata: EventWorker.metadata(event))
            return .done
        }
        guard await publish(await handler(event), for: event) else { return .retry }
        if let id = event.id { processed.withLock { $0.insert(id) } }
        return .done
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
        for attempt in 1...Limits.responsePublishAttemptsMax {
            do {
                try await client.publish(draft, within: min(.seconds(10), max(deadline - .now, .milliseconds(1))))
                return true
            } catch .unavailable(let reason, _) {
                failure = reason
                let pause = settings.backoff.delay(afterFailures: attempt, random: .random(in: 0..<1))
                if ContinuousClock.now + pause >= deadline { break }
                do { try await ContinuousClock().sleep(for: pause) } catch { break }
            } catch {
                failure = "\(error)"
                break
            }
        }
        var metadata = EventWorker.metadata(event)
        metadata["cause"] = "\(failure)"
        logger.error("response could not be published", metadata: metadata)
        return false
    }

    static func metadata(_ event: EventEnvelope) -> Logger.Metadata {
        [
            "event.id": "\(event.id ?? "")", "event.name": "\(event.name)",
            "correlation.id": "\(event.correlationID ?? "")",
        ]
    }
}

/// The newest processed event ids, so that a repeated delivery is not handled twice (D-24).
struct ProcessedEvents {
    private let countMax: Int
    private var ids: Set<String> = []
    private var ring: [String] = []
    private var oldest = 0

    init(countMax: Int) {
        self.countMax = countMax
    }

    func contains(_ id: String) -> Bool {
        ids.contains(id)
    }

    mutating func insert(_ id: String) {
        guard ids.insert(id).inserted else { return }
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
