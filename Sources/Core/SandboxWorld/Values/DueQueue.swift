/// What the clock has to do, the earliest first: advancing a month costs what happens in it, not what exists.
///
/// An entry says only when to look. Whoever takes it asks the object whether it is due.
struct DueQueue: Sendable {
    /// Whom to look at.
    enum Work: Hashable, Sendable {
        case session(String)
        case debit(session: String)
        case subscription(String)
        case schedule(String)
        case invoice(String)
        case meterErrors(meter: String)
    }

    private struct Entry: Sendable {
        let time: Int64
        let number: UInt64
        let work: Work

        /// Equal times keep the order in which they were added.
        func isBefore(_ other: Entry) -> Bool { (time, number) < (other.time, other.number) }
    }

    private var heap: [Entry] = []
    private var added: UInt64 = 0

    /// The next time at which there is something to do.
    var next: Int64? { heap.first?.time }

    mutating func add(_ work: Work, at time: Int64) {
        heap.append(Entry(time: time, number: added, work: work))
        added += 1
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// The earliest work that is due at `time`.
    mutating func take(dueAt time: Int64) -> (work: Work, time: Int64)? {
        guard let first = heap.first, first.time <= time else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return (first.work, first.time) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            if least == parent { return (first.work, first.time) }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
