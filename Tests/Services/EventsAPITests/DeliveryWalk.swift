import BusContract
import BusCore
import BusSQL
import TestSupport
import Testing

@testable import EventsAPI

/// One random sequence of calls.
struct DeliveryWalk: Sendable {
    private struct Crash: Error {}

    private var random: SeededGenerator
    private(set) var model = DeliveryModel(now: ManualClock().now.seconds)
    private(set) var faults: [String] = []
    private(set) var claims = 0
    private(set) var acknowledged = 0

    private static let names = ["example.x", "example.y"]
    private static let groups = [DeliveryGroup(owner: nil, name: "g"), DeliveryGroup(owner: "a", name: "g")]

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    mutating func step(_ nodes: [EventBench]) async throws {
        let node = nodes.randomElement(using: &random) ?? nodes[0]
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25: try await publish(node)
        case 25..<50: try await claim(node)
        case 50..<75: try await acknowledge(node)
        case 75..<80: try await extend(node)
        case 80..<84: try await giveBack(node)
        case 84..<87: try await finish(node)
        case 87..<90: try await dieInside(node)
        default:
            // Mostly past a lease or two; now and then past the day of a delivery that fails.
            let seconds =
                Int64.random(in: 0..<12, using: &random) == 0 ? 86_400 : Int64.random(in: 1...40, using: &random)
            for node in nodes { node.clock.advance(seconds) }
            model.now += seconds
        }
    }

    // MARK: Calls

    private mutating func publish(_ node: EventBench) async throws {
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let (draft, event) = try draft(node, name: Self.names.randomElement(using: &random) ?? "")
            let before = model.event(owner: event.owner, key: event.key)
            do {
                let accepted = try await node.appender.append(draft)
                let sequence = EventIDSequence.number(of: accepted.id) ?? 0
                note(accepted: event, as: sequence, accepted.isDuplicate, before)
            } catch let error as BusError where error.code == .conflict {
                if before.map({ $0.name == event.name && $0.number == event.number }) ?? true {
                    faults.append("\(event) is no conflict")
                }
            }
        }
    }

    private mutating func draft(
        _ node: EventBench, name: String
    ) throws -> (StampedEvent, DeliveryModel.Event) {
        let owner = ["a", "b"].randomElement(using: &random) ?? ""
        let key = Int.random(in: 0..<3, using: &random) == 0 ? "k\(Int.random(in: 0..<8, using: &random))" : nil
        let number = key == nil ? Int64.random(in: 0..<1_000, using: &random) : Int64.random(in: 0..<2, using: &random)
        let event = DeliveryModel.Event(sequence: 0, name: name, owner: owner, key: key, number: number)
        return (try node.draft(name, owner: owner, key: key, payload: ["n": .integer(number)]), event)
    }

    private mutating func note(
        accepted event: DeliveryModel.Event, as sequence: Int64, _ isDuplicate: Bool, _ before: DeliveryModel.Event?
    ) {
        guard isDuplicate || before != nil else {
            faults += model.append(
                DeliveryModel.Event(
                    sequence: sequence, name: event.name, owner: event.owner, key: event.key, number: event.number))
            return
        }
        let isTheSame = before.map { $0.name == event.name && $0.number == event.number } ?? false
        if !isDuplicate || before?.sequence != sequence || !isTheSame {
            faults.append("\(event) was accepted as \(sequence), after \(String(describing: before))")
        }
    }

    private mutating func request() throws -> ClaimRequest {
        let names = Int.random(in: 0..<3, using: &random) == 0 ? [Self.names[0]] : Self.names
        return ClaimRequest(
            group: Self.groups.randomElement(using: &random) ?? Self.groups[0],
            names: try names.map { try #require(EventName($0)) },
            holder: "h\(Int.random(in: 0..<3, using: &random))", leaseSeconds: Int.random(in: 5...30, using: &random),
            inFlightMax: [1, 2, 3, 64].randomElement(using: &random) ?? 1,
            countMax: [1, 4, 64].randomElement(using: &random) ?? 1)
    }

    private mutating func claim(_ node: EventBench) async throws {
        let claim = try request()
        let result = try await node.ledger.claim(claim, looksFirst: Bool.random(using: &random))
        let parked = try await Self.deadLetters(node).filter { model.dead[$0.key] == nil }
        let found = model.follow(claim, result, parked: parked)
        claims += 1
        faults += found.map { "claim \(claim.holder) of \(claim.group) at \(model.now): \($0)" }
    }

    private mutating func someClaim() -> (group: DeliveryGroup, id: DeliveryID)? {
        // Mostly one that may still be held.
        Bool.random(using: &random)
            ? model.claims.suffix(6).randomElement(using: &random) : model.claims.randomElement(using: &random)
    }

    private mutating func acknowledge(_ node: EventBench) async throws {
        guard let group = someClaim()?.group else { return }
        var answers: [DeliveryAnswer] = []
        var replies: [DeliveryModel.Event] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            guard let claim = someClaim(), claim.group == group else { continue }
            var answer = DeliveryAnswer(id: claim.id, outcome: outcome())
            if answer.outcome == .done, Bool.random(using: &random) {
                let number = Int64.random(in: 0..<1_000, using: &random)
                answer.reply = try node.draft(Self.names[1], owner: "a", payload: ["n": .integer(number)])
                replies.append(
                    DeliveryModel.Event(sequence: 0, name: Self.names[1], owner: "a", key: nil, number: number))
            }
            answers.append(answer)
        }
        let accepted = try await node.ledger.acknowledge(answers, in: group, mayListen: { _ in true })
        var (known, published) = (0, accepted.replies[...])
        for answer in answers {
            let (isKnown, speaks) = model.follow(answer, in: group)
            if isKnown { known += 1 }
            guard answer.reply != nil else { continue }
            let (event, stored) = (replies.removeFirst(), published.popFirst() ?? nil)
            if (stored != nil) != speaks { faults.append("a reply speaks: \(stored != nil)") }
            if let stored {
                note(accepted: event, as: EventIDSequence.number(of: stored.id) ?? 0, stored.isDuplicate, nil)
            }
        }
        if accepted.known != known { faults.append("\(accepted.known) and not \(known) were known") }
        acknowledged += known
    }

    private mutating func outcome() -> DeliveryOutcome {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<5: .done
        case 5..<8:
            .retry(
                code: ["unhandled", "later", nil].randomElement(using: &random) ?? nil,
                delaySeconds: [0, 7, nil].randomElement(using: &random) ?? nil)
        default: .dead(code: ["bad_event", nil].randomElement(using: &random) ?? nil)
        }
    }

    private mutating func extend(_ node: EventBench) async throws {
        guard let claim = someClaim() else { return }
        let known = try await node.ledger.extend([claim.id], in: claim.group, mayListen: { _ in true })
        if (known == 1) != model.extend(claim.id, in: claim.group) {
            faults.append("\(claim.id.text) extended: \(known)")
        }
    }

    private mutating func giveBack(_ node: EventBench) async throws {
        guard let claim = someClaim() else { return }
        try await node.ledger.giveBack([claim.id], in: claim.group)
        model.giveBack(claim.id, in: claim.group)
    }

    private mutating func finish(_ node: EventBench) async throws {
        guard let claim = someClaim() else { return }
        try await node.ledger.finish([claim.id], in: claim.group)
        model.finish(claim.id, in: claim.group)
    }

    /// A process that dies inside a transaction has done nothing, but may have used up ids.
    private mutating func dieInside(_ node: EventBench) async throws {
        let claim = try request()
        let (draft, _) = try draft(node, name: Self.names[0])
        await #expect(throws: (any Error).self) {
            try await node.database.write { [now = node.clock.now] connection in
                _ = try? node.log.append([draft], isBatch: false, at: now, connection)()
                var transaction = ClaimTransaction(request: claim, now: now, connection: connection)
                try transaction.run()
                throw Crash()
            }
        }
    }

    // MARK: Comparing

    /// The tables hold the model.
    mutating func compare(_ node: EventBench) async throws {
        let stored = try await node.database.read { connection in
            try connection.rows(
                """
                SELECT owner_scope, group_name, event_seq, attempt, is_leased, available_at, lease_seconds, holder,
                    unanswered, failures, failing_since FROM bus_event_deliveries
                """
            ).map { row in
                (
                    try Self.place(row),
                    DeliveryModel.Item(
                        attempt: try row.integer(3), isLeased: try row.integer(4) == 1,
                        until: try row.integer(5) / 1_000_000_000, leaseSeconds: try row.integer(6),
                        holder: try row.text(7), unanswered: try row.integer(8), failures: try row.integer(9),
                        failingSince: try row.integerOrNil(10).map { $0 / 1_000_000_000 })
                )
            }
        }
        let open = Dictionary(uniqueKeysWithValues: stored)
        for (place, item) in model.open where open[place] != item {
            faults.append("\(place) is \(String(describing: open[place])), not \(item)")
        }
        if open.count != model.open.count { faults.append("\(open.count) and not \(model.open.count) are open") }
        let dead = try await Self.deadLetters(node)
        if dead != model.dead { faults.append("parked are \(dead.values), not \(model.dead.values)") }
    }

    /// Every reader sees every event once and in order.
    mutating func compareLog(_ node: EventBench) async throws {
        for owner in [nil, "a"] {
            var (cursor, seen): (Int64, [Int64]) = (0, [])
            while true {
                let page = try await node.log.page(
                    of: try node.selection("example.x", "example.y", owner: owner), after: cursor, limit: 7)
                seen += page.events.map(\.sequence)
                cursor = page.cursor
                if page.events.isEmpty { break }
            }
            let expected = model.events.filter { owner == nil || $0.owner == owner }.map(\.sequence)
            if seen != expected {
                faults.append("the log has \(seen.count) events, not \(expected.count), or in another order")
            }
        }
    }

    private static func deadLetters(_ node: EventBench) async throws -> [DeliveryModel.Place: String] {
        let rows = try await node.database.read { connection in
            try connection.rows("SELECT owner_scope, group_name, event_seq, code FROM bus_event_dead_letters").map {
                (try place($0), try $0.text(3))
            }
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    private static func place(_ row: SQLRow) throws -> DeliveryModel.Place {
        DeliveryModel.Place(
            group: DeliveryGroup(scope: try row.text(0), name: try row.text(1)), sequence: try row.integer(2))
    }
}
