import BusCore
import BusLoops
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
    private let quiet: Duration
    /// Rings when enough waits for a batch.
    private let isEnough = Signal()
    private let queue: Mutex<BatchQueue<Item>>

    /// - Parameters:
    ///   - gathering: How long a batch gathers at most after one that carried several items.
    ///   - quiet: Time in which nothing came that ends it.
    init(
        countMax: Int, gathering: Duration?, quiet: Duration = .milliseconds(Limits.gatherQuietMilliseconds)
    ) {
        self.gathering = gathering
        self.quiet = quiet
        queue = Mutex(BatchQueue(countMax: countMax))
    }

    /// Adds an item to the next batch.
    func add(_ item: Item) -> Refusal? {
        switch queue.withLock({ $0.enqueue(item) }) {
        case .queued(let count): if count == Limits.batchEventsEnough { isEnough.ring() }
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
            if let gathering, batch.count > 1 { await gather(atMost: gathering) }
        }
    }

    private func gather(atMost longest: Duration) async {
        var gathering = Gathering(waiting: queue.withLock { $0.count }, atMost: longest, quiet: quiet, now: .now)
        while !isEnough.isClosed, !Task.isCancelled,
            let pause = gathering.pause(waiting: queue.withLock { $0.count }, now: .now)
        {
            await isEnough.waitOnLoop(atMost: pause)
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
