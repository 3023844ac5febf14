import BusCore
import BusSQL
import Glibc

/// Which names and whose events a stream reads.
struct EventSelection: Sendable {
    /// The names asked for; empty is every name.
    let names: [EventName]
    /// Only this owner's events; nil for all.
    let owner: String?
}

/// A bounded piece of the log.
struct EventPage: Sendable {
    /// In publish order.
    let events: [StoredEvent]
    /// Where the next page starts.
    let cursor: Int64
    /// True when more events may follow at once.
    let isCut: Bool
    /// The processor time that reading it took.
    let work: Duration
}

extension EventLog {
    /// The next events after `cursor` and up to `last`, bounded in number and bytes.
    ///
    /// - Parameter isReplay: The page is probably full.
    func page(
        of selection: EventSelection, after cursor: Int64, through last: Int64 = .max,
        limit: Int = Limits.streamPageEventsMax, isReplay: Bool = false
    ) async throws -> EventPage {
        try await read(isLong: isReplay) { connection in
            let begun = ProcessorTime.ofThread
            let names = max(1, selection.names.count)
            let countMax = max(1, min(limit, Limits.streamPageEventsMax) / names)
            let bytesMax = Limits.streamPageBytesMax / names
            var events: [StoredEvent] = []
            var horizon = Int64.max
            for name in selection.names.isEmpty ? [nil] : selection.names.map(Optional.some) {
                let (found, isCut) = try EventLog.run(
                    of: name, owner: selection.owner, after: cursor, through: last, countMax: countMax,
                    bytesMax: bytesMax, connection)
                events += found
                if isCut, let newest = found.last { horizon = min(horizon, newest.sequence) }
            }
            if names > 1 {
                // Events after the end of a cut run wait for the next page, or they would overtake the rest of that run.
                events.removeAll { $0.sequence > horizon }
                events.sort { $0.sequence < $1.sequence }
            }
            return EventPage(
                events: events, cursor: events.last?.sequence ?? cursor, isCut: horizon < .max,
                work: ProcessorTime.ofThread - begun)
        }
    }

    /// Events of one name, or of all names for nil, up to a number and a size.
    static func run(
        of name: EventName?, owner: String?, after cursor: Int64, through last: Int64, countMax: Int, bytesMax: Int,
        _ connection: any SQLConnection
    ) throws -> (events: [StoredEvent], isCut: Bool) {
        var events: [StoredEvent] = []
        var bytes = 0
        var values: [SQLValue] = [.integer(cursor), .integer(last), .integer(Int64(countMax))]
        let statement: SQL
        switch (name, owner) {
        case (nil, let owner):
            statement = runOfEveryName
            values.append(.optional(owner))
        case (let name?, nil):
            statement = runOfName
            values.append(.text(name.text))
        case (let name?, let owner?):
            statement = runOfOwner
            values += [.text(name.text), .text(owner)]
        }
        try connection.each(statement, values) { row in
            let event = try StoredEvent(row)
            events.append(event)
            bytes += event.size
            return bytes < bytesMax
        }
        return (events, bytes >= bytesMax || events.count == countMax)
    }

    static let runOfName: SQL = """
        SELECT seq, envelope FROM bus_events WHERE name = $4 AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3
        """
    static let runOfOwner: SQL = """
        SELECT seq, envelope FROM bus_events
        WHERE owner = $5 AND name = $4 AND seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3
        """
    static let runOfEveryName: SQL = """
        SELECT seq, envelope FROM bus_events
        WHERE seq > $1 AND seq <= $2 AND ($4 IS NULL OR owner = $4) ORDER BY seq LIMIT $3
        """
}

/// How long a processor has worked.
private enum ProcessorTime {
    /// For the calling thread.
    static var ofThread: Duration {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    }
}
