import BusCore
import BusSQL

/// The record of a parked delivery for an operator, without the payload (`docs/contract/events.md, "Dead letters"`).
struct DeadLetter: Hashable, Sendable {
    /// The record's number, from 1.
    let number: Int64
    let eventID: String
    /// The number inside the event's id.
    let sequence: Int64
    let name: String
    /// The group that did not handle it.
    let group: DeliveryGroup
    /// The module that published it.
    let source: String?
    /// The payment company the event is about, where the event says so.
    let provider: String?
    /// Why it was parked.
    let code: String
    /// How often it was delivered.
    let attempts: Int
    let correlationID: String?
    /// The first claim.
    let firstAt: Timestamp
    /// The parking.
    let lastAt: Timestamp
}

/// Which dead letters to deliver again.
enum ReplaySelection: Hashable, Sendable {
    case numbers([Int64])
    case group(String, code: String?)
}

extension DeliveryLedger {
    /// A page of dead letters in the order they were parked, of one group's name or of all.
    func deadLetters(
        group: String?, after number: Int64, limit: Int
    ) async throws -> [DeadLetter] {
        try await log.read { connection in
            let page: [SQLValue] = [.integer(number), .integer(Int64(min(limit, Limits.deadLetterPageMax)))]
            let rows =
                try group.map { try connection.rows(DeadLetter.ofGroup, page + [.text($0)]) }
                ?? connection.rows(DeadLetter.all, page)
            return try rows.map(DeadLetter.init)
        }
    }

    /// Delivers dead letters again, counting attempts from one, and returns how many were found.
    func replay(_ selection: ReplaySelection) async throws -> Int {
        switch selection {
        case .numbers(let numbers):
            return try await replayChunk { connection in
                try numbers.compactMap { number in
                    try connection.first(DeadLetter.one, [.integer(number)]).map(DeadLetter.init)
                }
            }
        case .group(let group, let code):
            var total = 0
            while true {
                let count = try await replayChunk { connection in
                    let values: [SQLValue] = [.text(group), .integer(Int64(Limits.deadLetterPageMax))]
                    let rows =
                        try code.map { try connection.rows(DeadLetter.replayableByCode, values + [.text($0)]) }
                        ?? connection.rows(DeadLetter.replayable, values)
                    return try rows.map(DeadLetter.init)
                }
                total += count
                if count < Limits.deadLetterPageMax { return total }
            }
        }
    }

    private func replayChunk(
        _ find: @escaping @Sendable (any SQLConnection) throws -> [DeadLetter]
    ) async throws -> Int {
        let letters = try await commits.perform { [now] connection in
            let now = now()
            let letters = try find(connection)
            for letter in letters { try letter.redeliver(at: now, connection) }
            return letters
        }
        wakeUps.ring(Set(letters.map { .delivery($0.group, name: $0.name) }))
        return letters.count
    }
}

extension DeadLetter {
    fileprivate init(_ row: SQLRow) throws {
        number = try row.integer(0)
        eventID = try row.text(1)
        name = try row.text(2)
        group = DeliveryGroup(scope: try row.text(3), name: try row.text(4))
        source = try row.textOrNil(5)
        code = try row.text(6)
        attempts = Int(try row.integer(7))
        correlationID = try row.textOrNil(8)
        firstAt = Timestamp(clampingNanoseconds: try row.integer(9))
        lastAt = Timestamp(clampingNanoseconds: try row.integer(10))
        sequence = try row.integer(11)
        provider = try row.textOrNil(12)
    }

    fileprivate func redeliver(at now: Timestamp, _ connection: any SQLConnection) throws {
        try connection.run("DELETE FROM bus_event_dead_letters WHERE id = $1", [.integer(number)])
        let row = DeliveryRow(
            group: group, sequence: sequence, name: name, holder: "",
            leaseSeconds: Limits.leaseSecondsDefault, firstAt: firstAt,
            state: DeliveryState(attempt: 0, isLeased: false, availableAt: now))
        try row.insert(connection)
        // Its group may have ended; with a cursor it can end again.
        try connection.run(
            DeadLetter.reopenedGroup, [.text(group.scope), .text(group.name), .text(name), .integer(now.nanoseconds)])
    }

    private static let reopenedGroup: SQL = """
        INSERT INTO bus_event_group_cursors (owner_scope, group_name, name, last_seq, updated_at)
        VALUES ($1, $2, $3, 0, $4) ON CONFLICT DO NOTHING
        """

    private static let columns: SQL = """
        SELECT id, event_id, name, owner_scope, group_name, source, code, retry_count, correlation_id, first_at,
            last_at, event_seq, provider
        FROM bus_event_dead_letters
        """
    fileprivate static let one = columns + " WHERE id = $1"
    fileprivate static let all = columns + " WHERE id > $1 ORDER BY id LIMIT $2"
    fileprivate static let ofGroup = columns + " WHERE group_name = $3 AND id > $1 ORDER BY id LIMIT $2"
    fileprivate static let replayable = columns + " WHERE group_name = $1 ORDER BY id LIMIT $2"
    fileprivate static let replayableByCode =
        columns + " WHERE group_name = $1 AND code = $3 ORDER BY id LIMIT $2"
}
