import BusCore
import BusRuntime
import Logging

/// The requests of one name, handled as they come (bus.md D-22).
struct EventSubscription {
    let name: EventName
    let worker: EventWorker

    private var reopening: StreamReopening {
        StreamReopening(
            name: name, client: worker.client, settings: worker.settings.listener, readiness: worker.readiness,
            logger: worker.logger)
    }

    /// Streams until shutdown, or until one event with `--once`; handlers outlive the connection their event came on.
    func run() async throws {
        try await withThrowingDiscardingTaskGroup { handlers in
            try await reopening.run { try await stream(to: &handlers) }
        }
    }

    /// Reads one connection to its end; true when that was the only event to handle.
    private func stream(to handlers: inout ThrowingDiscardingTaskGroup<any Error>) async throws -> Bool {
        let query = StreamQuery(
            name: name, group: worker.settings.group, consumer: worker.settings.consumer,
            acknowledges: try await serverAcknowledges())
        return try await reopening.read(query) { line in
            guard let delivery = read(line) else { return false }
            // Waiting for a free handler here is what slows the server down when we are busy.
            await worker.slots.acquire()
            handlers.addTask { await handle(delivery) }
            return worker.settings.handlesOnce
        }
    }

    /// Detected on every connection, because a server may be upgraded or replaced meanwhile.
    private func serverAcknowledges() async throws(EventsFault) -> Bool {
        do {
            return try await worker.client.features(within: .seconds(5)).contains("manual-ack")
        } catch .unavailable(let reason, let retryAfterSeconds) {
            // Guessing now would leave a whole connection, days perhaps, without acknowledgements.
            throw .unavailable(reason: reason, retryAfterSeconds: retryAfterSeconds)
        } catch {
            // A server without the document has no acknowledgements either.
            return false
        }
    }

    private func read(_ line: [UInt8]) -> Delivery? {
        // A line that is an event is JSON, so the second reading cannot fail.
        reopening.event(line).map { Delivery(event: $0, id: (try? JSONValue(parsing: line))?["deliveryId"]?.text) }
    }

    private func handle(_ delivery: Delivery) async {
        let outcome = await worker.handle(delivery.event, comesAgain: delivery.id != nil)
        await worker.slots.release()
        guard let id = delivery.id else { return }
        do {
            try await worker.client.acknowledge(
                group: worker.settings.group, delivery: id, outcome: outcome, within: .seconds(10))
        } catch {
            // The lease ends and the event comes again; the handler is idempotent.
            var metadata = EventWorker.metadata(delivery.event)
            metadata["cause"] = "\(error)"
            worker.logger.warning("acknowledgement failed", metadata: metadata)
        }
    }

    private struct Delivery {
        let event: EventEnvelope
        let id: String?
    }
}
