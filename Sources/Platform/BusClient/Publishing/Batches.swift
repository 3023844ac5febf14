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
    private let fastCount: Int
    private let quiet: Duration
    /// Rings when enough may wait for a batch.
    private let isEnough = Signal()
    private let queue: Mutex<BatchQueue<Item>>

    /// - Parameters:
    ///   - gathering: How long a batch gathers at most after one that carried several items.
    ///   - fastCount: So many items end it when they come as fast as the batch before took.
    ///   - quiet: Time in which nothing came that ends it.
    init(
        countMax: Int, gathering: Duration?, fastCount: Int = Limits.batchEventsEnough,
        quiet: Duration = .milliseconds(Limits.gatherQuietMilliseconds)
    ) {
        self.gathering = gathering
        self.fastCount = fastCount
        self.quiet = quiet
        queue = Mutex(BatchQueue(countMax: countMax))
    }

    /// Adds an item to the next batch.
    func add(_ item: Item) -> Refusal? {
        switch queue.withLock({ $0.enqueue(item) }) {
        case .queued(let count): if count == fastCount || count == Limits.batchEventsEnough { isEnough.ring() }
        case .wake(let sender): sender.resume()
        case .full: return .full
        case .stopped: return .stopped
        }
        return nil
    }

    /// Sends batch after batch until the stop, then what is still queued.
    func run(_ send: ([Item]) async -> Void) async {
        /// How long the batch before took, when it carried several.
        var before: Duration?
        while true {
            await waitForItem()
            if let gathering, let before { await gather(after: before, atMost: gathering) }
            guard let batch = queue.withLock({ $0.take() }) else { return }
            if batch.isEmpty { continue }
            let begun = ContinuousClock.now
            await send(batch)
            before = batch.count > 1 ? .now - begun : nil
        }
    }

    private func waitForItem() async {
        await withCheckedContinuation { sender in
            if !queue.withLock({ $0.wait(sender) }) { sender.resume() }
        }
    }

    private func gather(after batchTook: Duration, atMost longest: Duration) async {
        var gathering = Gathering(
            waiting: queue.withLock { $0.count }, after: batchTook, fastCount: fastCount, atMost: longest, quiet: quiet,
            now: .now)
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
}
