import BusCore
import BusRuntime
import BusSQL
import Logging
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import EventsAPI

/// A clock that stands still until it is moved.
final class ManualClock: Sendable {
    private let time = Mutex(Timestamp(clampingSeconds: 1_750_000_000))

    var now: Timestamp { time.withLock { $0 } }

    func advance(_ seconds: Int64) {
        time.withLock { $0 = $0.advanced(bySeconds: seconds) }
    }
}

/// An event log with everything around it but HTTP.
struct EventBench: Sendable {
    let database: any SQLDatabase
    let log: EventLog
    let commits: GroupCommit
    let wakeUps = WakeUps()
    let clock = ManualClock()

    var appender: EventAppender {
        EventAppender(log: log, commits: commits, wakeUps: wakeUps, now: { [clock] in clock.now })
    }
    var ledger: DeliveryLedger {
        DeliveryLedger(log: log, commits: commits, wakeUps: wakeUps, now: { [clock] in clock.now })
    }

    func retention(keep: Duration) -> Retention {
        Retention(
            commits: commits, keep: keep, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            now: { [clock] in clock.now })
    }

    /// Runs `body` with an empty log whose commits are running.
    static func run<Value: Sendable>(
        on store: TestStore = .memory, _ body: @escaping @Sendable (EventBench) async throws -> Value
    ) async throws -> Value {
        let database = try await store.open()
        let value = try await run(over: database, body)
        try database.close()
        return value
    }

    /// Runs `body` with the log that `database` holds.
    static func run<Value: Sendable>(
        over database: any SQLDatabase, _ body: @escaping @Sendable (EventBench) async throws -> Value
    ) async throws -> Value {
        let log = try await EventLog.open(database)
        let bench = EventBench(database: database, log: log, commits: log.makeCommits())
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await bench.commits.run() }
            group.addTask { try await bench.wakeUps.run() }
            let value = try await body(bench)
            group.cancelAll()
            try await group.waitForAll()
            return value
        }
    }

    func draft(
        _ name: String = "example.thing", owner: String = "owner", key: String? = nil, payload: JSONValue = [:],
        source: String? = nil
    ) throws -> StampedEvent {
        let envelope = EventEnvelope(
            name: try #require(EventName(name)), correlationID: "c1", source: source, payload: JSONText(payload))
        return StampedEvent(envelope, owner: owner, idempotencyKey: key, at: clock.now)
    }

    func publish(_ count: Int, _ name: String = "example.thing", owner: String = "owner") async throws -> [String] {
        var ids: [String] = []
        for number in 0..<count {
            ids.append(
                try await appender.append(try draft(name, owner: owner, payload: ["n": .integer(Int64(number))])).id)
        }
        return ids
    }

    func selection(_ names: String..., owner: String? = nil) throws -> EventSelection {
        EventSelection(names: try names.map { try #require(EventName($0)) }, owner: owner)
    }
}

extension DeliveryID {
    /// The delivered event.
    var eventID: String { "evt_\(sequence)" }
}

extension DeliveryLedger {
    /// Answers without replies; how many of them were known.
    func acknowledge(
        _ outcomes: [(id: DeliveryID, outcome: DeliveryOutcome)], in group: DeliveryGroup,
        mayListen: @escaping @Sendable (EventName) -> Bool
    ) async throws -> Int {
        try await acknowledge(
            outcomes.map { DeliveryAnswer(id: $0.id, outcome: $0.outcome) }, in: group, mayListen: mayListen
        ).known
    }
}
