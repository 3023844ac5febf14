import BusCore

@testable import EventsAPI

/// What a store must hold, as plain values: the rules of leases and cursors once more, without SQL or transactions.
struct DeliveryModel: Sendable {
    /// An event in a group.
    struct Place: Hashable, Sendable {
        let group: DeliveryGroup
        let sequence: Int64
    }

    /// A delivery that nobody has answered for good.
    struct Item: Hashable, Sendable {
        var attempt: Int64
        var isLeased: Bool
        var until: Int64
        var leaseSeconds: Int64
        var holder: String
        var unanswered: Int64 = 0
        var failures: Int64 = 0
        var failingSince: Int64?

        func isHeld(by attempt: Int, at now: Int64) -> Bool { isLeased && self.attempt == attempt && now < until }
    }

    struct Event: Hashable, Sendable {
        let sequence: Int64
        let name: String
        let owner: String
        var key: String?
        let number: Int64
    }

    private struct Cursor: Hashable {
        let group: DeliveryGroup
        let name: String
    }

    /// Seconds, as the clock of the bench shows them.
    var now: Int64
    private(set) var events: [Event] = []
    private(set) var open: [Place: Item] = [:]
    /// The codes of what was parked.
    private(set) var dead: [Place: String] = [:]
    private var cursors: [Cursor: Int64] = [:]
    /// Every claim so far, also those that are over.
    private(set) var claims: [(group: DeliveryGroup, id: DeliveryID)] = []

    init(now: Int64) {
        self.now = now
    }

    // MARK: Publish

    func event(owner: String, key: String?) -> Event? {
        key.flatMap { key in events.first { $0.owner == owner && $0.key == key } }
    }

    /// A new event, which has to come behind all others.
    mutating func append(_ event: Event) -> [String] {
        defer { events.append(event) }
        return event.sequence > events.last?.sequence ?? 0 ? [] : ["\(event) is not behind the newest event"]
    }

    // MARK: Claim

    /// Follows a claim; which of several deliveries it took is the store's choice, within the rules.
    ///
    /// - Parameter parked: What was parked by it.
    mutating func follow(_ claim: ClaimRequest, _ result: ClaimedDeliveries, parked: [Place: String]) -> [String] {
        let held = open.filter {
            $0.key.group == claim.group && $0.value.holder == claim.holder && $0.value.isLeased && $0.value.until > now
        }
        let room = max(0, claim.inFlightMax - held.count)
        let due = open.filter {
            isAsked($0.key.sequence, claim) && $0.key.group == claim.group && $0.value.until <= now
        }
        let silent = due.filter { $0.value.isLeased && $0.value.unanswered + 1 >= Limits.unansweredLeasesMax }
        let again = due.filter { silent[$0.key] == nil }
        let new = events.filter { event in
            isAsked(event.sequence, claim) && claim.group.owner.map { $0 == event.owner } ?? true
                && event.sequence > cursors[Cursor(group: claim.group, name: event.name)] ?? 0
        }
        var faults = check(parked, silent, isAll: result.deliveries.count < min(room, claim.countMax), mayBe: room > 0)
        let count = min(room, claim.countMax, again.count + new.count)
        if result.deliveries.count != count { faults.append("\(result.deliveries.count) and not \(count) deliveries") }
        let ids = result.deliveries.map(\.id)
        if ids.map(\.sequence) != ids.map(\.sequence).sorted() { faults.append("not in the order of publishing") }
        faults += checkOrder(ids, again, new)
        for id in ids { take(id, claim) }
        let next = open.filter {
            $0.key.group == claim.group && isAsked($0.key.sequence, claim) && $0.value.until > now
        }
        .values.map(\.until).min()
        if result.nextAt.map(\.wholeSeconds) != next {
            faults.append("next at \(result.nextAt as Any), not \(next as Any)")
        }
        if result.isFull != (room <= ids.count) { faults.append("full is \(result.isFull)") }
        return faults
    }

    private func isAsked(_ sequence: Int64, _ claim: ClaimRequest) -> Bool {
        events.first { $0.sequence == sequence }.map { event in claim.names.contains { $0.text == event.name } }
            ?? false
    }

    private mutating func check(
        _ parked: [Place: String], _ silent: [Place: Item], isAll: Bool, mayBe: Bool
    ) -> [String] {
        var faults: [String] = []
        for (place, code) in parked {
            if silent[place] == nil || code != DeliveryState.unansweredCode || !mayBe {
                faults.append("\(place.sequence) was parked as \(code)")
            }
            open[place] = nil
            dead[place] = code
        }
        if isAll, parked.count != silent.count { faults.append("\(parked.count) of \(silent.count) were parked") }
        return faults
    }

    /// What comes again goes first, the longest free before others; new events come in their order.
    private func checkOrder(_ ids: [DeliveryID], _ again: [Place: Item], _ new: [Event]) -> [String] {
        var faults: [String] = []
        let taken = Set(ids.map(\.sequence))
        for id in ids {
            let item = again.first { $0.key.sequence == id.sequence }?.value
            let isNew = new.contains { $0.sequence == id.sequence }
            if item.map({ $0.attempt + 1 }) ?? (isNew ? 1 : 0) != id.attempt {
                faults.append("\(id.text) was not free")
            }
        }
        for name in Set(events.map(\.name)) {
            let sequences = Set(events.filter { $0.name == name }.map(\.sequence))
            let mine = again.filter { sequences.contains($0.key.sequence) }
            let (given, left) = (
                mine.filter { taken.contains($0.key.sequence) }, mine.filter { !taken.contains($0.key.sequence) }
            )
            if let last = given.values.map(\.until).max(), let first = left.values.map(\.until).min(), last > first {
                faults.append("a delivery that was free earlier had to wait")
            }
            let news = new.filter { $0.name == name }.map(\.sequence)
            let count = news.filter { taken.contains($0) }.count
            if !news.prefix(count).allSatisfy(taken.contains) { faults.append("a new event was skipped") }
            if count > 0, !left.isEmpty { faults.append("a new event went before one that comes again") }
        }
        return faults
    }

    private mutating func take(_ id: DeliveryID, _ claim: ClaimRequest) {
        let place = Place(group: claim.group, sequence: id.sequence)
        claims.append((claim.group, id))
        if open[place] == nil, let event = events.first(where: { $0.sequence == id.sequence }) {
            let cursor = Cursor(group: claim.group, name: event.name)
            cursors[cursor] = max(cursors[cursor] ?? 0, id.sequence)
        }
        var item =
            open[place] ?? Item(attempt: 0, isLeased: false, until: 0, leaseSeconds: 0, holder: claim.holder)
        if item.isLeased { item.unanswered += 1 }
        item.attempt += 1
        item.isLeased = true
        item.until = now + Int64(claim.leaseSeconds)
        item.leaseSeconds = Int64(claim.leaseSeconds)
        item.holder = claim.holder
        open[place] = item
    }

    // MARK: Answers

    /// Follows one answer: whether its lease was held, and whether its reply is published.
    mutating func follow(_ answer: DeliveryAnswer, in group: DeliveryGroup) -> (isKnown: Bool, speaks: Bool) {
        guard let id = answer.id, var item = open[Place(group: group, sequence: id.sequence)] else {
            return (false, false)
        }
        let place = Place(group: group, sequence: id.sequence)
        guard item.isHeld(by: id.attempt, at: now) else {
            return (false, item.attempt > id.attempt || (item.attempt == id.attempt && item.isLeased))
        }
        switch answer.outcome {
        case .done: open[place] = nil
        case .dead(let code): park(place, code ?? "rejected")
        case .retry(let code, let delay):
            item.isLeased = false
            item.unanswered = 0
            if code == "unhandled" {
                item.until = now + Int64(delay ?? 0)
            } else if let since = item.failingSince, now >= since + 86_400 {
                park(place, code ?? "retry_exhausted")
                return (true, true)
            } else {
                item.until = now + Int64(delay ?? min(1 << min(Int(item.failures), 16), 300))
                item.failures += 1
                item.failingSince = item.failingSince ?? now
            }
            open[place] = item
        }
        return (true, true)
    }

    private mutating func park(_ place: Place, _ code: String) {
        open[place] = nil
        dead[place] = code
    }

    /// Follows an extension; true when the lease was held.
    mutating func extend(_ id: DeliveryID, in group: DeliveryGroup) -> Bool {
        let place = Place(group: group, sequence: id.sequence)
        guard let item = open[place], item.isHeld(by: id.attempt, at: now) else { return false }
        open[place]?.until = now + item.leaseSeconds
        return true
    }

    /// Follows a stream that gives back what it could not write.
    mutating func giveBack(_ id: DeliveryID, in group: DeliveryGroup) {
        let place = Place(group: group, sequence: id.sequence)
        guard let item = open[place], item.isLeased, item.attempt == id.attempt else { return }
        open[place]?.isLeased = false
        open[place]?.until = now
    }

    /// Follows a stream without acknowledgements that has written a delivery.
    mutating func finish(_ id: DeliveryID, in group: DeliveryGroup) {
        let place = Place(group: group, sequence: id.sequence)
        if open[place]?.attempt == Int64(id.attempt) { open[place] = nil }
    }
}

extension Timestamp {
    fileprivate var wholeSeconds: Int64 { nanoseconds / 1_000_000_000 }
}
