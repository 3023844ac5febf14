import BusCore
import DequeModule

/// What waits to be sent in a batch, and the senders that wait for it: a state machine whose caller resumes and
/// completes.
///
/// A sender that is woken takes its batch when it runs, so that it carries whatever waits by then.
struct BatchQueue<Item: Sendable> {
    typealias Sender = CheckedContinuation<Void, Never>

    enum EnqueueResult {
        /// With so many others in all.
        case queued(count: Int)
        case wake(Sender)
        case full
        case stopped
    }

    private let countMax: Int
    private var waiting: Deque<Item> = []
    private var idleSenders: [Sender] = []
    private var isStopped = false

    init(countMax: Int) {
        self.countMax = countMax
    }

    /// How many items wait.
    var count: Int { waiting.count }

    mutating func enqueue(_ item: Item) -> EnqueueResult {
        if isStopped { return .stopped }
        if waiting.count >= countMax { return .full }
        waiting.append(item)
        return idleSenders.popLast().map { .wake($0) } ?? .queued(count: waiting.count)
    }

    /// Puts a sender to wait; false when there is something to take, or to end for.
    mutating func wait(_ sender: Sender) -> Bool {
        if !waiting.isEmpty || isStopped { return false }
        idleSenders.append(sender)
        return true
    }

    /// The next batch, an empty one when another sender took it, or nil to end.
    mutating func take() -> [Item]? {
        if waiting.isEmpty, isStopped { return nil }
        let count = min(waiting.count, Limits.batchEventsMax)
        defer { waiting.removeFirst(count) }
        return Array(waiting.prefix(count))
    }

    /// Refuses what comes from now on, and gives the senders that wait, to be ended.
    mutating func stop() -> [Sender] {
        isStopped = true
        defer { idleSenders = [] }
        return idleSenders
    }
}
