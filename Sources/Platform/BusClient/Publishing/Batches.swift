import BusCore
import BusRuntime
import Synchronization

/// Gathers what many callers send into batches: while one is under way the next one gathers.
///
/// One that may gather for longer costs everybody less under a steady load (docs/decisions/0032).
final class Batches<Item: Sendable>: Sendable {
    /// Why an item was not taken.
    enum Refusal {
        case full, stopped
    }

    private let gathering: Duration?
    /// Rings when enough waits for a batch.
    private let isEnough = Signal()
    private let queue: Mutex<BatchQueue<Item>>

    /// - Parameter gathering: How long a batch gathers at most after one that carried several items.
    init(countMax: Int, gathering: Duration?) {
        self.gathering = gathering
        queue = Mutex(BatchQueue(countMax: countMax))
    }

    /// Adds an item to the next batch.
    func add(_ item: Item) -> Refusal? {
        switch queue.withLock({ $0.enqueue(item) }) {
        case .queued(let count): if count == Limits.publishBatchEventsEnough { isEnough.ring() }
        case .wake(let sender): sender.resume()
        case .full: return .full
        case .stopped: return .stopped
        }
        return nil
    }

    /// Sends batch after batch until the stop, then what is still queued.
    func run(_ send: ([Item]) async -> Void) async {
        while let batch = await next() {
            await send(batch)
            if let gathering, batch.count > 1 { _ = await isEnough.wait(atMost: gathering) }
        }
    }

    func stop() {
        isEnough.close()
        for sender in queue.withLock({ $0.stop() }) { sender.resume() }
    }

    private func next() async -> [Item]? {
        while true {
            await withCheckedContinuation { sender in
                if !queue.withLock({ $0.wait(sender) }) { sender.resume() }
            }
            guard let batch = queue.withLock({ $0.take() }) else { return nil }
            if !batch.isEmpty { return batch }
        }
    }
}
