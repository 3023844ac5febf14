import BusSQL
import Dispatch
import StoreTestSupport
import Testing

/// What every engine does alike.
struct SQLDatabaseTests {
    @Test(arguments: TestStore.allCases) func parametersAreNumberedNotOrdered(_ store: TestStore) async throws {
        let database = try await store.open()
        let row = try await database.read { try $0.first("SELECT $2, $1, $2", [.text("one"), .integer(2)]) }
        #expect(try row?.integer(0) == 2)
        #expect(try row?.text(1) == "one")
        #expect(try row?.integer(2) == 2)
    }

    @Test(arguments: TestStore.allCases) func valuesComeBackAsTheyWent(_ store: TestStore) async throws {
        let database = try await store.open()
        let values: [SQLValue] = [.null, .integer(.min), .text("ä'; --"), .blob([0, 255])]
        let row = try await database.read { try $0.first("SELECT $1, $2, $3, $4", values) }
        #expect(row.map { "\($0)" } == "\(SQLRow(values))")
        #expect(throws: SQLFault.column(0)) { try row?.integer(0) }
        #expect(throws: SQLFault.column(9)) { try row?.integer(9) }
    }

    @Test(arguments: TestStore.allCases) func anErrorUndoesTheTransaction(_ store: TestStore) async throws {
        let database = try await table(store)
        await #expect(throws: Stop.self) {
            try await database.write { connection in
                try connection.run("INSERT INTO t (a) VALUES (1)")
                throw Stop()
            }
        }
        #expect(try await count(database) == 0)
    }

    @Test(arguments: TestStore.allCases) func aSavepointUndoesItsPartOnly(_ store: TestStore) async throws {
        let database = try await table(store)
        try await database.write { connection in
            try connection.run("INSERT INTO t (a) VALUES (1)")
            #expect(throws: Stop.self) {
                try connection.savepoint {
                    try connection.run("INSERT INTO t (a) VALUES (2)")
                    throw Stop()
                }
            }
            #expect(try connection.savepoint { try connection.run("INSERT INTO t (a) VALUES (3)") } == 1)
        }
        #expect(try await count(database) == 2)
    }

    @Test(arguments: TestStore.allCases) func aBrokenRuleIsAConstraintFault(_ store: TestStore) async throws {
        let database = try await table(store)
        let fault = await #expect(throws: SQLFault.self) {
            try await database.write { connection in
                try connection.run("INSERT INTO t (a) VALUES (1)")
                try connection.run("INSERT INTO t (a) VALUES (1)")
            }
        }
        guard case .constraint = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
    }

    @Test(arguments: TestStore.shared) func aReadSeesOneSnapshotAndChangesNothing(_ store: TestStore) async throws {
        let database = try await table(store)
        let (isReading, goesOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        async let counts = database.readLong { connection in
            let before = try connection.first("SELECT count(*) FROM t")?.integer(0)
            isReading.signal()
            goesOn.wait()
            return (before, try connection.first("SELECT count(*) FROM t")?.integer(0))
        }
        defer { goesOn.signal() }  // Also after a failure nobody stays there.
        try await database.write { connection in
            isReading.wait()
            _ = try connection.run("INSERT INTO t VALUES (1)")
        }
        #expect(try await count(database) == 1)
        goesOn.signal()
        #expect(try await counts == (0, 0))
        await #expect(throws: SQLFault.self) {
            try await database.read { _ = try $0.run("INSERT INTO t VALUES (2)") }
        }
        try database.close()
    }

    @Test(arguments: TestStore.allCases) func closedItRefuses(_ store: TestStore) async throws {
        let database = try await table(store)
        try database.close()
        try database.close()
        await #expect(throws: SQLFault.failed("the database is closed")) { _ = try await count(database) }
        await #expect(throws: SQLFault.failed("the database is closed")) { try await database.write { _ in } }
    }

    @Test(arguments: TestStore.allCases) func aStatementInsideItsOwnRowsIsAnother(_ store: TestStore) async throws {
        let database = try await table(store)
        let pairs = try await database.write { connection in
            for number in Int64(1)...3 { try connection.run("INSERT INTO t VALUES ($1)", [.integer(number)]) }
            let all: SQL = "SELECT a FROM t ORDER BY a"
            var pairs = 0
            try connection.each(all, []) { _ in
                try connection.each(all, []) { _ in
                    pairs += 1
                    return true
                }
                return true
            }
            return pairs
        }
        #expect(pairs == 9)
    }

    @Test(arguments: TestStore.allCases) func tooFewOrTooManyValuesAreRefused(_ store: TestStore) async throws {
        let database = try await table(store)
        for values: [SQLValue] in [[], [.integer(1)], [.integer(1), .integer(2), .integer(3)]] {
            let fault = await #expect(throws: SQLFault.self) {
                try await database.read { _ = try $0.first("SELECT $2, $1", values) }
            }
            guard case .refused = fault else {
                Issue.record("\(String(describing: fault))")
                continue
            }
        }
    }

    private func table(_ store: TestStore) async throws -> TestDatabase {
        let database = try await store.open()
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT PRIMARY KEY)"] }])
        return database
    }

    private func count(_ database: TestDatabase) async throws -> Int64? {
        try await database.read { try $0.first("SELECT count(*) FROM t")?.integer(0) }
    }
}

struct Stop: Error {}
