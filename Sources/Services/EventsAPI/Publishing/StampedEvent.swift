import BusContract
import BusCore
import BusSQL

/// An event that passed every check and waits for its place in the log.
struct StampedEvent: Sendable {
    /// What happened.
    let name: EventName
    /// The publisher's token subject.
    let owner: String
    /// Makes repeating the publish harmless.
    let idempotencyKey: String?
    let correlationID: String?
    let payload: JSONText
    /// The hop that published it.
    let trace: TraceContext?
    /// Whether a power cut may take it.
    let durability: Durability
    /// The canonical envelope without its id.
    ///
    /// The log puts the id in front.
    let body: [UInt8]

    /// Stamps the owner, drops the id that a caller sent, and fills in a missing time.
    init(_ envelope: EventEnvelope, owner: String, idempotencyKey: String?, at now: Timestamp) {
        var envelope = envelope
        envelope.id = nil
        envelope.stamp(owner: owner)
        envelope.timestamp = envelope.timestamp ?? now
        name = envelope.name
        self.owner = owner
        self.idempotencyKey = idempotencyKey
        // Engines refuse U+0000 in a text column. The envelope keeps the full text.
        correlationID = envelope.correlationID.flatMap { $0.utf8.contains(0) ? nil : $0 }
        payload = envelope.payload
        trace = envelope.trace
        durability = envelope.isQuery ? .unsynced : .synced
        body = envelope.encoded()
    }

    /// The stored line.
    func encoded(id: String) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(body.count + 40)
        line.append(contentsOf: #"{"id":""#.utf8)
        line.append(contentsOf: id.utf8)
        line.append(contentsOf: #"","#.utf8)
        line.append(contentsOf: body.dropFirst())
        return line
    }

    /// True when the payload of a stored event is equal as JSON.
    func says(theSameAs stored: EventEnvelope) -> Bool {
        if stored.payload == payload { return true }
        guard let left = try? payload.value(), let right = try? stored.payload.value() else {
            return false  // Both were checked when they were read.
        }
        return left == right
    }
}

/// What the log answers for one published event.
struct AcceptedEvent: Hashable, Sendable {
    /// The event's id.
    let id: String
    /// What happened.
    let name: EventName
    /// True when an earlier publish with the same key had stored it.
    let isDuplicate: Bool
}

/// One line of the log.
struct StoredEvent: Hashable, Sendable {
    /// The number inside the event's id; grows in publish order.
    let sequence: Int64
    /// The canonical envelope, one line without its end; nil when the stored row is damaged.
    let envelope: String?

    /// The bytes of the line.
    var size: Int { envelope?.utf8.count ?? 0 }

    /// Reads the columns `seq` and `envelope`; a line that is cut off, or that is not text, counts as damaged.
    init(_ row: SQLRow) throws {
        sequence = try row.integer(0)
        let line = try row.readableText(1)
        envelope = line?.utf8.first == UInt8(ascii: "{") && line?.utf8.last == UInt8(ascii: "}") ? line : nil
    }
}
