import BusCore
import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing

/// The power fails: the file is as it was at its last sync, with any prefix of what followed.
///
/// Queries may be gone then; nothing else that was acknowledged is.
@Suite(.timeLimit(.minutes(60))) struct PowerCut {
    @Test func aPowerCutTakesQueriesAlone() async throws {
        let disk = try await WatchedDisk()
        var random = SeededGenerator(seed: PropertySettings.seed)
        let rounds = PropertySettings.rounds(3, proof: 100)
        var figures = CutFigures()
        for _ in 0..<rounds {
            let load = CutLoad(
                disk: disk, deployment: try Deployment(), mixed: .random(in: 20..<150, using: &random),
                queries: .random(in: 10..<40, using: &random))
            figures.add(try await load.run(cutAt: Double.random(in: -0.5..<1, using: &random)))
        }
        print(
            """
            power cuts, BUS_TEST_SEED=\(PropertySettings.seed)
              cuts                                \(rounds)
              bytes cut off                       \(figures.bytes)
              changes acknowledged                \(figures.changes)
              changes acknowledged but lost       \(figures.lost.count)
              queries acknowledged                \(figures.queries)
              queries acknowledged but lost       \(figures.lostQueries)
              deliveries answered                 \(figures.answers)
              deliveries that came again          \(figures.again.count)
              stored twice                        \(figures.twice)
            """)
        #expect(figures.lost == [])
        #expect(figures.again == [])
        #expect(figures.twice == 0)
        #expect(figures.bytes > 0 && figures.lostQueries > 0, "nothing was cut off, so nothing is proved")
        #expect(figures.changes >= 10 * rounds && figures.answers > 0, "too little was acknowledged to prove anything")
    }

    @Test func aChangeWaitsForItsSyncAndAQueryForNone() async throws {
        let disk = try await WatchedDisk()
        let deployment = try Deployment()
        let delay = Duration.milliseconds(300)
        try await deployment.withEvents(environment: disk.environment(slowedBy: delay)) { _ in
            for kind in CutEvent.changes + CutEvent.queries {
                let before = try disk.syncs(of: deployment.logFile).count
                let start = ContinuousClock.now
                try await deployment.publish(kind.event(id: "c-1"))
                let time = start.duration(to: .now)
                let syncs = try disk.syncs(of: deployment.logFile).count - before
                if kind.isQuery {
                    #expect(syncs == 0, "\(kind) waited for the disk")
                } else {
                    #expect(syncs > 0 && time >= delay, "\(kind) was answered before its sync")
                }
            }
            let before = try disk.syncs(of: deployment.logFile).count
            #expect(try await deployment.claim().count == 1)
            #expect(try disk.syncs(of: deployment.logFile).count == before, "a claim waited for the disk")
        }
    }
}

/// One event of each kind that the two classes of commit tell apart.
private struct CutEvent: Sendable, CustomStringConvertible {
    let name: String
    let payload: JSONValue
    let isQuery: Bool

    var description: String { "\(name) \(payload)" }

    func event(id: String) -> JSONValue {
        ["name": .string(name), "correlationId": .string(id), "payload": payload]
    }

    private static let account = JSONValue.string(Deployment.account)
    private static let check: [String: JSONValue] = ["account_id": account, "scope": "llm:proxy"]
    private static let usage: JSONValue = ["meter_event_name": "tokens", "quantity": 1]
    private static let granted: [String: JSONValue] = ["allowed": true, "reason": "billing_active"]

    static let changes = [
        CutEvent(name: BillingEvent.update, payload: ["account_id": account], isQuery: false),
        CutEvent(name: BillingEvent.export, payload: ["account_id": account, "usage": usage], isQuery: false),
        CutEvent(name: BillingEvent.exported, payload: ["exported": true], isQuery: false),
        CutEvent(
            name: BillingEvent.check, payload: .object(check.merging(["usage": usage]) { $1 }), isQuery: false),
        CutEvent(
            name: BillingEvent.checked, payload: .object(granted.merging(["hold_id": "h"]) { $1 }), isQuery: false),
    ]
    static let queries = [
        CutEvent(name: BillingEvent.status, payload: ["account_id": account], isQuery: true),
        CutEvent(name: BillingEvent.statusAnswered, payload: ["status": "active"], isQuery: true),
        CutEvent(name: BillingEvent.check, payload: .object(check), isQuery: true),
        CutEvent(
            name: BillingEvent.check, payload: .object(check.merging(["usage": usage, "hold": false]) { $1 }),
            isQuery: true),
        CutEvent(name: BillingEvent.checked, payload: .object(granted), isQuery: true),
    ]
}

private struct CutFigures: Sendable {
    var bytes = 0
    var changes = 0
    var queries = 0
    var answers = 0
    var lost: Set<String> = []
    var lostQueries = 0
    var again: Set<String> = []
    var twice = 0

    mutating func add(_ other: CutFigures) {
        bytes += other.bytes
        changes += other.changes
        queries += other.queries
        answers += other.answers
        lost.formUnion(other.lost)
        lostQueries += other.lostQueries
        again.formUnion(other.again)
        twice += other.twice
    }
}

/// One life of the Events API that ends without power.
private final class CutLoad: Sendable {
    private struct State {
        var next = 0
        var changes: Set<String> = []
        var queries: Set<String> = []
        var answered: Set<String> = []
    }

    let disk: WatchedDisk
    let deployment: Deployment
    /// Publishes of every kind, and then of queries alone.
    let mixed: Int
    let queries: Int
    private let state = Mutex(State())

    init(disk: WatchedDisk, deployment: Deployment, mixed: Int, queries: Int) {
        self.disk = disk
        self.deployment = deployment
        self.mixed = mixed
        self.queries = queries
    }

    /// `part` of what followed the last sync is kept, and nothing of it for a negative number.
    func run(cutAt part: Double) async throws -> CutFigures {
        try await deployment.withEvents(environment: disk.environment(slowedBy: .milliseconds(2))) { events in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<6 { group.addTask { try await self.publish() } }
                group.addTask { try await self.answer() }
                try await group.waitForAll()
            }
            events.kill()
            try await events.end()
        }
        let cut = try cut(part)
        return try await deployment.withEvents { _ in try await compare(cut) }
    }

    private func publish() async throws {
        while let index = take() {
            let kinds = index < mixed ? CutEvent.changes + CutEvent.queries : CutEvent.queries
            let kind = kinds[index % kinds.count]
            try await deployment.publish(kind.event(id: "c-\(index)"))
            state.withLock { state in
                _ = kind.isQuery ? state.queries.insert("c-\(index)") : state.changes.insert("c-\(index)")
            }
        }
    }

    private func take() -> Int? {
        state.withLock { state in
            guard state.next < mixed + queries else { return nil }
            state.next += 1
            return state.next - 1
        }
    }

    /// Acknowledges updates with their results while the publishers go on.
    private func answer() async throws {
        while state.withLock({ $0.next < mixed }) {
            let entries = try await deployment.claim().map { line -> (id: String, entry: JSONValue) in
                let id = line["correlationId"]?.text ?? ""
                let reply = CutEvent(name: BillingEvent.result, payload: ["applied": true], isQuery: false)
                return (
                    id,
                    ["id": line["deliveryId"] ?? .null, "outcome": "done", "reply": reply.event(id: "r-\(id)")]
                )
            }
            if entries.isEmpty { continue }
            let body: JSONValue = ["group": "cut", "deliveries": .array(entries.map(\.entry))]
            let answer = try await LoopbackClient(deployment.eventsAddress).post(
                "/api/v1/events/ack", body.serialized(), headers: deployment.requester)
            guard answer.status == 200 else { throw UnexpectedAnswer(text: answer.text) }
            state.withLock { state in
                for (id, _) in entries {
                    state.answered.insert(id)
                    state.changes.insert("r-\(id)")
                }
            }
        }
    }

    /// Shortens the log to its last sync and a part of what followed; returns how much is gone.
    private func cut(_ part: Double) throws -> Int {
        let file = deployment.logFile
        let size = try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int
        let length = try #require(size)
        let synced = try disk.syncs(of: file).last ?? 0
        let kept = synced + Int(Double(length - synced) * max(0, part))
        #expect(truncate(file, kept) == 0)
        return length - kept
    }

    private func compare(_ cut: Int) async throws -> CutFigures {
        var stored: [String] = []
        for name in Set((CutEvent.changes + CutEvent.queries).map(\.name) + [BillingEvent.result]) {
            stored += try await deployment.stored(name).compactMap { $0["correlationId"]?.text }
        }
        let again = Set(try await deployment.claim().compactMap { $0["correlationId"]?.text })
        let unique = Set(stored)
        return state.withLock { state in
            CutFigures(
                bytes: cut, changes: state.changes.count, queries: state.queries.count, answers: state.answered.count,
                lost: state.changes.subtracting(unique), lostQueries: state.queries.subtracting(unique).count,
                again: state.answered.intersection(again), twice: stored.count - unique.count)
        }
    }
}

extension Deployment {
    /// The write-ahead log of the events.
    fileprivate var logFile: String { "\(folder.path)/events.sqlite-wal" }
    fileprivate var requester: [String: String] { bearer(Subject.requester, Self.billingScopes) }

    /// Claims the updates that wait for the group.
    fileprivate func claim() async throws -> [JSONValue] {
        let stream =
            "/api/v1/events/stream?name=\(BillingEvent.update)&delivery=unicast&group=cut&ack=manual"
            + "&replay=true&follow=false"
        return try await LoopbackClient(eventsAddress).get(stream, headers: requester).lines
    }

    fileprivate func publish(_ event: JSONValue) async throws {
        let answer = try await LoopbackClient(eventsAddress).post(
            "/api/v1/events", event.serialized(), headers: requester)
        guard answer.status == 202 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
    }
}
