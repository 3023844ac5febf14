import BusCore
import DequeModule

/// What waits to be sent in a batch, and the senders that wait for it: a state machine whose caller resumes and
/// completes.
struct BatchQueue<Item: Sendable> {
    typealias Sender = CheckedContinuation<[Item], Never>

    enum EnqueueResult {
        /// With so many others in all.
        case queued(count: Int)
        case wake(Sender, [Item])
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

    mutating func enqueue(_ item: Item) -> EnqueueResult {
        if isStopped { return .stopped }
        if waiting.count >= countMax { return .full }
        waiting.append(item)
        guard let sender = idleSenders.popLast() else { return .queued(count: waiting.count) }
        return .wake(sender, take())
    }

    /// The next batch, an empty one to end, or nil when the sender was put to wait.
    mutating func takeOrWait(_ sender: Sender) -> [Item]? {
        if !waiting.isEmpty { return take() }
        if isStopped { return [] }
        idleSenders.append(sender)
        return nil
    }

    /// Refuses what comes from now on, and gives the senders that wait, to be ended.
    mutating func stop() -> [Sender] {
        isStopped = true
        defer { idleSenders = [] }
        return idleSenders
    }

    private mutating func take() -> [Item] {
        let count = min(waiting.count, Limits.batchEventsMax)
        defer { waiting.removeFirst(count) }
        return Array(waiting.prefix(count))
    }
}
