import BusCore
import DequeModule

/// The changes that wait for a commit: a state machine whose caller writes, and answers who waits.
struct CommitQueue<Change> {
    /// What becomes of a new change.
    enum Arrival: Hashable {
        /// A batch is under way, or nothing is committed yet.
        case waits
        /// The caller writes a batch now.
        case starts
        /// Too much waits already.
        case full
        /// Nothing is taken any more.
        case closed
    }

    /// What comes after a batch.
    enum Next: Hashable {
        case batch, rest
        /// It was the last one.
        case end
    }

    private struct Entry {
        let change: Change
        let durability: Durability
        let events: Int
        let bytes: Int
    }

    private enum Phase {
        case unopened, open, closed
    }

    private var phase = Phase.unopened
    private var waiting: Deque<Entry> = []
    private var waitingBytes = 0
    private var waitingSynced = 0
    private var isWriting = false
    /// The events that wait for a batch.
    private(set) var waitingEvents = 0
    /// The batch under way.
    private(set) var batch: [Change] = []
    /// How the batch under way is committed.
    ///
    /// It is settled when the batch starts, because a database cannot change it inside a transaction.
    private(set) var durability = Durability.synced
    /// True from a failed batch to the next one that succeeds.
    private(set) var isFailing = false

    /// True when nothing waits and nothing will come.
    var hasEnded: Bool { phase == .closed && !isWriting && waiting.isEmpty }

    /// Lets batches begin; true when the caller writes one now.
    mutating func open() -> Bool {
        if phase == .unopened { phase = .open }
        return startIfNeeded()
    }

    /// Adds a change.
    mutating func enqueue(
        _ change: Change, _ durability: Durability = .synced, events: Int, bytes: Int
    ) -> Arrival {
        guard phase != .closed else { return .closed }
        guard waitingEvents + events <= Limits.appendQueueEventsMax,
            waitingBytes + bytes <= Limits.appendQueueBytesMax
        else { return .full }
        waiting.append(Entry(change: change, durability: durability, events: events, bytes: bytes))
        if durability == .synced { waitingSynced += 1 }
        waitingEvents += events
        waitingBytes += bytes
        return startIfNeeded() ? .starts : .waits
    }

    /// Adds a trial after a failed batch, unless something else will show whether batches succeed again.
    mutating func enqueueTrial(_ change: Change) -> Arrival {
        guard isFailing, waiting.isEmpty, !isWriting else { return .waits }
        return enqueue(change, events: 1, bytes: 0)
    }

    /// Takes the next batch: what waits, up to a number of events, and one change at least.
    ///
    /// A batch without a sync ends before a change that needs one, which came after the start.
    mutating func takeBatch() -> [Change] {
        var events = 0
        batch = []
        while let entry = waiting.first, batch.isEmpty || events + entry.events <= Limits.appendCommitEventsMax,
            durability == .synced || entry.durability == .unsynced
        {
            waiting.removeFirst()
            if entry.durability == .synced { waitingSynced -= 1 }
            events += entry.events
            waitingBytes -= entry.bytes
            batch.append(entry.change)
        }
        waitingEvents -= events
        return batch
    }

    /// Ends the batch; returns its changes and what comes next.
    ///
    /// One that failed before it was taken fails with what waits for it.
    mutating func finish(failed: Bool) -> (changes: [Change], next: Next) {
        let changes = batch.isEmpty && failed ? takeBatch() : batch
        batch = []
        isFailing = failed
        isWriting = false
        return (changes, startIfNeeded() ? .batch : hasEnded ? .end : .rest)
    }

    /// Takes nothing any more; what waits is still written.
    mutating func close() {
        phase = .closed
    }

    private mutating func startIfNeeded() -> Bool {
        guard phase != .unopened, !isWriting, !waiting.isEmpty else { return false }
        isWriting = true
        durability = waitingSynced > 0 ? .synced : .unsynced
        return true
    }
}
