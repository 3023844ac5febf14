import BusContract
import BusCore

/// An entry of an acknowledgement or lease request.
struct DeliveryEntry {
    /// A text that was never an id is nil and counts as unknown.
    let id: DeliveryID?
    let outcome: DeliveryOutcome?
    /// The answer to publish with it.
    let reply: PublishedEvent?
}

/// Reads the bodies of acknowledgement, lease and replay requests.
struct DeliveryBody {
    let group: String
    let entries: [DeliveryEntry]

    init(_ bytes: [UInt8], haveOutcomes: Bool) throws {
        guard bytes.isUTF8 else { throw EnvelopeFault.json(.invalidUTF8).badRequest("") }
        var group: String?
        var entries: [DeliveryEntry] = []
        do {
            try bytes.withReader { reader in
                try reader.enterObject()
                while let key = try reader.nextKey() {
                    if key == "group" {
                        group = try JSONValue(from: &reader).text
                    } else if key == "deliveries" {
                        entries = try DeliveryBody.entries(&reader, haveOutcomes)
                    } else {
                        try reader.skipValue()
                    }
                }
                try reader.finish()
            }
        } catch let fault as JSONFault {
            throw EnvelopeFault.json(fault).badRequest("")
        }
        guard let group, Labels.isGroup(group) else {
            throw BusError(.badRequest, "group is missing or invalid; send the group of the stream")
        }
        if entries.isEmpty { throw DeliveryBody.length }
        self.group = group
        self.entries = entries
    }

    private static let length = BusError(
        .badRequest, "deliveries is missing or too long; send 1 to \(Limits.batchEventsMax)")

    private static func entries(_ reader: inout JSONReader, _ haveOutcomes: Bool) throws -> [DeliveryEntry] {
        guard try reader.peek() == .array else { throw length }
        try reader.enterArray()
        var entries: [DeliveryEntry] = []
        while try reader.nextElement() {
            if entries.count == Limits.batchEventsMax { throw length }
            entries.append(try entry(&reader, "delivery \(entries.count): ", haveOutcomes))
        }
        return entries
    }

    private static func entry(
        _ reader: inout JSONReader, _ place: String, _ hasOutcome: Bool
    ) throws -> DeliveryEntry {
        var members: [String: JSONValue] = [:]
        var reply: PublishedEvent?
        guard try reader.peek() == .object else {
            throw BusError(.badRequest, "\(place)id is missing; send the line's deliveryId")
        }
        try reader.enterObject()
        while let key = try reader.nextKey() {
            if key == "reply" {
                reply = try PublishBody.member(&reader, "\(place)reply: ")
            } else {
                members[try key.text()] = try JSONValue(from: &reader)
            }
        }
        guard let id = members["id"]?.text else {
            throw BusError(.badRequest, "\(place)id is missing; send the line's deliveryId")
        }
        let outcome = hasOutcome ? try self.outcome(members, place) : nil
        if reply != nil, outcome != .done {
            throw BusError(.badRequest, "\(place)reply goes with the outcome done only; publish it by itself")
        }
        return DeliveryEntry(id: DeliveryID(id), outcome: outcome, reply: reply)
    }

    private static func outcome(_ members: [String: JSONValue], _ place: String) throws(BusError) -> DeliveryOutcome {
        var code: String?
        if let value = members["code"] {
            guard let text = value.text, DeliveryBody.isCode(text) else {
                throw BusError(
                    .badRequest, "\(place)code is invalid; use up to 64 letters, digits and underscores")
            }
            code = text
        }
        var delay: Int?
        if let value = members["delaySeconds"] {
            guard let seconds = value.integer, 0...Int64(Limits.requestedDelaySecondsMax) ~= seconds else {
                throw BusError(
                    .badRequest,
                    "\(place)delaySeconds is out of range; use 0 to \(Limits.requestedDelaySecondsMax)")
            }
            delay = Int(seconds)
        }
        switch members["outcome"]?.text {
        case "done": return .done
        case "retry": return .retry(code: code, delaySeconds: delay)
        case "dead": return .dead(code: code)
        default: throw BusError(.badRequest, "\(place)outcome is unknown; use done, retry or dead")
        }
    }

    /// What to replay, and how many texts were not ids.
    static func replay(_ bytes: [UInt8]) throws(BusError) -> (ReplaySelection, unreadable: Int) {
        let value = try document(bytes)
        switch (value["ids"]?.elements, value["group"]?.text) {
        case (let ids?, nil) where 1...Limits.deadLetterPageMax ~= ids.count:
            let texts = ids.compactMap(\.text)
            guard texts.count == ids.count else { throw BusError(.badRequest, "an id is not a string; send strings") }
            let numbers = texts.compactMap(DeadLetter.number)
            let distinct = Set(numbers).sorted()
            return (.numbers(distinct), ids.count - distinct.count)
        case (nil, let group?) where Labels.isGroup(group):
            // Ignoring a code of another type would replay the whole group.
            if let code = value["code"], code.text == nil {
                throw BusError(.badRequest, "code is not a string; send one, or leave it out for every code")
            }
            return (.group(group, code: value["code"]?.text), 0)
        default:
            throw BusError(
                .badRequest, "send 1 to \(Limits.deadLetterPageMax) ids, or a group and perhaps a code")
        }
    }

    private static func document(_ bytes: [UInt8]) throws(BusError) -> JSONValue {
        guard bytes.isUTF8 else { throw EnvelopeFault.json(.invalidUTF8).badRequest("") }
        do { return try JSONValue(parsing: bytes) } catch { throw EnvelopeFault.json(error).badRequest("") }
    }

    private static func isCode(_ text: String) -> Bool {
        1...64 ~= text.utf8.count && text.utf8.allSatisfy(\.isNameByte)
    }
}
