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
    private let room: WorkerSlots
    private let heldMax: Int
    /// The ids of the deliveries whose lease is ours.
    private let held = Mutex<Set<String>>([])

    init(exchange: ExchangeRules, worker: EventWorker) {
        self.exchange = exchange
        self.worker = worker
        let concurrency = worker.settings.concurrency(of: exchange)
        slots = WorkerSlots(count: concurrency)
        heldMax = concurrency * Limits.deliveriesHeldPerSlot
        room = WorkerSlots(count: heldMax)
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
            lease: features.contains(.manualAck)
                ? StreamQuery.Lease(seconds: worker.settings.leaseSeconds, heldMax: heldMax) : nil)
        return try await reopening.read(query) { line in
            guard let delivery = read(line, canReply: features.contains(.reply)) else { return false }
            // Waiting here slows down a server that does not bound what it sends.
            _ = await room.acquire()
            if let id = delivery.id { held.withLock { _ = $0.insert(id) } }
            handlers.addTask {
                await Trace.$current.withValue(Trace.hop(after: delivery.event.trace)) { await self.handle(delivery) }
            }
            return worker.settings.handlesOnce
        }
    }

    private func read(_ line: [UInt8], canReply: Bool) -> Delivery? {
        // What the line says about its delivery, beside the event.
        var id: String?
        var attempt: Int64 = 1
        let event = reopening.event(line) { key, reader throws(JSONFault) in
            if key == "deliveryId" {
                id = try JSONValue(from: &reader).text
            } else if key == "deliveryAttempt" {
                attempt = try JSONValue(from: &reader).integer ?? 1
            } else {
                return false
            }
            return true
        }
        return event.map { Delivery(event: $0, id: id, isFirst: attempt == 1, canReply: canReply && id != nil) }
    }

    private func handle(_ delivery: Delivery) async {
        var settlement = Settlement(.giveBack)
        // A delivery without an id cannot be given back: it waits until it is handled.
        if await slots.acquire(leavingWhenClosed: delivery.id != nil) {
            settlement = await worker.handle(
                delivery.event, comesAgain: delivery.id != nil, isFirst: delivery.isFirst,
                canReply: delivery.canReply)
            slots.release()
        }
        if let id = delivery.id {
            await worker.settle(id, delivery.event, settlement, inSharedCall: delivery.canReply)
            held.withLock { _ = $0.remove(id) }
        }
        room.release()
    }

    /// On shutdown what waits for a slot goes back at once, however long the handlers under way still take.
    private func closeSlotsOnShutdown() async {
        do { try await gracefulShutdown() } catch { return }
        slots.close()
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
        /// The server publishes a response together with its acknowledgement.
        let canReply: Bool
    }
}
