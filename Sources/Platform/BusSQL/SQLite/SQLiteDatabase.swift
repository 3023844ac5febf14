import BusCore
import Foundation
import GRDB
import Glibc

/// A SQLite file with one writer and a few readers, or a private database in memory.
package struct SQLiteDatabase: SQLDatabase {
    private let writer: any DatabaseWriter
    private let file: OpenedFile?

    /// How SQLite differs from other engines.
    package var dialect: SQLDialect { .sqlite }

    /// Opens or creates a file; its folder is created for the owner alone.
    ///
    /// Any number of processes may open one new file at the same moment.
    package init(path: String) async throws {
        (writer, file) = try SQLiteDatabase.openFile(path)
    }

    /// It never suspends: a task that waits for the lock blocks its thread, so the holder must not need another one.
    private static func openFile(_ path: String) throws -> (DatabasePool, OpenedFile) {
        try createFolder(of: path)
        let lock = try OpeningLock(path: path)
        defer { withExtendedLifetime(lock) {} }
        try createFile(path)
        var configuration = configuration
        configuration.maximumReaderCount = Limits.sqliteReadersMax
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            // Turning WAL on lowers `synchronous` to NORMAL, which answers a commit before it is on the disk.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            return (pool, try OpenedFile(path: path))
        } catch {
            throw (error as? SQLFault) ?? SQLFault(error)
        }
    }

    /// A database in memory that lasts as long as this value.
    package init() throws {
        file = nil
        do { writer = try DatabaseQueue(configuration: SQLiteDatabase.configuration) } catch { throw SQLFault(error) }
    }

    /// Runs `body` on one consistent snapshot.
    package func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        do {
            return try await writer.read { [file] database in
                try file?.requireInPlace()
                return try body(SQLiteConnection(database: database))
            }
        } catch let error as DatabaseError {
            throw SQLFault(error)
        }
    }

    /// Runs `body` in one transaction, synced to storage before this returns; an error rolls it back.
    package func write<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        do {
            return try await writer.write { [file] database in
                let value = try body(SQLiteConnection(database: database))
                try file?.requireInPlace()
                return value
            }
        } catch let error as DatabaseError {
            throw SQLFault(error)
        }
    }

    /// Waits for running transactions and closes the file.
    package func close() throws {
        do { try writer.close() } catch { throw SQLFault(error) }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(Double(Limits.sqliteBusySeconds))
        return configuration
    }

    private static func createFolder(of path: String) throws {
        let files = FileManager.default
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent().path
        if !files.fileExists(atPath: folder) {
            do {
                try files.createDirectory(
                    atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw SQLFault.unusablePath(folder)
            }
        }
    }

    /// Creates a missing file.
    ///
    /// An existing one is not opened here, because closing it would end SQLite's locks on it.
    private static func createFile(_ path: String) throws {
        // The write-ahead log and its index take over the permissions of the file.
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if descriptor >= 0 {
            Glibc.close(descriptor)
        } else if errno != EEXIST {
            throw SQLFault.unusablePath(path)
        }
    }
}

/// The identity of the opened file.
///
/// A removed file would still take changes and lose them with the process.
private struct OpenedFile {
    private let path: String
    private let device: dev_t
    private let number: ino_t

    init(path: String) throws {
        guard let found = OpenedFile.find(path) else { throw SQLFault.unusablePath(path) }
        self.path = path
        device = found.st_dev
        number = found.st_ino
    }

    func requireInPlace() throws {
        guard let found = OpenedFile.find(path), found.st_dev == device, found.st_ino == number else {
            throw SQLFault.failed("the file was removed or replaced while it was open")
        }
    }

    private static func find(_ path: String) -> stat? {
        var found = stat()
        return stat(path, &found) == 0 ? found : nil
    }
}

private struct SQLiteConnection: SQLConnection {
    let database: Database

    func each(_ sql: SQL, _ values: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        do {
            let statement = try database.cachedStatement(sql: sql.positionalText)
            let rows = try Row.fetchCursor(statement, arguments: SQLiteConnection.arguments(values))
            while let row = try rows.next() {
                if !(try body(SQLRow((0..<row.count).map { SQLValue(row[$0] as DatabaseValue) }))) { return }
            }
        } catch let error as DatabaseError {
            throw SQLFault(error)
        }
    }

    func run(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        do {
            try database.cachedStatement(sql: sql.positionalText)
                .execute(arguments: SQLiteConnection.arguments(values))
            return database.changesCount
        } catch let error as DatabaseError {
            throw SQLFault(error)
        }
    }

    func savepoint<T>(_ body: () throws -> T) throws -> T {
        try run("SAVEPOINT bus_change")
        do {
            let value = try body()
            try run("RELEASE bus_change")
            return value
        } catch let fault as SQLFault where fault.isOfTheDatabase {
            // The transaction may have ended already, and must not be committed.
            throw fault
        } catch {
            do {
                try run("ROLLBACK TO bus_change")
                try run("RELEASE bus_change")
            } catch {
                throw SQLFault.failed("a change could not be undone: \(error)")
            }
            throw error
        }
    }

    private static func arguments(_ values: [SQLValue]) -> StatementArguments {
        // Of values of one type it would take each through a key path that it makes anew with every statement.
        StatementArguments(values.map { $0.databaseValue as (any DatabaseValueConvertible)? })
    }
}

extension SQLValue {
    fileprivate var databaseValue: DatabaseValue {
        switch self {
        case .null: .null
        case .integer(let value): value.databaseValue
        case .text(let value): value.databaseValue
        case .blob(let value): Data(value).databaseValue
        }
    }

    fileprivate init(_ value: DatabaseValue) {
        switch value.storage {
        case .null: self = .null
        case .int64(let value): self = .integer(value)
        case .double(let value): self = .text(String(value))
        case .string(let value): self = .text(value)
        case .blob(let value): self = .blob([UInt8](value))
        }
    }
}

extension SQLFault {
    fileprivate init(_ error: any Error) {
        guard let error = error as? DatabaseError else {
            self = .failed("\(error)")
            return
        }
        // The statement's values are left out: they may be payloads.
        let detail = "\(error.resultCode) \(error.message ?? "")"
        switch error.resultCode {
        case .SQLITE_CONSTRAINT: self = .constraint(detail)
        case .SQLITE_ERROR, .SQLITE_TOOBIG, .SQLITE_MISMATCH, .SQLITE_RANGE: self = .refused(detail)
        default: self = .failed(detail)
        }
    }
}
