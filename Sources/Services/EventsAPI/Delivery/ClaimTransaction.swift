import BusCore
import BusSQL

/// The steps of one claim inside its transaction.
struct ClaimTransaction {
    let request: ClaimRequest
    let now: Timestamp
    let connection: any SQLConnection
    private var deliveries: [Delivery] = []
    /// Deliveries that the holder may get beside those it has.
    private var room = 0
    private var bytes = 0
    private var parked = 0

    init(request: ClaimRequest, now: Timestamp, connection: any SQLConnection) {
        self.request = request
        self.now = now
        self.connection = connection
    }

    /// The answer when there is nothing to claim; nil when a transaction has something to change.
    ///
    /// One event wakes many consumers. Those that come too late must not wait for the one writer.
    mutating func emptyResult() throws -> ClaimedDeliveries? {
        try countRoom()
        if hasRoom {
            for name in request.names where try hasDue(name) || hasNew(name) { return nil }
        }
        return try result()
    }

    mutating func run() throws {
        try countRoom()
        // Parked deliveries take no room. Each round leaves fewer, and one transaction parks a page at most.
        for name in request.names { while hasRoom, !isCut, try claimDue(name) {} }
        // Here every round moves the cursor.
        for name in request.names { while hasRoom, !isCut, try claimNew(name) {} }
    }

    private mutating func countRoom() throws {
        let held = try connection.first(
            ClaimTransaction.heldCount, groupValues + [.text(request.holder), .integer(now.nanoseconds)])
        room = request.inFlightMax - Int(try held?.integer(0) ?? 0)
    }

    private func hasDue(_ name: EventName) throws -> Bool {
        let values = groupValues + [.text(name.text), .integer(now.nanoseconds)]
        return try connection.first(ClaimTransaction.anyDue, values) != nil
    }

    private func hasNew(_ name: EventName) throws -> Bool {
        let values: [SQLValue] = [.text(name.text), .integer(try position(name))]
        guard let owner = request.group.owner else {
            return try connection.first(ClaimTransaction.anyNew, values) != nil
        }
        return try connection.first(ClaimTransaction.anyNewOfOwner, values + [.text(owner)]) != nil
    }

    /// The newest event the group has seen of a name; a new group starts at the oldest one kept.
    private func position(_ name: EventName) throws -> Int64 {
        try connection.first(ClaimTransaction.cursor, groupValues + [.text(name.text)])?.integer(0) ?? 0
    }

    func result() throws -> ClaimedDeliveries {
        var nextAt: Timestamp? = isCut ? now : nil
        for name in request.names {
            let row = try connection.first(
                ClaimTransaction.nextAvailable, groupValues + [.text(name.text), .integer(now.nanoseconds)])
            guard let next = try row?.integerOrNil(0) else { continue }
            nextAt = min(nextAt ?? Timestamp(clampingNanoseconds: next), Timestamp(clampingNanoseconds: next))
        }
        return ClaimedDeliveries(
            deliveries: deliveries.sorted { $0.id.sequence < $1.id.sequence }, nextAt: nextAt,
            isCut: isCut || (room > 0 && !hasRoom), isFull: room <= 0)
    }

    private var groupValues: [SQLValue] { [.text(request.group.scope), .text(request.group.name)] }
    private var isCut: Bool { parked >= Limits.streamPageEventsMax }
    private var hasRoom: Bool { roomNow > 0 && bytes < Limits.streamPageBytesMax }
    /// Deliveries that this claim may still take.
    private var roomNow: Int { min(room, request.countMax - deliveries.count) }

    /// One round of events whose lease or wait is over; true when some were parked instead of delivered.
    private mutating func claimDue(_ name: EventName) throws -> Bool {
        var due: [StoredEvent] = []
        let values = groupValues + [.text(name.text), .integer(now.nanoseconds), .integer(Int64(roomNow))]
        var size = bytes
        try connection.each(ClaimTransaction.due, values) { row in
            let event = try StoredEvent(row)
            due.append(event)
            size += event.size
            return size < Limits.streamPageBytesMax
        }
        let parkedBefore = parked
        for event in due {
            guard var row = try DeliveryRow.find(event.sequence, in: request.group, connection) else { continue }
            switch row.state.claiming(leaseSeconds: request.leaseSeconds, at: now) {
            case .notYet: break
            case .park(let code): try park(row, code: code)
            case .deliver(let state):
                // The first delivery goes out unread. When nobody answers it, the line itself may be the reason.
                guard let envelope = event.envelope, !row.state.isLeased || event.isReadable else {
                    try park(row, code: DeliveryState.malformed)
                    continue
                }
                row.state = state
                row.holder = request.holder
                row.leaseSeconds = request.leaseSeconds
                try row.store(connection)
                add(envelope, DeliveryID(sequence: event.sequence, attempt: state.attempt))
            }
        }
        return parked > parkedBefore
    }

    /// One round of events behind the group's cursor; true when some of them were not delivered.
    private mutating func claimNew(_ name: EventName) throws -> Bool {
        let deliveredBefore = deliveries.count
        let (events, _) = try EventLog.run(
            of: name, owner: request.group.owner, after: try position(name), through: .max, countMax: roomNow,
            bytesMax: Limits.streamPageBytesMax - bytes, connection)
        guard let last = events.last else { return false }
        for event in events {
            let lease = now.advanced(bySeconds: Int64(request.leaseSeconds))
            var row = DeliveryRow(
                group: request.group, sequence: event.sequence, name: name.text, holder: request.holder,
                leaseSeconds: request.leaseSeconds, firstAt: now,
                state: DeliveryState(attempt: 1, isLeased: true, availableAt: lease))
            guard let envelope = event.envelope else {
                row.state.attempt = 0
                try park(row, code: DeliveryState.malformed)
                continue
            }
            // A replayed dead letter of a group that had ended may have a row already.
            guard try row.insert(connection) else { continue }
            add(envelope, DeliveryID(sequence: event.sequence, attempt: 1))
        }
        try connection.run(
            ClaimTransaction.advance,
            groupValues + [.text(name.text), .integer(last.sequence), .integer(now.nanoseconds)])
        return deliveries.count - deliveredBefore < events.count
    }

    private mutating func park(_ row: DeliveryRow, code: String) throws {
        try row.park(code: code, at: now, connection)
        parked += 1
    }

    private mutating func add(_ envelope: String, _ id: DeliveryID) {
        deliveries.append(Delivery(id: id, envelope: envelope))
        room -= 1
        bytes += envelope.utf8.count
    }
}

extension StoredEvent {
    fileprivate var isReadable: Bool {
        envelope.map { (try? EventEnvelope(decoding: [UInt8]($0.utf8))) != nil } ?? false
    }
}

extension ClaimTransaction {
    static let heldCount: SQL = """
        SELECT count(*) FROM bus_event_deliveries
        WHERE owner_scope = $1 AND group_name = $2 AND holder = $3 AND available_at > $4 AND is_leased = 1
        """
    static let due: SQL = """
        SELECT d.event_seq, e.envelope FROM bus_event_deliveries d JOIN bus_events e ON e.seq = d.event_seq
        WHERE d.owner_scope = $1 AND d.group_name = $2 AND d.name = $3 AND d.available_at <= $4
        ORDER BY d.available_at LIMIT $5
        """
    static let anyDue: SQL = """
        SELECT 1 FROM bus_event_deliveries
        WHERE owner_scope = $1 AND group_name = $2 AND name = $3 AND available_at <= $4 LIMIT 1
        """
    static let anyNew: SQL = "SELECT 1 FROM bus_events WHERE name = $1 AND seq > $2 LIMIT 1"
    static let anyNewOfOwner: SQL = "SELECT 1 FROM bus_events WHERE owner = $3 AND name = $1 AND seq > $2 LIMIT 1"
    static let nextAvailable: SQL = """
        SELECT min(available_at) FROM bus_event_deliveries
        WHERE owner_scope = $1 AND group_name = $2 AND name = $3 AND available_at > $4
        """
    static let cursor: SQL = """
        SELECT last_seq FROM bus_event_group_cursors WHERE owner_scope = $1 AND group_name = $2 AND name = $3
        """
    static let advance: SQL = """
        INSERT INTO bus_event_group_cursors (owner_scope, group_name, name, last_seq, updated_at)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (owner_scope, group_name, name)
        DO UPDATE SET last_seq = excluded.last_seq, updated_at = excluded.updated_at
        """
}
