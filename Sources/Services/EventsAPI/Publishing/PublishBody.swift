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

    static func batch(_ bytes: [UInt8]) throws -> [PublishedEvent] {
        guard bytes.isUTF8 else { throw EnvelopeFault.json(.invalidUTF8).badRequest("") }
        var events: [PublishedEvent] = []
        do {
            try bytes.withReader { reader in
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    if key == "events" { events = try members(&reader) } else { try reader.skipValue() }
                }
                try reader.finish()
            }
        } catch let fault as JSONFault {
            throw EnvelopeFault.json(fault).badRequest("")
        }
        if events.isEmpty {
            throw BusError(.badRequest, "events is missing or empty; send 1 to \(Limits.batchEventsMax) events")
        }
        return events
    }

    private static func members(_ reader: inout JSONReader) throws -> [PublishedEvent] {
        var events: [PublishedEvent] = []
        do { try reader.enterArray() } catch { throw EnvelopeFault.json(error).badRequest("events: ") }
        while true {
            let place = "event \(events.count): "
            do {
                guard try reader.nextElement() else { return events }
            } catch {
                throw EnvelopeFault.json(error).badRequest(place)
            }
            guard events.count < Limits.batchEventsMax else {
                throw EnvelopeFault.field("events, which takes at most \(Limits.batchEventsMax)").badRequest(place)
            }
            events.append(try member(&reader, place))
        }
    }

    /// Reads an event inside another document; `place` names it in errors.
    static func member(_ reader: inout JSONReader, _ place: String) throws(BusError) -> PublishedEvent {
        let start = reader.index
        var found: String??
        let envelope: EventEnvelope
        do throws(EnvelopeFault) {
            envelope = try EventEnvelope(from: &reader) { name, reader throws(JSONFault) in
                // Outside of the envelope; of repeated ones the first counts.
                guard found == nil, name == "idempotencyKey" else { return false }
                found = .some(try reader.takeNull() ? nil : reader.string())
                return true
            }
        } catch {
            throw error.badRequest(place)
        }
        if reader.index - start > Limits.eventBodyBytesMax {
            throw BusError(
                .payloadTooLarge, "\(place)it is larger than \(Limits.eventBodyBytesMax) bytes; send less")
        }
        return PublishedEvent(envelope: envelope, idempotencyKey: try checked(found ?? nil, place))
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
