import BusContract
import BusCore
import Synchronization

/// Says what became of deliveries, with the responses to them, in shared calls: while one is under way the next one
/// gathers.
final class Acknowledger: Sendable {
    private struct Pending: Sendable {
        let delivery: AcknowledgedDelivery
        let completion: @Sendable (EventsFault?) -> Void
    }

    private let client: EventsClient
    private let group: String
    private let queue = Mutex(BatchQueue<Pending>(countMax: Limits.publishQueueEventsMax))

    init(client: EventsClient, group: String) {
        self.client = client
        self.group = group
    }

    /// Returns when the server has taken it.
    func acknowledge(_ delivery: AcknowledgedDelivery) async throws(EventsFault) {
        let fault = await withCheckedContinuation { continuation in
            let pending = Pending(delivery: delivery) { continuation.resume(returning: $0) }
            switch queue.withLock({ $0.enqueue(pending) }) {
            case .queued: break
            case .wake(let sender, let batch): sender.resume(returning: batch)
            case .full:
                pending.completion(.unavailable(reason: "too much waits to be acknowledged", retryAfterSeconds: nil))
            case .stopped: pending.completion(.unavailable(reason: "the worker has stopped", retryAfterSeconds: nil))
            }
        }
        if let fault { throw fault }
    }

    /// Sends batches until the stop, then what is still queued.
    func run() async {
        while true {
            let batch = await withCheckedContinuation { sender in
                if let batch = queue.withLock({ $0.takeOrWait(sender) }) { sender.resume(returning: batch) }
            }
            if batch.isEmpty { return }
            await send(batch)
        }
    }

    func stop() {
        for sender in queue.withLock({ $0.stop() }) { sender.resume(returning: []) }
    }

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
