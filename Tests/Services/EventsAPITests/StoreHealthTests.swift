import BusContract
import BusCore
import BusRuntime
import BusSQL
import BusServer
import FoundationEssentials
import Hummingbird
import HummingbirdTesting
import Logging
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct StoreHealthTests {
    private func ready(_ bench: EventBench, after steps: [@Sendable () async throws -> Void]) async throws -> [Int] {
        let readiness = Readiness()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let health = StoreHealth(commits: bench.commits, log: bench.log, readiness: readiness, interval: .zero)
        let router = OperationsRoutes(
            readiness: readiness, metrics: PrometheusRegistry(), logger: logger, refreshing: health.refresh
        ).router()
        return try await Application(router: router, logger: logger).test(.router) { client in
            var statuses: [Int] = []
            for step in steps {
                try await step()
                let response = try await client.executeRequest(uri: "/readyz", method: .get, headers: [:], body: nil)
                let type = (try? JSONValue(parsing: Array(buffer: response.body)))?["error"]?["type"]?.text
                #expect(type == (response.status == .ok ? nil : "not_ready"))
                statuses.append(Int(response.status.code))
            }
            return statuses
        }
    }

    private func fails(_ bench: EventBench) async throws {
        let payload = JSONValue.object(["n": .string(String(repeating: "x", count: 1 << 18))])
        let error = await #expect(throws: BusError.self) {
            try await bench.appender.append(try bench.draft(payload: payload))
        }
        #expect(error?.code == .backendUnavailable)
    }

    @Test(arguments: TestStore.allCases) func aStoreThatWorksIsReady(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let statuses = try await ready(bench, after: [{}, { _ = try await bench.publish(1) }])
            #expect(statuses == [200, 200])
        }
    }

    @Test(arguments: TestStore.allCases) func aStoreThatCannotBeReadIsNotReadyUntilItCan(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let statuses = try await ready(
                bench,
                after: [
                    {}, { try await bench.database.write { _ = try $0.run("ALTER TABLE bus_events RENAME TO away") } },
                    { try await bench.database.write { _ = try $0.run("ALTER TABLE away RENAME TO bus_events") } },
                ])
            #expect(statuses == [200, 503, 200])
        }
    }

    @Test func aFailedCommitIsNotReadyUntilOneSucceeds() async throws {
        try await EventBench.run { bench in
            let statuses = try await ready(
                bench,
                after: [
                    { try await fillDisk(bench) }, { try await fails(bench) }, { try await fails(bench) },
                    { try await freeDisk(bench) },
                    {
                        _ = try await eventually("a trial succeeds") { bench.commits.isFailing ? nil : true }
                    },
                ])
            #expect(statuses.prefix(3) == [200, 503, 503])
            #expect(statuses.last == 200)
        }
    }

    /// No page may be added: SQLite says that the disk is full.
    private func fillDisk(_ bench: EventBench) async throws {
        try await bench.database.write { _ = try $0.first("PRAGMA max_page_count = 1") }
    }

    private func freeDisk(_ bench: EventBench) async throws {
        try await bench.database.write { _ = try $0.first("PRAGMA max_page_count = 1000000") }
    }

    @Test func aChangeThatFailsAloneLeavesTheServerReady() async throws {
        try await EventBench.run { bench in
            let statuses = try await ready(
                bench,
                after: [
                    { try await stopEvents(bench) }, { try await fails(bench) },
                    { _ = try await bench.commits.perform { try $0.tryWriting() } },
                ])
            #expect(statuses == [200, 200, 200])
        }
    }

    private func stopEvents(_ bench: EventBench) async throws {
        _ = try await bench.database.write { connection in
            try connection.run(
                "CREATE TRIGGER stop_events BEFORE INSERT ON bus_events BEGIN SELECT RAISE(ABORT, 'no'); END")
        }
    }

    @Test func aRemovedFileTakesNothingAnymore() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/events.sqlite"
        try await EventBench.run(over: try await SQLiteDatabase(path: path)) { bench in
            _ = try await bench.publish(1)
            let statuses = try await ready(
                bench,
                after: [
                    { try FileManager.default.moveItem(atPath: path, toPath: path + ".away") },
                    { try await fails(bench) },
                ])
            #expect(statuses == [503, 503])
            let error = await #expect(throws: BusError.self) { try await bench.log.newest() }
            #expect(error?.code == .backendUnavailable)
        }
    }
}
