import BusContract
import BusCore

/// One event of a publish request.
///
/// Its scope has not been checked yet.
struct PublishedEvent {
    let envelope: EventEnvelope
    let idempotencyKey: String?
}

/// Reads the bodies of publish requests.
enum PublishBody {
    static func single(_ bytes: [UInt8], idempotencyKey: String?) throws(BusError) -> PublishedEvent {
        let envelope: EventEnvelope
        do { envelope = try EventEnvelope(decoding: bytes) } catch { throw error.badRequest("") }
        return PublishedEvent(envelope: envelope, idempotencyKey: try checked(idempotencyKey, ""))
    }

    static func batch(_ bytes: [UInt8]) throws(BusError) -> [PublishedEvent] {
        guard bytes.isUTF8 else { throw EnvelopeFault.json(.invalidUTF8).badRequest("") }
        var events: [PublishedEvent]?
        var refusal: BusError?
        do {
            try bytes.withReader { reader throws(JSONFault) in
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    if key == "events", refusal == nil {
                        do throws(BusError) { events = try members(&reader) } catch {
                            refusal = error
                            return
                        }
                    } else {
                        try reader.skipValue()
                    }
                }
                try reader.finish()
            }
        } catch {
            throw EnvelopeFault.json(error).badRequest("")
        }
        if let refusal { throw refusal }
        guard let events, !events.isEmpty else {
            throw BusError(.badRequest, "events is missing or empty; send 1 to \(Limits.batchEventsMax) events")
        }
        return events
    }

    private static func members(_ reader: inout JSONReader) throws(BusError) -> [PublishedEvent] {
        var events: [PublishedEvent] = []
        do throws(EnvelopeFault) {
            try json { () throws(JSONFault) in try reader.enterArray() }
        } catch { throw error.badRequest("events: ") }
        while true {
            let place = "event \(events.count): "
            do throws(EnvelopeFault) {
                guard try json({ () throws(JSONFault) in try reader.nextElement() }) else { return events }
                guard events.count < Limits.batchEventsMax else {
                    throw .field("events, which takes at most \(Limits.batchEventsMax)")
                }
                let start = reader
                let envelope = try EventEnvelope(from: &reader)
                if reader.index - start.index > Limits.eventBodyBytesMax { throw .field("size") }
                let key = try json { () throws(JSONFault) in try idempotencyKey(start) }
                events.append(PublishedEvent(envelope: envelope, idempotencyKey: key))
            } catch .field("size") {
                throw BusError(
                    .payloadTooLarge, "\(place)it is larger than \(Limits.eventBodyBytesMax) bytes; send less")
            } catch {
                throw error.badRequest(place)
            }
            _ = try checked(events.last?.idempotencyKey, place)
        }
    }

    private static func json<Value>(_ body: () throws(JSONFault) -> Value) throws(EnvelopeFault) -> Value {
        do { return try body() } catch { throw .json(error) }
    }

    /// Finds the idempotency key, the one member of a batch event that is outside the envelope.
    private static func idempotencyKey(_ start: JSONReader) throws(JSONFault) -> String? {
        var reader = start
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "idempotencyKey" { return try reader.stringOrNull() }
            try reader.skipValue()
        }
        return nil
    }

    private static func checked(_ key: String?, _ place: String) throws(BusError) -> String? {
        guard let key else { return nil }
        let isPrintable = key.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        guard 1...Limits.idempotencyKeyBytesMax ~= key.utf8.count, isPrintable else {
            throw BusError(
                .badRequest,
                "\(place)the idempotency key must be 1 to \(Limits.idempotencyKeyBytesMax) printable ASCII characters")
        }
        return key
    }
}

extension EnvelopeFault {
    /// The refusal of a body; `place` names the event in a batch.
    func badRequest(_ place: String) -> BusError {
        switch self {
        case .json(let fault): BusError(.badRequest, "\(place)the body \(fault.fact); send one JSON object")
        case .name:
            BusError(
                .badRequest,
                "\(place)name is missing or invalid; use lower-case segments joined by dots, without wildcards")
        case .field(let field):
            BusError(
                .badRequest, "\(place)\(field) has a type or value that is not allowed; see docs/contract/events.md")
        }
    }
}
