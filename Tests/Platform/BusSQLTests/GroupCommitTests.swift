import BusContract
import BusCore
import BusRuntime
import BusSQL
import Dispatch
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// Changes that share a commit, and what becomes of them when one fails.
struct GroupCommitTests {
    /// Faults that belong to one change.
    private static let faults: [any Error & Sendable] = [
        BusError(.conflict, "taken"), SQLFault.column(3), SQLFault.refused("no such table"),
        SQLFault.constraint("unique"), SQLFault.unreadable("a row is damaged"), Stop(),
    ]

    private func run<Value: Sendable>(
        on store: TestStore, _ body: @escaping @Sendable (GroupCommit, TestDatabase) async throws -> Value
    ) async throws -> Value {
        let database = try await store.open()
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT PRIMARY KEY)"] }])
        let commits = GroupCommit(database: database)
        let value = try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commits.run() }
            let value = try await body(commits, database)
            group.cancelAll()
            try await group.waitForAll()
            return value
        }
        try database.close()
        return value
    }

    /// Every statement has succeeded, and the commit fails; only PostgreSQL can be made to do that.
    @Test func whoseCommitFailsIsToldSo() async throws {
        try await run(on: .postgres) { commits, database in
            try await database.write { connection in
                try connection.run(
                    """
                    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE SQLSTATE ''53100''; END'
                    """)
                try connection.run(
                    """
                    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                    FOR EACH ROW EXECUTE FUNCTION refuse()
                    """)
            }
            let error = await #expect(throws: BusError.self) {
                try await commits.perform { try $0.run("INSERT INTO t VALUES (1)") }
            }
            #expect(error?.code == .backendUnavailable && commits.isFailing)
            #expect(try await database.read { try $0.first("SELECT count(*) FROM t")?.integer(0) } == 0)
        }
    }

    /// Who waits for the news of a commit hears it no later than who made the change, and only after the commit.
    @Test(arguments: TestStore.allCases) func aCommitIsToldBeforeItsAnswer(store: TestStore) async throws {
        try await run(on: store) { commits, _ in
            let told = Mutex<[Int]>([])
            let value = try await commits.perform {
                try $0.run("INSERT INTO t VALUES (1)", [])
            } committed: { value in
                told.withLock { $0.append(value) }
            }
            #expect(value == 1 && told.withLock { $0 } == [1])
            await #expect(throws: BusError.self) {
                try await commits.perform {
                    try $0.run("INSERT INTO t VALUES (1)", [])
                } committed: { value in
                    told.withLock { $0.append(value) }
                }
            }
            #expect(told.withLock { $0 } == [1], "a change that failed was told")
        }
    }

    /// Runs the changes in one commit: a first one holds the writer until all of them wait.
    private func together(
        _ commits: GroupCommit, _ changes: [@Sendable (any SQLConnection) throws -> Void]
    ) async throws -> [(any Error)?] {
        let (started, gate) = (Signal(), DispatchSemaphore(value: 0))
        return try await withThrowingTaskGroup(of: (Int, (any Error)?).self) { group in
            group.addTask {
                try await commits.perform { _ in
                    started.ring()
                    gate.wait()
                }
                return (-1, nil)
            }
            await started.wait()
            for (index, change) in changes.enumerated() {
                group.addTask {
                    do { try await commits.perform { try change($0) } } catch { return (index, error) }
                    return (index, nil)
                }
            }
            try await eventually("all changes wait") { commits.queuedEvents == changes.count ? true : nil }
            gate.signal()
            return try await group.reduce(into: [(any Error)?](repeating: nil, count: changes.count)) { errors, end in
                if end.0 >= 0 { errors[end.0] = end.1 }
            }
        }
    }

    private func rows(_ database: TestDatabase) async throws -> [Int64] {
        try await database.read { try $0.rows("SELECT a FROM t ORDER BY a").map { try $0.integer(0) } }
    }

    @Test(arguments: TestStore.allCases, faults.indices)
    func aChangeThatFailsFailsAloneAndLeavesNothing(_ store: TestStore, _ number: Int) async throws {
        let fault = GroupCommitTests.faults[number]
        try await run(on: store) { commits, database in
            let errors = try await together(
                commits,
                [
                    { try $0.run("INSERT INTO t VALUES (1)") },
                    { connection in
                        try connection.run("INSERT INTO t VALUES (2)")
                        throw fault
                    },
                    { try $0.run("INSERT INTO t VALUES (3)") },
                ])
            #expect(errors.map { $0 == nil } == [true, false, true], "\(errors)")
            #expect(try await rows(database) == [1, 3])
            #expect(!commits.isFailing)
            let error = try #require(errors[1] as? BusError)
            #expect(
                error.code == ((fault as? BusError)?.code ?? (fault is SQLFault ? .backendUnavailable : .internalError))
            )
        }
    }

    @Test(arguments: TestStore.allCases) func aStatementTheDatabaseRefusesFailsAlone(_ store: TestStore) async throws {
        try await run(on: store) { commits, database in
            let errors = try await together(
                commits,
                [
                    { try $0.run("INSERT INTO t VALUES (1)") },
                    { connection in
                        try connection.run("INSERT INTO t VALUES (2)")
                        try connection.run("INSERT INTO nowhere VALUES (1)")
                    },
                    { connection in
                        try connection.run("INSERT INTO t VALUES (3)")
                        try connection.run("INSERT INTO t VALUES (1)")
                    },
                    { try $0.run("INSERT INTO t VALUES (4)") },
                ])
            #expect(errors.map { $0 == nil } == [true, false, false, true], "\(errors)")
            #expect(try await rows(database) == [1, 4])
            #expect(!commits.isFailing)
        }
    }

    @Test func aDatabaseThatFailsFailsEverythingInTheCommit() async throws {
        try await run(on: .file) { commits, database in
            // A file of one page too many: SQLite says that the disk is full, and ends the transaction itself.
            let pages = try await database.write { try $0.first("PRAGMA page_count")?.integer(0) ?? 0 }
            try await database.write { _ = try $0.first("PRAGMA max_page_count = 3") }
            let errors = try await together(
                commits,
                [
                    { try $0.run("INSERT INTO t VALUES (1)") },
                    { connection in
                        try connection.run("CREATE TABLE big (b BLOB)")
                        try connection.run(
                            "INSERT INTO big VALUES ($1)", [.blob([UInt8](repeating: 1, count: 1 << 20))])
                    },
                    { try $0.run("INSERT INTO t VALUES (3)") },
                ])
            #expect(errors.allSatisfy { ($0 as? BusError)?.code == .backendUnavailable }, "\(errors) \(pages)")
            #expect(commits.isFailing)
            #expect(try await rows(database) == [])
            let after = try await together(commits, [{ try $0.run("INSERT INTO t VALUES (5)") }])
            #expect(after[0] == nil)
            #expect(!commits.isFailing)
            #expect(try await rows(database) == [5])
        }
    }
}
