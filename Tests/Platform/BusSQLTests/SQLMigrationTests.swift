import BusSQL
import StoreTestSupport
import Testing

struct SQLMigrationTests {
    private let first = SQLMigration { _ in ["CREATE TABLE t (a BIGINT)"] }
    private let second = SQLMigration { _ in ["ALTER TABLE t ADD COLUMN b BIGINT", "INSERT INTO t VALUES (1, 2)"] }

    @Test(arguments: TestStore.allCases) func anOlderSchemaMovesForwardAndKeepsItsData(_ store: TestStore) async throws
    {
        let database = try await store.open()
        try await database.migrate("test", [first])
        try await database.write { _ = try $0.run("INSERT INTO t VALUES (7)") }
        try await database.migrate("test", [first, second])
        try await database.migrate("test", [first, second])
        let rows = try await database.read { try $0.rows("SELECT a FROM t ORDER BY a") }
        #expect(try rows.map { try $0.integer(0) } == [1, 7])
    }

    @Test(arguments: TestStore.allCases) func aNewerSchemaIsRefused(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrate("test", [first, second])
        await #expect(throws: SQLFault.newerSchema(name: "test", stored: 2, known: 1)) {
            try await database.migrate("test", [first])
        }
    }

    @Test(arguments: TestStore.allCases) func aFailingStepLeavesTheOldSchema(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrate("test", [first])
        let broken = SQLMigration { _ in ["ALTER TABLE t ADD COLUMN b BIGINT", "no SQL"] }
        await #expect(throws: SQLFault.self) { try await database.migrate("test", [first, broken]) }
        try await database.migrate("test", [first, second])
    }

    @Test(arguments: TestStore.allCases) func schemasOfOneDatabaseCountApart(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrate("one", [first])
        try await database.migrate("two", [SQLMigration { _ in ["CREATE TABLE u (a BIGINT)"] }])
        await #expect(throws: SQLFault.newerSchema(name: "two", stored: 1, known: 0)) {
            try await database.migrate("two", [])
        }
    }
}
