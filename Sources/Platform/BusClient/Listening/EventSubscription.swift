import BusContract
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle
import Synchronization

/// The requests of one exchange, handled as they come.
///
/// A delivery is known here from the moment its line is read. Until it is acknowledged its lease is extended, so
/// neither waiting for a slot nor a slow handler uses up an attempt.
final class EventSubscription: Sendable {
    private let exchange: ExchangeRules
    private let worker: EventWorker
    private let slots: WorkerSlots
    /// Deliveries read and not acknowledged.
    private let room = WorkerSlots(count: Limits.deliveriesHeldMax)
    /// The ids of the deliveries whose lease is ours.
    private let held = Mutex<Set<String>>([])

    init(exchange: ExchangeRules, worker: EventWorker) {
        self.exchange = exchange
        self.worker = worker
        slots = WorkerSlots(count: worker.settings.concurrency)
    }

    private var reopening: StreamReopening {
        StreamReopening(
            name: exchange.request, client: worker.client, settings: worker.settings.listener,
            readiness: worker.readiness, logger: worker.logger, feature: exchange.feature)
    }

    /// Streams until shutdown, or until one event with `--once`; handlers outlive the connection their event came on.
    func run() async throws {
        async let _ = extendLeases()
        async let _ = closeSlotsOnShutdown()
        try await withThrowingDiscardingTaskGroup { handlers in
            try await reopening.run { try await stream(to: &handlers) }
        }
    }

    /// Reads one connection to its end; true when that was the only event to handle.
    private func stream(to handlers: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
        // Asked on every connection, because a server may be upgraded or replaced meanwhile.
        let features = try await reopening.featuresThatKnowTheName()
        let query = StreamQuery(
            name: exchange.request, group: worker.settings.group, consumer: worker.settings.consumer,
            leaseSeconds: features.contains(.manualAck) ? worker.settings.leaseSeconds : nil)
        return try await reopening.read(query) { line in
            guard let delivery = read(line) else { return false }
            // Waiting here slows down a server that does not bound what it sends.
            _ = await room.acquire()
            if let id = delivery.id { held.withLock { _ = $0.insert(id) } }
            handlers.addTask { await self.handle(delivery) }
            return worker.settings.handlesOnce
        }
    }

    private func read(_ line: [UInt8]) -> Delivery? {
        guard let event = reopening.event(line) else { return nil }
        // A line that is an event is JSON, so the second reading cannot fail.
        let line = try? JSONValue(parsing: line)
        return Delivery(
            event: event, id: line?["deliveryId"]?.text, isFirst: line?["deliveryAttempt"]?.integer ?? 1 == 1)
    }

    private func handle(_ delivery: Delivery) async {
        var outcome = Acknowledgement.giveBack
        // A delivery without an id cannot be given back: it waits until it is handled.
        if await slots.acquire(leavingWhenClosed: delivery.id != nil) {
            outcome = await worker.handle(delivery.event, comesAgain: delivery.id != nil, isFirst: delivery.isFirst)
            await slots.release()
        }
        if let id = delivery.id { await acknowledge(id, delivery.event, outcome) }
        await room.release()
    }

    private func acknowledge(_ id: String, _ event: EventEnvelope, _ outcome: Acknowledgement) async {
        held.withLock { _ = $0.remove(id) }
        do {
            try await worker.client.acknowledge(
                group: worker.settings.group, delivery: id, outcome: outcome, within: .seconds(10))
        } catch {
            // The lease ends and the event comes again; the handler is idempotent.
            worker.logger.warning(
                "acknowledgement failed", metadata: event.logMetadata.merging(["cause": "\(error)"]) { $1 })
        }
    }

    /// On shutdown what waits for a slot goes back at once, however long the handlers under way still take.
    private func closeSlotsOnShutdown() async {
        do { try await gracefulShutdown() } catch { return }
        await slots.close()
    }

    /// Extends the leases of what is held, well before they end, until it is cancelled.
    private func extendLeases() async {
        while true {
            do {
                try await ContinuousClock().sleep(for: worker.settings.leaseExtensionInterval)
            } catch {
                return
            }
            let ids = held.withLock { Array($0) }
            if ids.isEmpty { continue }
            do {
                try await worker.client.extendLeases(
                    group: worker.settings.group, deliveries: ids, within: .seconds(10))
            } catch {
                worker.logger.warning(
                    "leases not extended", metadata: ["event.name": "\(exchange.request)", "cause": "\(error)"])
            }
        }
    }

    private struct Delivery {
        let event: EventEnvelope
        let id: String?
        let isFirst: Bool
    }
}
