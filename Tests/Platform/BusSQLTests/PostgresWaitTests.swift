import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import BusSQL

/// Waits for PostgreSQL that end before it answers.
struct PostgresWaitTests {
    private static let asleep: SQL = """
        SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(8.%'
        """

    private func count(_ database: any SQLDatabase) async throws -> Int64? {
        try await database.read { try $0.first(Self.asleep)?.integer(0) }
    }

    @Test(.timeLimit(.minutes(1))) func theServerStopsAReadThatNobodyWaitsFor() async throws {
        let cluster = try PostgresCluster()
        let database = try await PostgresDatabase(cluster.url, store: "test")
        let watcher = try await PostgresDatabase(cluster.url, store: "watcher")
        for _ in 0..<2 {
            let start = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                // More than there are connections, so that some have not begun.
                for _ in 0..<Limits.postgresReadersMax + 2 {
                    group.addTask {
                        await #expect(throws: CancellationError.self) {
                            try await database.read { _ = try $0.first("SELECT pg_sleep(8.25)") }
                        }
                    }
                }
                try await eventually("all connections are busy") {
                    try await count(watcher) == Int64(Limits.postgresReadersMax) ? true : nil
                }
                group.cancelAll()
            }
            #expect(try await count(watcher) == 0)
            #expect(start.duration(to: .now) < .seconds(8), "the server went on")
            #expect(try await database.read { try $0.first("SELECT 1")?.integer(0) } == 1)
        }
        for database in [database, watcher] { try database.close() }
    }

    @Test func aSilentServerIsGivenUp() throws {
        let link = try PostgresLink(PostgresCluster.shared.url, patience: .milliseconds(200))
        _ = try link.send(once: "SELECT pg_sleep(8.5)")
        let fault = #expect(throws: SQLFault.self) { try link.finish() }
        #expect(fault?.isOfTheDatabase == true && fault?.description.contains("did not answer") == true)
        #expect(!link.isOpen)
    }
}
