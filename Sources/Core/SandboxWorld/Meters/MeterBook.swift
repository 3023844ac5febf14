import BusCore

/// A billing meter.
struct SandboxMeter: Sendable {
    let id: String
    let created: Int64
    var updated: Int64
    var displayName: String
    let eventName: String
    /// `sum`, `count` or `last`.
    let formula: String
    let customerKey: String
    let valueKey: String
    let window: String?
    var deactivatedAt: Int64?

    var isActive: Bool { deactivatedAt == nil }

    var json: WorldJSON {
        [
            "id": .text(id), "object": "billing.meter", "created": .integer(created),
            "customer_mapping": ["event_payload_key": .text(customerKey), "type": "by_id"],
            "default_aggregation": ["formula": .text(formula)], "display_name": .text(displayName),
            "event_name": .text(eventName), "event_time_window": .text(or: window), "livemode": false,
            "status": isActive ? "active" : "inactive",
            "status_transitions": ["deactivated_at": .integer(or: deactivatedAt)], "updated": .integer(updated),
            "value_settings": ["event_payload_key": .text(valueKey)],
        ]
    }
}

/// Meters, what was counted, and what was refused afterwards.
struct MeterBook: Sendable {
    /// One counted usage.
    private struct Usage: Sendable {
        let time: Int64
        let value: Int64
        let identifier: String
    }

    private struct Account: Hashable, Sendable {
        let meter: String
        let customer: String
    }

    /// One usage that turned out to be wrong.
    struct Fault: Hashable, Sendable {
        let code: String
        let message: String
        /// The idempotency key of the request.
        let identifier: String
    }

    var all = Shelf<SandboxMeter>()
    /// Active meters by event name.
    private(set) var active: [String: String] = [:]
    private var usages: [Account: [Usage]] = [:]
    private var usageCount = 0
    /// When an identifier was used, for a day.
    private var identifiers: [String: Int64] = [:]
    private var identifierOrder: [String] = []
    private var firstIdentifier = 0
    /// Faults by meter that are still to be reported; those without a meter under an empty id.
    var faults: [String: [Fault]] = [:]

    mutating func put(_ meter: SandboxMeter) {
        if meter.isActive {
            active[meter.eventName] = meter.id
        } else if active[meter.eventName] == meter.id {
            active[meter.eventName] = nil
        }
        all[meter.id] = meter
    }

    /// The newest meter of a name, inactive ones too.
    func named(_ eventName: String) -> SandboxMeter? {
        active[eventName].flatMap { all[$0] } ?? all.newestFirst.lazy.map(\.element).first { $0.eventName == eventName }
    }

    // MARK: Identifiers

    /// False when the identifier was used in the last day.
    mutating func take(identifier: String, at now: Int64) -> Bool {
        while firstIdentifier < identifierOrder.count,
            identifiers[identifierOrder[firstIdentifier]].map({ $0 + 86_400 <= now }) ?? true
                || identifierOrder.count - firstIdentifier > Limits.sandboxIdentifiersMax
        {
            identifiers[identifierOrder[firstIdentifier]] = nil
            firstIdentifier += 1
        }
        if firstIdentifier > 1_024, firstIdentifier * 2 > identifierOrder.count {
            identifierOrder.removeSubrange(..<firstIdentifier)
            firstIdentifier = 0
        }
        guard identifiers[identifier] == nil else { return false }
        identifiers[identifier] = now
        identifierOrder.append(identifier)
        return true
    }

    // MARK: Usage

    mutating func count(_ value: Int64, of meter: String, customer: String, identifier: String, at time: Int64) {
        guard usageCount < Limits.sandboxMeterEventsMax else { return }
        usageCount += 1
        usages[Account(meter: meter, customer: customer), default: []].append(
            Usage(time: time, value: value, identifier: identifier))
    }

    /// Takes a usage back; false when it is not there.
    mutating func cancel(identifier: String, of meter: String) -> Bool {
        for (account, all) in usages where account.meter == meter {
            guard let place = all.firstIndex(where: { $0.identifier == identifier }) else { continue }
            usages[account]?.remove(at: place)
            usageCount -= 1
            return true
        }
        return false
    }

    /// What a meter counted of a customer in a time.
    func total(of meter: String, customer: String, in period: Range<Int64>) -> Int64 {
        let found = (usages[Account(meter: meter, customer: customer)] ?? []).filter { period.contains($0.time) }
        switch all[meter]?.formula {
        case "count": return Int64(found.count)
        case "last":
            return found.enumerated().max { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }?.element.value
                ?? 0
        default:
            return found.reduce(0) { sum, usage in
                let (total, overflow) = sum.addingReportingOverflow(usage.value)
                return overflow ? .max : total
            }
        }
    }
}
