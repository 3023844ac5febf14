import BusCore
import Testing

@testable import BusSQL

/// Which changes share a batch, and what comes after it.
struct CommitQueueTests {
    private func opened() -> Bench {
        let queue = Bench()
        #expect(!queue.open(), "nothing waits yet")
        return queue
    }

    /// A queue whose changes of state can be expected.
    private final class Bench {
        private(set) var queue = CommitQueue<Int>()

        func open() -> Bool { queue.open() }
        func enqueue(
            _ change: Int, _ durability: Durability = .synced, events: Int = 1, bytes: Int = 0
        ) -> CommitQueue<Int>.Arrival {
            queue.enqueue(change, durability, events: events, bytes: bytes)
        }
        func enqueueTrial(_ change: Int) -> CommitQueue<Int>.Arrival { queue.enqueueTrial(change) }
        func takeBatch() -> [Int] { queue.takeBatch() }
        func finish(failed: Bool) -> (changes: [Int], next: CommitQueue<Int>.Next) { queue.finish(failed: failed) }
        func close() { queue.close() }
    }

    @Test func nothingIsWrittenBeforeItIsOpen() {
        let queue = Bench()
        #expect(queue.enqueue(1) == .waits)
        #expect(queue.enqueue(2) == .waits)
        #expect(queue.open())
        #expect(queue.takeBatch() == [1, 2])
    }

    @Test func whatComesDuringABatchFormsTheNextOne() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.takeBatch() == [1])
        #expect(queue.enqueue(2) == .waits)
        #expect(queue.enqueue(3) == .waits)
        #expect(queue.queue.batch == [1], "the batch under way stays as it is")
        let first = queue.finish(failed: false)
        #expect(first.changes == [1] && first.next == .batch)
        #expect(queue.takeBatch() == [2, 3])
        #expect(queue.finish(failed: false).next == .rest)
        #expect(queue.enqueue(4) == .starts)
    }

    @Test func whatComesBetweenTheStartAndTheTakingGoesAlong() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.enqueue(2) == .waits)
        #expect(queue.takeBatch() == [1, 2])
    }

    @Test func oneChangeThatNeedsASyncSyncsItsWholeBatch() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.queue.durability == .synced)
        _ = queue.takeBatch()
        for (change, durability) in [(2, Durability.unsynced), (3, .synced), (4, .unsynced)] {
            #expect(queue.enqueue(change, durability) == .waits)
        }
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.queue.durability == .synced)
        #expect(queue.takeBatch() == [2, 3, 4])
        #expect(queue.finish(failed: false).next == .rest)
    }

    @Test func aBatchWithoutASyncEndsBeforeAChangeThatNeedsOne() {
        let queue = opened()
        #expect(queue.enqueue(1, .unsynced) == .starts)
        for (change, durability) in [(2, Durability.unsynced), (3, .synced), (4, .unsynced)] {
            #expect(queue.enqueue(change, durability) == .waits)
        }
        #expect(queue.queue.durability == .unsynced, "it was settled when the batch started")
        #expect(queue.takeBatch() == [1, 2])
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.queue.durability == .synced)
        #expect(queue.takeBatch() == [3, 4])
        #expect(queue.enqueue(5, .unsynced) == .waits)
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.queue.durability == .unsynced, "nothing that waits needs a sync")
    }

    @Test func aBatchHasABoundAndTakesALargeChangeAlone() {
        let queue = opened()
        let half = Limits.appendCommitEventsMax / 2
        #expect(queue.enqueue(1, events: 3 * half) == .starts)
        for change in 2...4 { #expect(queue.enqueue(change, events: half) == .waits) }
        #expect(queue.takeBatch() == [1])
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.takeBatch() == [2, 3])
        #expect(queue.queue.waitingEvents == half)
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.takeBatch() == [4])
        #expect(queue.queue.waitingEvents == 0)
    }

    @Test func whatWaitsIsBoundedInEventsAndBytes() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.takeBatch() == [1])
        #expect(queue.enqueue(2, events: Limits.appendQueueEventsMax) == .waits)
        #expect(queue.enqueue(3) == .full)
        _ = queue.finish(failed: false)
        #expect(queue.takeBatch() == [2])
        #expect(queue.enqueue(4, bytes: Limits.appendQueueBytesMax) == .waits)
        #expect(queue.enqueue(5, bytes: 1) == .full)
        _ = queue.finish(failed: false)
        #expect(queue.takeBatch() == [4])
        #expect(queue.enqueue(6, bytes: Limits.appendQueueBytesMax) == .waits, "taking gives the bytes back")
    }

    @Test func aFailureLastsUntilABatchSucceedsAndIsTriedOnce() {
        let queue = opened()
        #expect(queue.enqueueTrial(0) == .waits, "nothing has failed")
        #expect(queue.enqueue(1) == .starts)
        _ = queue.takeBatch()
        #expect(queue.finish(failed: true).changes == [1])
        #expect(queue.queue.isFailing)
        #expect(queue.enqueueTrial(0) == .starts)
        #expect(queue.enqueueTrial(0) == .waits, "one is under way")
        #expect(queue.takeBatch() == [0])
        _ = queue.finish(failed: false)
        #expect(!queue.queue.isFailing)
        #expect(queue.enqueueTrial(0) == .waits)
    }

    @Test func aTransactionThatDoesNotBeginFailsWhatWaitsForIt() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.enqueue(2) == .waits)
        let end = queue.finish(failed: true)
        #expect(end.changes == [1, 2] && end.next == .rest)
    }

    @Test func closedItTakesNothingAndWritesWhatWaits() {
        let queue = opened()
        #expect(queue.enqueue(1) == .starts)
        #expect(queue.takeBatch() == [1])
        #expect(queue.enqueue(2) == .waits)
        queue.close()
        #expect(!queue.queue.hasEnded)
        #expect(queue.enqueue(3) == .closed)
        #expect(queue.finish(failed: false).next == .batch)
        #expect(queue.takeBatch() == [2])
        #expect(!queue.queue.hasEnded)
        #expect(queue.finish(failed: true).next == .end)
        #expect(queue.queue.hasEnded)
    }
}
