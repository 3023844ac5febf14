import BusContract
import BusCore
import BusSQL
import Synchronization

/// The totally ordered, append-only log of events.
final class EventLog: Sendable {
    let database: any SQLDatabase
    private let ids: Mutex<EventIDSequence>

    private init(database: any SQLDatabase, newest: Int64) {
        self.database = database
        ids = Mutex(EventIDSequence(after: newest))
    }

    /// Migrates the tables and continues after the newest event.
    static func open(_ database: any SQLDatabase) async throws -> EventLog {
        try await database.migrate(EventSchema.name, EventSchema.migrations)
        let newest = try await database.read { try newestSequence($0) }
        return EventLog(database: database, newest: newest)
    }

    // MARK: Appending

    /// The commits of this log; a transaction goes on after the newest event, whichever process appended it.
    func makeCommits(syncsAll: Bool = false) -> GroupCommit {
        guard database.dialect.isShared else { return GroupCommit(database: database, syncsAll: syncsAll) }
        return GroupCommit(database: database, syncsAll: syncsAll) { [self] connection in
            let newest = try EventLog.newestSequence(connection)
            ids.withLock { $0.pass(newest) }
        }
    }

    /// Appends inside the caller's transaction; what it returns waits for the answers.
    ///
    /// The caller undoes it on an error.
    ///
    /// A key that was used for the same event gives the first acceptance again. For another event it is a conflict.
    func append(
        _ drafts: [StampedEvent], isBatch: Bool, at now: Timestamp, _ connection: any SQLConnection
    ) throws -> () throws -> [AcceptedEvent] {
        let begun = try drafts.map { draft in
            let id = ids.withLock { $0.next(at: now) }
            let sequence = EventIDSequence.number(of: id) ?? 0
            let line = String(decoding: draft.encoded(id: id), as: UTF8.self)
            let insertion = try connection.start(
                EventLog.insertion,
                [
                    .integer(sequence), .text(id), .text(draft.name.text), .text(draft.owner),
                    .optional(draft.correlationID), .optional(draft.idempotencyKey), .text(line),
                    .integer(now.nanoseconds),
                ])
            return (id: id, insertion: insertion)
        }
        return {
            try zip(drafts, begun).enumerated().map { index, event in
                let (draft, (id, insertion)) = event
                if try insertion.changed() > 0 {
                    return AcceptedEvent(id: id, name: draft.name, isDuplicate: false)
                }
                return try self.firstAcceptance(of: draft, at: isBatch ? index : nil, connection)
            }
        }
    }

    private func firstAcceptance(
        of draft: StampedEvent, at index: Int?, _ connection: any SQLConnection
    ) throws -> AcceptedEvent {
        let row = try connection.first(
            EventLog.lookupByKey, [.text(draft.owner), .optional(draft.idempotencyKey)])
        guard let row else { throw SQLFault.refused("an event was neither stored nor found by its key") }
        let stored = try row.readableText(2).flatMap { try? EventEnvelope(decoding: [UInt8]($0.utf8)) }
        // A damaged line cannot be compared. Its publisher repeats a publish far more often than it reuses a key.
        guard try row.text(1) == draft.name.text, stored.map({ draft.says(theSameAs: $0) }) ?? true else {
            let place = index.map { "event \($0): " } ?? ""
            throw BusError(
                .conflict, "\(place)the idempotency key was used for another event; use a new key for new content")
        }
        return AcceptedEvent(id: try row.text(0), name: draft.name, isDuplicate: true)
    }

    // MARK: Reading

    /// Reads one snapshot; a store that does not answer is `backend_unavailable`.
    ///
    /// - Parameter isLong: An index and a small bound do not keep it short, so it runs on a thread of its own.
    func read<T: Sendable>(
        isLong: Bool = false, _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        do {
            return try await isLong ? database.readLong(body) : database.read(body)
        } catch let fault as SQLFault {
            throw BusError(.backendUnavailable, "the event store cannot be read; try again shortly", cause: fault)
        }
    }

    /// The number of the newest event, or 0.
    func newest() async throws -> Int64 {
        try await read { try EventLog.newestSequence($0) }
    }

    /// Where a stream that resumes after `id` starts, or nil when that event is unknown or expired.
    func position(after id: String, owner: String?) async throws -> Int64? {
        guard let sequence = EventIDSequence.number(of: id) else { return nil }
        let found = try await read { connection in
            try connection.first("SELECT owner FROM bus_events WHERE seq = $1", [.integer(sequence)])?.text(0)
        }
        guard let found, owner == nil || owner == found else { return nil }
        return sequence
    }

    /// The id of the oldest event kept, or nil for an empty log.
    func oldestID() async throws -> String? {
        try await read { connection in
            try connection.first("SELECT id FROM bus_events ORDER BY seq LIMIT 1")?.text(0)
        }
    }

    /// The names of the events after a number, and the newest event's number.
    func namesAppended(after number: Int64) async throws -> (newest: Int64, names: [EventName]) {
        try await read { connection in
            let newest = try EventLog.newestSequence(connection)
            if newest <= number { return (number, []) }
            let rows = try connection.rows(EventLog.namesAfter, [.integer(number), .integer(newest)])
            return (newest, rows.compactMap { try? EventName($0.text(0)) })
        }
    }

    private static func newestSequence(_ connection: any SQLConnection) throws -> Int64 {
        try connection.first("SELECT seq FROM bus_events ORDER BY seq DESC LIMIT 1")?.integer(0) ?? 0
    }

    static let insertion: SQL = """
        INSERT INTO bus_events (seq, id, name, owner, correlation_id, idempotency_key, envelope, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (owner, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING
        """
    static let namesAfter: SQL = "SELECT DISTINCT name FROM bus_events WHERE seq > $1 AND seq <= $2"
    static let lookupByKey: SQL =
        "SELECT id, name, envelope FROM bus_events WHERE owner = $1 AND idempotency_key = $2"
}
