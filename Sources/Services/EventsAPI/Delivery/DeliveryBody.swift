import BusContract
import BusCore

/// Reads the bodies of acknowledgement, lease and replay requests.
struct DeliveryBody {
    let group: String
    private let deliveries: [JSONValue]

    init(_ bytes: [UInt8]) throws(BusError) {
        let value = try DeliveryBody.document(bytes)
        guard let group = value["group"]?.text, Labels.isGroup(group) else {
            throw BusError(.badRequest, "group is missing or invalid; send the group of the stream")
        }
        guard let deliveries = value["deliveries"]?.elements, 1...Limits.batchEventsMax ~= deliveries.count else {
            throw BusError(.badRequest, "deliveries is missing or too long; send 1 to \(Limits.batchEventsMax)")
        }
        self.group = group
        self.deliveries = deliveries
    }

    /// The deliveries' ids.
    ///
    /// A text that was never an id gives nil and counts as unknown.
    func ids() throws(BusError) -> [DeliveryID?] {
        try deliveries.enumerated().map { (index, delivery) throws(BusError) in try id(delivery, index) }
    }

    /// The deliveries' ids with their outcomes.
    func outcomes() throws(BusError) -> [(id: DeliveryID?, outcome: DeliveryOutcome)] {
        try deliveries.enumerated().map { (index, delivery) throws(BusError) in
            (try id(delivery, index), try outcome(delivery, index))
        }
    }

    private func id(_ delivery: JSONValue, _ index: Int) throws(BusError) -> DeliveryID? {
        guard let text = delivery["id"]?.text else {
            throw BusError(.badRequest, "delivery \(index): id is missing; send the line's deliveryId")
        }
        return DeliveryID(text)
    }

    private func outcome(_ delivery: JSONValue, _ index: Int) throws(BusError) -> DeliveryOutcome {
        var code: String?
        if let value = delivery["code"] {
            guard let text = value.text, DeliveryBody.isCode(text) else {
                throw BusError(
                    .badRequest, "delivery \(index): code is invalid; use up to 64 letters, digits and underscores")
            }
            code = text
        }
        var delay: Int?
        if let value = delivery["delaySeconds"] {
            guard let seconds = value.integer, 0...Int64(Limits.requestedDelaySecondsMax) ~= seconds else {
                throw BusError(
                    .badRequest,
                    "delivery \(index): delaySeconds is out of range; use 0 to \(Limits.requestedDelaySecondsMax)")
            }
            delay = Int(seconds)
        }
        switch delivery["outcome"]?.text {
        case "done": return .done
        case "retry": return .retry(code: code, delaySeconds: delay)
        case "dead": return .dead(code: code)
        default: throw BusError(.badRequest, "delivery \(index): outcome is unknown; use done, retry or dead")
        }
    }

    /// What to replay, and how many texts were not ids.
    static func replay(_ bytes: [UInt8]) throws(BusError) -> (ReplaySelection, unreadable: Int) {
        let value = try document(bytes)
        switch (value["ids"]?.elements, value["group"]?.text) {
        case (let ids?, nil) where 1...Limits.deadLetterPageMax ~= ids.count:
            let numbers = ids.compactMap { $0.text.flatMap(DeadLetter.number) }
            let distinct = Set(numbers).sorted()
            return (.numbers(distinct), ids.count - distinct.count)
        case (nil, let group?) where Labels.isGroup(group):
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
