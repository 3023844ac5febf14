import BusContract
import BusCore

/// What the query of a stream request asks for (`docs/contract/events.md, "Streams"`).
struct StreamRequest: Hashable, Sendable {
    /// How events reach the stream.
    enum Delivery: Hashable, Sendable {
        /// Every listener gets every event.
        case broadcast(Start)
        /// One consumer of the group gets each event.
        case unicast(Unicast)
    }

    /// Where a broadcast starts.
    enum Start: Hashable, Sendable {
        case now, oldest
        case after(id: String)
    }

    /// The terms of unicast deliveries.
    struct Unicast: Hashable, Sendable {
        /// Who shares the deliveries.
        var group = "default"
        /// A label inside the group.
        var consumer = "default"
        /// Deliveries wait for an acknowledgement.
        ///
        /// Without it, a line that was written counts as acknowledged.
        var isManual = false
        /// Time to acknowledge a delivery.
        var leaseSeconds = Limits.leaseSecondsDefault
        /// Deliveries the stream may hold at once.
        var inFlightMax = Limits.inFlightDefault
    }

    /// The names asked for, without repeats; empty is every name.
    let names: [EventName]
    /// How events reach the stream, and from where.
    let delivery: Delivery
    /// Go on with live events.
    let follow: Bool
    /// Close after so many lines.
    let limit: Int?

    /// A reachability probe, which gets an empty answer at once.
    let isProbe: Bool

    /// Reads the pairs of a query.
    ///
    /// Unknown keys are ignored; unknown values are refused.
    init(
        _ pairs: [(key: String, value: String)], allowsWildcard: Bool = false
    ) throws(BusError) {
        let values = QueryValues(pairs: pairs)
        names = try StreamRequest.names(values.all("name"), allowsWildcard: allowsWildcard)
        let replay = try values.flag("replay", default: false)
        follow = try values.flag("follow", default: true)
        limit = try values.integer("limit", in: 1...Int(Int32.max))
        let afterID = values.first("after_id")
        if let afterID, EventIDSequence.number(of: afterID) == nil {
            throw values.fault("after_id", "is not an event id", "send an id that this server gave out")
        }
        let unicast = try StreamRequest.unicast(values)
        switch values.first("delivery") ?? "broadcast" {
        case "broadcast":
            if unicast.isManual { throw values.fault("ack", "needs delivery=unicast", "add delivery=unicast") }
            delivery = .broadcast(afterID.map { .after(id: $0) } ?? (replay ? .oldest : .now))
        case "unicast", "work":
            if afterID != nil { throw values.fault("after_id", "is for broadcast streams", "remove it") }
            if names.isEmpty { throw values.fault("name", "is a wildcard", "name each event of a unicast stream") }
            delivery = .unicast(unicast)
        default: throw values.fault("delivery", "is unknown", "use broadcast or unicast")
        }
        isProbe = !replay && !follow && afterID == nil
    }

    private static func names(_ texts: [String], allowsWildcard: Bool) throws(BusError) -> [EventName] {
        if allowsWildcard, texts == ["*"] { return [] }
        guard !texts.isEmpty else { throw BusError(.badRequest, "name is missing; name the event to listen to") }
        guard texts.count <= Limits.streamNamesMax else {
            throw BusError(.badRequest, "too many names; a stream takes \(Limits.streamNamesMax)")
        }
        var names: [EventName] = []
        for text in texts {
            guard let name = EventName(text) else {
                throw BusError(
                    .badRequest, "name is not an event name; use lower-case segments joined by dots, without wildcards")
            }
            if !names.contains(name) { names.append(name) }
        }
        return names
    }

    private static func unicast(_ values: QueryValues) throws(BusError) -> Unicast {
        var unicast = Unicast()
        unicast.group = try values.label("group")
        unicast.consumer = try values.label("consumer")
        switch values.first("ack") {
        case nil, "auto": break
        case "manual": unicast.isManual = true
        default: throw values.fault("ack", "is unknown", "use manual, or leave it out")
        }
        unicast.leaseSeconds =
            try values.integer("lease", in: Limits.leaseSecondsMin...Limits.leaseSecondsMax) ?? unicast.leaseSeconds
        unicast.inFlightMax = try values.integer("max_in_flight", in: 1...Limits.inFlightMax) ?? unicast.inFlightMax
        return unicast
    }
}

/// The pairs of a query, looked up by key.
struct QueryValues {
    let pairs: [(key: String, value: String)]

    func all(_ key: String) -> [String] { pairs.filter { $0.key == key }.map(\.value) }

    func first(_ key: String) -> String? { pairs.first { $0.key == key }?.value }

    func flag(_ key: String, default fallback: Bool) throws(BusError) -> Bool {
        switch first(key) {
        case nil: return fallback
        case "true", "1", "yes", "on": return true
        case "false", "0", "no", "off": return false
        default: throw fault(key, "is not a boolean", "use true or false")
        }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(BusError) -> Int? {
        guard let text = first(key) else { return nil }
        guard let value = Int(text), range.contains(value) else {
            throw fault(key, "is out of range", "use \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A group or consumer name.
    func label(_ key: String) throws(BusError) -> String {
        guard let text = first(key) else { return "default" }
        guard Labels.isGroup(text) else {
            throw fault(key, "is not a valid name", "use up to 128 letters, digits, dots, dashes and underscores")
        }
        return text
    }

    func fault(_ key: String, _ fact: String, _ remedy: String) -> BusError {
        BusError(.badRequest, "\(key) \(fact); \(remedy)")
    }
}
