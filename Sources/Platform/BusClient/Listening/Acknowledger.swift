import BusContract
import BusCore

/// Says what became of deliveries, with the responses to them, in shared calls.
final class Acknowledger: Sendable {
    private struct Pending: Sendable {
        let delivery: AcknowledgedDelivery
        let completion: @Sendable (EventsFault?) -> Void
    }

    private let client: EventsClient
    private let group: String
    private let batches: Batches<Pending>

    /// - Parameter gathering: How long a call gathers at most after one that carried several.
    init(client: EventsClient, group: String, gathering: Duration? = nil) {
        self.client = client
        self.group = group
        batches = Batches(countMax: Limits.publishQueueEventsMax, gathering: gathering)
    }

    /// Returns when the server has taken it.
    func acknowledge(_ delivery: AcknowledgedDelivery) async throws(EventsFault) {
        let fault = await withCheckedContinuation { continuation in
            let pending = Pending(delivery: delivery) { continuation.resume(returning: $0) }
            switch batches.add(pending) {
            case nil: break
            case .full:
                pending.completion(.unavailable(reason: "too much waits to be acknowledged", retryAfterSeconds: nil))
            case .stopped: pending.completion(.unavailable(reason: "the worker has stopped", retryAfterSeconds: nil))
            }
        }
        if let fault { throw fault }
    }

    /// Sends batches until the stop, then what is still queued.
    func run() async { await batches.run { await self.send($0) } }

    func stop() { batches.stop() }

    private func send(_ batch: [Pending]) async {
        switch await fault(of: batch) {
        case .rejected where batch.count > 1, .refused(status: 403, _) where batch.count > 1:
            // One that is not accepted must not take its neighbours along.
            await withDiscardingTaskGroup { group in
                for pending in batch { group.addTask { pending.completion(await self.fault(of: [pending])) } }
            }
        case let fault: for pending in batch { pending.completion(fault) }
        }
    }

    private func fault(of batch: [Pending]) async -> EventsFault? {
        do throws(EventsFault) {
            try await client.acknowledge(group: group, batch.map(\.delivery), within: .seconds(10))
            return nil
        } catch {
            return error
        }
    }
}
