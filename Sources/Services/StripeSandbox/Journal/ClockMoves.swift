import BusCore

/// How far the world's clock has been ahead of the machine's, and since when.
package struct ClockMoves: Hashable, Sendable {
    /// Somebody moved the clock.
    package struct Move: Hashable, Sendable {
        /// When, by the machine's clock.
        package let at: Timestamp
        /// Seconds that it was ahead before.
        package let before: Int64
        /// Seconds that it is ahead since.
        package fileprivate(set) var after: Int64
        fileprivate var end: Timestamp

        /// The world's time before it.
        package var from: Timestamp { at.advanced(bySeconds: before) }
        /// The world's time after it.
        package var to: Timestamp { at.advanced(bySeconds: after) }
    }

    /// Oldest first.
    package private(set) var all: [Move] = []

    /// A clock that nobody has moved.
    package init() {}

    /// Notes how far the clock is ahead from a moment on.
    ///
    /// A long way is gone day by day, so what follows at once belongs to the same move.
    mutating func add(secondsAhead after: Int64, at machine: Timestamp) {
        let before = all.last?.after ?? 0
        guard after != before else { return }
        if let last = all.last, machine.nanoseconds - last.end.nanoseconds < 1_000_000_000 {
            all[all.count - 1].after = after
            all[all.count - 1].end = machine
        } else {
            all.append(Move(at: machine, before: before, after: after, end: machine))
        }
        if all.count > Limits.sandboxClockMovesKept { all.removeFirst() }
    }

    /// The world's time at a moment of the machine's clock.
    package func worldTime(at machine: Timestamp) -> Timestamp {
        let ahead = all.last { $0.at <= machine }?.after ?? all.first?.before ?? 0
        return machine.advanced(bySeconds: ahead)
    }

    /// The move that passed over a moment of the world's time.
    package func move(over worldTime: Timestamp) -> Move? { all.last { $0.from < worldTime && worldTime <= $0.to } }
}
