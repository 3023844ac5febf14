import BusCore
import Dispatch
import FoundationEssentials
import TestSupport
import Testing

@testable import BusSQL

struct SQLiteDatabaseTests {
    @Test func theWriterSyncsEveryCommit() async throws {
        let folder = try TemporaryFolder()
        let database = try await SQLiteDatabase(path: folder.path + "/bus/events.sqlite")
        let (mode, synchronous, foreignKeys) = try await database.write { connection in
            (
                try connection.first("PRAGMA journal_mode")?.text(0),
                try connection.first("PRAGMA synchronous")?.integer(0),
                try connection.first("PRAGMA foreign_keys")?.integer(0)
            )
        }
        #expect(mode == "wal")
        #expect(synchronous == 2)
        #expect(foreignKeys == 1)
        try database.close()
    }

    @Test func everyCommitIsAsDurableAsItAsksFor() async throws {
        let folder = try TemporaryFolder()
        let database = try await SQLiteDatabase(path: folder.path + "/events.sqlite")
        func level(_ durability: Durability) async throws -> Int64? {
            try await withCheckedThrowingContinuation { continuation in
                database.write(durability) {
                    try $0.first("PRAGMA synchronous")?.integer(0)
                } then: {
                    continuation.resume(with: $0)
                }
            }
        }
        for _ in 0..<2 {
            #expect(try await level(.unsynced) == 1)
            #expect(try await level(.synced) == 2)
            #expect(try await level(.synced) == 2)
        }
        try database.close()
    }

    @Test func onlyTheOwnerMayReadFolderAndFiles() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/deep/bus/events.sqlite"
        let database = try await SQLiteDatabase(path: path)
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT)"] }])
        func permissions(_ path: String) throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        }
        #expect(try permissions(folder.path + "/deep/bus") == 0o700)
        #expect(try permissions(path) == 0o600)
        #expect(try permissions(path + "-wal") == 0o600)
        #expect(try permissions(path + ".lock") == 0o600)
        try database.close()
    }

    @Test func aPathThatCannotBeAFileIsRefused() async throws {
        await #expect(throws: SQLFault.self) { try await SQLiteDatabase(path: "/proc/none/events.sqlite") }
    }

    /// Without the lock, turning on the write-ahead log fails with "database is locked".
    @Test func manyMayOpenOneNewFileAtOnce() async throws {
        for await _ in Rounds(6, proof: 300) {
            let folder = try TemporaryFolder()
            let path = folder.path + "/bus/new.sqlite"
            let migration = SQLMigration { _ in ["CREATE TABLE t (a BIGINT PRIMARY KEY)"] }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in Int64(0)..<16 {
                    group.addTask {
                        let database = try await SQLiteDatabase(path: path)
                        try await database.migrate("test", [migration])
                        try await database.write { _ = try $0.run("INSERT INTO t VALUES ($1)", [.integer(number)]) }
                        try database.close()
                    }
                }
                try await group.waitForAll()
            }
            let database = try await SQLiteDatabase(path: path)
            #expect(try await count(database) == 16)
            try database.close()
        }
    }

    /// A change that goes on after SQLite has ended its transaction would commit by itself.
    @Test func nothingIsStoredAfterTheTransactionHasEnded() async throws {
        let database = try await table()
        let fault = await #expect(throws: SQLFault.self) {
            try await database.write { connection in
                try connection.run("INSERT INTO t VALUES (1)")
                #expect(throws: SQLFault.self) { try connection.run("INSERT OR ROLLBACK INTO t VALUES (1)") }
                try connection.run("INSERT INTO t VALUES (2)")
            }
        }
        #expect(fault?.isOfTheDatabase == true)
        #expect(try await count(database) == 0)
        try await database.write { _ = try $0.run("INSERT INTO t VALUES (3)") }
        #expect(try await count(database) == 1)
    }

    /// The log's pages go to the file in the background, and the log begins anew under constant load.
    @Test func theLogDoesNotGrowWithoutEnd() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/t.sqlite"
        let database = try await SQLiteDatabase(path: path)
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT, b BLOB)"] }])
        let bytes = [UInt8](repeating: 7, count: 4 << 20)
        func size(_ path: String) throws -> Int {
            try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        }
        for number in Int64(0)..<40 {
            try await database.write { connection in
                _ = try connection.run("INSERT INTO t VALUES ($1, $2)", [.integer(number % 2), .blob(bytes)])
            }
        }
        #expect(try size(path + "-wal") < 2 * Limits.sqliteLogPagesMax * 4_096)
        #expect(try size(path) > 10 << 20, "nothing was copied to the file")
        #expect(try await count(database) == 40)
        try database.close()
    }

    /// Each copying syncs the log and the file, so the next one waits for as many new pages.
    @Test func pagesAreCopiedAgainWhenEnoughHaveCome() throws {
        let folder = try TemporaryFolder()
        let connection = try SQLiteConnection(path: folder.path + "/t.sqlite", for: .writing)
        try connection.turnOnLog()
        func write(pages: Int) throws {
            let bytes = [UInt8](repeating: 7, count: pages * 4_096)
            try connection.transaction(.unsynced) { connection in
                _ = try connection.run("INSERT INTO t VALUES ($1)", [.blob(bytes)])
            }
        }
        try connection.transaction(.unsynced) { _ = try $0.run("CREATE TABLE t (a BLOB)", []) }
        #expect(!connection.needsCheckpoint)
        for _ in 0..<2 {
            try write(pages: Limits.sqliteCheckpointPages)
            #expect(connection.needsCheckpoint)
            connection.beginCheckpoint()
            try write(pages: Limits.sqliteCheckpointPages / 2)
            #expect(!connection.needsCheckpoint)
        }
        // Everything is copied, so the next commit begins the log anew, and counting with it.
        connection.checkpoint()
        try write(pages: Limits.sqliteCheckpointPages / 2)
        #expect(!connection.needsCheckpoint)
        try write(pages: Limits.sqliteCheckpointPages / 2)
        #expect(connection.needsCheckpoint)
        connection.close()
    }

    private func table() async throws -> SQLiteDatabase {
        let database = try SQLiteDatabase()
        try await database.migrate("test", [SQLMigration { _ in ["CREATE TABLE t (a BIGINT PRIMARY KEY)"] }])
        return database
    }

    private func count(_ database: SQLiteDatabase) async throws -> Int64? {
        try await database.read { try $0.first("SELECT count(*) FROM t")?.integer(0) }
    }
}
