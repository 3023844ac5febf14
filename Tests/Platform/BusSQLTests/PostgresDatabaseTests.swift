import BusCore
import BusRuntime
import BusSQL
import Dispatch
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// What PostgreSQL alone can do to a store.
struct PostgresDatabaseTests {
    /// A store with the table `t`, and its schema.
    private func table(_ cluster: PostgresCluster? = nil) async throws -> (PostgresDatabase, schema: String) {
        let schema = TestDatabase.nextSchema()
        let database = try await PostgresDatabase(
            cluster?.url ?? PostgresCluster.shared.url, store: "test", schema: schema)
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT PRIMARY KEY)"] }])
        return (database, schema)
    }

    @Test func differentStoresMakeOneNewSchemaAtOnce() async throws {
        for round in 0..<5 {
            let schema = "together_\(UInt32.random(in: 0...UInt32.max))_\(round)"
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        let database = try await PostgresDatabase(
                            PostgresCluster.shared.url, store: "store_\(number)", schema: schema)
                        try await database.migrate("store_\(number)", [])
                        try database.close()
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func aServerThatWentAwayIsFoundAgain() async throws {
        let cluster = try PostgresCluster()
        let (database, _) = try await table(cluster)
        let heard = Mutex<[String]>([])
        database.news.listen { item in
            switch item {
            case .connected: heard.withLock { $0.append("connected") }
            case .message(let text): heard.withLock { $0.append(text) }
            }
        }
        try await eventually("it listens") { database.news.isListening ? true : nil }
        try await database.write { _ = try $0.run("INSERT INTO t VALUES (1)") }
        for number in Int64(2)...3 {
            cluster.stop()
            let lost = await #expect(throws: SQLFault.self) {
                try await database.write { _ = try $0.run("INSERT INTO t VALUES (100)") }
            }
            #expect(lost?.isOfTheDatabase == true, "\(String(describing: lost))")
            await #expect(throws: SQLFault.self) { try await database.read { _ = try $0.first("SELECT a FROM t") } }
            cluster.start()
            try await eventually("a write succeeds") {
                try? await database.write { try $0.run("INSERT INTO t VALUES ($1)", [.integer(number)]) }
            }
            try await eventually("it listens again") { database.news.isListening ? true : nil }
        }
        let stored = try await eventually("a read succeeds") {
            try? await database.read { try $0.rows("SELECT a FROM t ORDER BY a").map { try $0.integer(0) } }
        }
        #expect(stored == [1, 2, 3])
        database.news.tell(["after all"])
        try await eventually("the message is heard") { heard.withLock { $0.last == "after all" } ? true : nil }
        #expect(heard.withLock { $0.filter { $0 == "connected" }.count } == 3)
        try database.close()
    }

    @Test(arguments: [
        ("postgres://nobody@/postgres?host=", "role"), ("postgres://bus@/nowhere?host=", "nowhere"),
        ("postgres://bus:CANARY@127.0.0.1:1/postgres?a=", ""),
    ]) func whoCannotLogInIsToldWhatToCheck(_ address: String, _ word: String) async throws {
        let folder = try PostgresCluster.shared.address().split(separator: "host=")[1]
        let text = address.hasSuffix("host=") ? address + folder : String(address.dropLast(3))
        let url = try PostgresURL(Secret(text))
        let fault = await #expect(throws: SQLFault.self) { _ = try await PostgresDatabase(url, store: "test") }
        let description = try #require(fault).description
        guard case .unreachable? = fault else {
            Issue.record("\(description)")
            return
        }
        #expect(description.contains(word) && description.contains("check that it runs"), "\(description)")
        #expect(!description.contains("CANARY") && !"\(url)\(String(reflecting: url))".contains("CANARY"))
    }

    @Test(arguments: ["postgres://u:CA@NARY@h/d", "postgres://u:CANARY%zz@h/d", "CANARY"])
    func aTextThatIsNoURLIsNotQuoted(_ text: String) {
        let fault = #expect(throws: PostgresURLFault.self) { _ = try PostgresURL(Secret(text)) }
        #expect(fault?.description.contains("NARY") == false)
    }

    /// Whether a fault is the change's own or the database's decides who is answered 503.
    @Test func faultsAreThoseOfTheChangeOrOfTheDatabase() async throws {
        let (database, _) = try await table()
        func raise(_ sql: SQL) async -> String {
            do {
                try await database.write { connection in
                    try connection.run("INSERT INTO t VALUES (1)")
                    try connection.run(sql)
                }
                return "none"
            } catch {
                return String("\(error as? SQLFault ?? .failed("another"))".prefix { $0 != ":" })
            }
        }
        #expect(await raise("INSERT INTO t VALUES (1)") == "a database rule was broken")
        #expect(await raise("INSERT INTO nowhere VALUES (1)") == "the database refused a statement")
        #expect(await raise("CREATE TABLE t (a BIGINT)") == "tables of another program are in the way")
        #expect(await raise("DO 'BEGIN RAISE SQLSTATE ''53100''; END'") == "the database failed", "disk full")
        #expect(await raise("DO 'BEGIN RAISE SQLSTATE ''25006''; END'") == "the database failed", "a standby")
        #expect(await raise("DO 'BEGIN RAISE SQLSTATE ''40001''; END'") == "the database failed", "not serializable")
        #expect(
            await raise("SELECT pg_terminate_backend(pg_backend_pid())") == "the database cannot be reached", "lost")
        let stored = try await database.read { try $0.first("SELECT count(*) FROM t")?.integer(0) }
        #expect(stored == 0)
        try await database.write { _ = try $0.run("INSERT INTO t VALUES (1)") }
        try database.close()
    }

    /// PostgreSQL answers the commit of a failed transaction as if all were well.
    @Test func aFailureThatWasSwallowedIsNotCommitted() async throws {
        let (database, _) = try await table()
        await #expect(throws: SQLFault.self) {
            try await database.write { connection in
                try connection.run("INSERT INTO t VALUES (1)")
                #expect(throws: SQLFault.self) { try connection.run("INSERT INTO t VALUES (1)") }
            }
        }
        try await database.write { _ = try $0.run("INSERT INTO t VALUES (1)") }
        try database.close()
    }

    @Test(arguments: ["on", "off"]) func onlyWhatNeedsNoSyncIsCommittedWithoutOne(_ default: String) async throws {
        let address = "\(try PostgresCluster.shared.address())&options=-csynchronous_commit%3D\(`default`)"
        let database = try await PostgresDatabase(PostgresURL(Secret(address)), store: "test")
        for (durability, expected) in [
            (Durability.synced, "on"), (.unsynced, "off"), (.synced, "on"), (.unsynced, "off"), (.unsynced, "off"),
        ] {
            let value = try await withCheckedThrowingContinuation { continuation in
                database.write(durability) {
                    try $0.first("SHOW synchronous_commit")?.text(0)
                } then: {
                    continuation.resume(with: $0)
                }
            }
            #expect(value == expected)
        }
        try database.close()
    }

    @Test func rowsThatNobodyReadsAreLeftOut() async throws {
        let (database, _) = try await table()
        let rows: SQL = "SELECT n FROM generate_series(1, 50000) AS n"
        let (first, others) = try await database.read { connection in
            let first = try connection.first(rows)?.integer(0)
            var others: [Int64] = []
            try connection.each(rows, []) { row in
                others.append(try connection.first("SELECT $1 + 1", [.integer(try row.integer(0))])?.integer(0) ?? 0)
                return others.count < 3
            }
            return (first, others)
        }
        #expect(first == 1 && others == [2, 3, 4])
        try database.close()
    }

    @Test func aTransactionSeesWhatTheOneBeforeItOnAnotherNodeHasStored() async throws {
        let (first, schema) = try await table()
        let second = try await PostgresDatabase(PostgresCluster.shared.url, store: "test", schema: schema)
        let isWriting = Signal()
        let goesOn = DispatchSemaphore(value: 0)
        async let one: Void = first.write { connection in
            isWriting.ring()
            goesOn.wait()  // On the database's own thread.
            _ = try connection.run("INSERT INTO t VALUES (1)")
        }
        defer { goesOn.signal() }  // Also after a failure nobody stays there.
        await isWriting.wait()
        async let seen = second.write { try $0.first("SELECT count(*) FROM t")?.integer(0) }
        // It stands before the lock, and the server says so.
        try await eventually("the second one waits") {
            try await first.read {
                try $0.first("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != nil ? true : nil
            }
        }
        goesOn.signal()
        try await one
        #expect(try await seen == 1)
        for database in [first, second] { try database.close() }
    }
}
