import BusContract
import BusCore
import BusSQL

/// A row of `bus_event_deliveries`.
struct DeliveryRow {
    let group: DeliveryGroup
    let sequence: Int64
    let name: String
    /// The stream that has it, or had it last.
    var holder: String
    var leaseSeconds: Int
    let firstAt: Timestamp
    var state: DeliveryState

    /// The row of an event in a group.
    static func find(
        _ sequence: Int64, in group: DeliveryGroup, _ connection: any SQLConnection
    ) throws -> DeliveryRow? {
        let row = try connection.first(selection, [.text(group.scope), .text(group.name), .integer(sequence)])
        return try row.map { row in
            var state = DeliveryState(
                attempt: Int(try row.integer(1)), isLeased: try row.integer(2) != 0,
                availableAt: Timestamp(clampingNanoseconds: try row.integer(3)))
            state.unanswered = Int(try row.integer(6))
            state.failures = Int(try row.integer(7))
            state.failingSince = try row.integerOrNil(8).map(Timestamp.init(clampingNanoseconds:))
            return DeliveryRow(
                group: group, sequence: sequence, name: try row.text(0), holder: try row.text(9),
                leaseSeconds: Int(try row.integer(4)), firstAt: Timestamp(clampingNanoseconds: try row.integer(5)),
                state: state)
        }
    }

    func requireAccess(_ mayListen: (EventName) -> Bool) throws {
        guard let name = EventName(name), mayListen(name) else {
            throw BusError(
                .forbidden, "the token lacks the scope of event \(name); use one that may listen to that event")
        }
    }

    /// Writes what has changed since the row was found.
    func store(_ connection: any SQLConnection) throws {
        try connection.run(
            DeliveryRow.update,
            [
                .text(group.scope), .text(group.name), .integer(sequence), .integer(Int64(state.attempt)),
                .integer(state.isLeased ? 1 : 0), .integer(state.availableAt.nanoseconds),
                .integer(Int64(state.unanswered)), .integer(Int64(state.failures)),
                state.failingSince.map { .integer($0.nanoseconds) } ?? .null, .integer(Int64(leaseSeconds)),
                .text(holder),
            ])
    }

    /// Adds the first claim of an event; false when the group has the event already.
    @discardableResult
    func insert(_ connection: any SQLConnection) throws -> Bool {
        try connection.run(
            DeliveryRow.insertion,
            [
                .text(group.scope), .text(group.name), .integer(sequence), .text(name),
                .integer(Int64(state.attempt)), .integer(state.isLeased ? 1 : 0),
                .integer(state.availableAt.nanoseconds), .integer(Int64(leaseSeconds)), .text(holder),
                .integer(firstAt.nanoseconds),
            ]) > 0
    }

    func remove(_ connection: any SQLConnection) throws {
        try connection.run(DeliveryRow.deletion, [.text(group.scope), .text(group.name), .integer(sequence)])
    }

    /// Removes a delivery unless it was claimed again since.
    static func remove(_ id: DeliveryID, in group: DeliveryGroup, _ connection: any SQLConnection) throws {
        try connection.run(
            claimDeletion,
            [.text(group.scope), .text(group.name), .integer(id.sequence), .integer(Int64(id.attempt))])
    }

    /// Moves the delivery to the dead letters, with what an operator needs and nothing of the payload.
    ///
    /// The columns say enough of a line that cannot be read; its source and provider stay unknown.
    func park(code: String, at now: Timestamp, _ connection: any SQLConnection) throws {
        let line = try connection.first(DeliveryRow.line, [.integer(sequence)])?.readableText(0)
        let envelope = line.flatMap { try? EventEnvelope(decoding: [UInt8]($0.utf8)) }
        try connection.run(
            DeliveryRow.parking,
            [
                .integer(sequence), .text(group.scope), .text(group.name),
                .optional(envelope?.source?.replacing("\0", with: "")), .text(code), .integer(Int64(state.attempt)),
                .integer(firstAt.nanoseconds), .integer(now.nanoseconds), .optional(envelope?.provider),
            ])
        try remove(connection)
    }

    static let selection: SQL = """
        SELECT name, attempt, is_leased, available_at, lease_seconds, first_at, unanswered, failures, failing_since,
            holder
        FROM bus_event_deliveries
        WHERE owner_scope = $1 AND group_name = $2 AND event_seq = $3
        """
    static let update: SQL = """
        UPDATE bus_event_deliveries SET attempt = $4, is_leased = $5, available_at = $6, unanswered = $7,
            failures = $8, failing_since = $9, lease_seconds = $10, holder = $11
        WHERE owner_scope = $1 AND group_name = $2 AND event_seq = $3
        """
    static let insertion: SQL = """
        INSERT INTO bus_event_deliveries (owner_scope, group_name, event_seq, name, attempt, is_leased,
            available_at, lease_seconds, holder, first_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
        """
    static let deletion: SQL = """
        DELETE FROM bus_event_deliveries WHERE owner_scope = $1 AND group_name = $2 AND event_seq = $3
        """
    static let claimDeletion = deletion + " AND attempt = $4"
    static let line: SQL = "SELECT envelope FROM bus_events WHERE seq = $1"
    static let parking: SQL = """
        INSERT INTO bus_event_dead_letters (event_seq, event_id, name, owner_scope, group_name, source, code,
            retry_count, correlation_id, first_at, last_at, provider)
        SELECT seq, id, name, $2, $3, $4, $5, $6, correlation_id, $7, $8, $9 FROM bus_events WHERE seq = $1
        """
}

extension EventEnvelope {
    /// The label of a payment company in the metadata, else in the payload.
    ///
    /// Other texts are left out, because they could hold a secret.
    fileprivate var provider: String? {
        let text = metadata["provider"] ?? (try? payload.value())?["provider"]?.text
        return text.flatMap { Labels.isFeature($0) ? $0 : nil }
    }
}
