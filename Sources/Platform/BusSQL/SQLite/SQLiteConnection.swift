import BusCore
import CSQLite

/// One connection to a SQLite database; one thread at a time may use it.
final class SQLiteConnection: SQLConnection {
    /// What a connection is for.
    enum Purpose {
        case writing, reading
    }

    private var handle: OpaquePointer?
    private var statements: [SQL: SQLiteStatement] = [:]
    /// How the next commit treats the disk.
    private var durability = Durability.synced
    /// Pages in the write-ahead log after the last commit.
    private var logPages = 0 {
        didSet { if logPages < oldValue { checkpointPages = Limits.sqliteCheckpointPages } }
    }
    /// Pages from which the log's new ones are copied to the file.
    private var checkpointPages = Limits.sqliteCheckpointPages
    /// Pages from which the writer tries to begin a new log.
    private var restartPages = Limits.sqliteLogPagesMax

    /// Opens a database; `:memory:` is one in memory.
    init(path: String, for purpose: Purpose) throws(SQLFault) {
        _ = SQLiteConnection.keepsNoMemoryAccount
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK else { throw fault(code) }
        sqlite3_busy_timeout(handle, Int32(Limits.sqliteBusySeconds * 1_000))
        try execute("PRAGMA foreign_keys = ON")
        // Copying the log's pages in the middle of a commit would keep everybody waiting.
        try execute("PRAGMA wal_autocheckpoint = 0")
        // Said last by the writer too: turning the write-ahead log on may lower it.
        try execute("PRAGMA synchronous = FULL")
        switch purpose {
        case .reading: try execute("PRAGMA query_only = ON")
        case .writing:
            sqlite3_wal_hook(
                handle,
                { context, _, _, pages in
                    guard let context else { return SQLITE_OK }
                    Unmanaged<SQLiteConnection>.fromOpaque(context).takeUnretainedValue().logPages = Int(pages)
                    return SQLITE_OK
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    /// Said once, before anything is opened (docs/decisions/0028); if it came too late, the account would only cost time.
    private static let keepsNoMemoryAccount = sqlite_keep_no_memory_account()

    deinit { close() }

    /// Turns the write-ahead log on; it needs the database alone.
    func turnOnLog() throws {
        let handle = try open()
        guard let statement = SQLiteStatement("PRAGMA journal_mode = WAL", on: handle) else {
            throw fault(sqlite3_errcode(handle))
        }
        let code = statement.step()
        guard code == SQLITE_ROW else { throw fault(code) }
        guard try statement.row.text(0) == "wal" else {
            throw SQLFault.failed("the file takes no write-ahead log")
        }
        statement.reset()
        // Turning it on lowers this to NORMAL in some builds, which answers a commit before it is on the disk.
        try execute("PRAGMA synchronous = FULL")
    }

    /// Takes the file for this connection alone, at once or not at all.
    func takeAlone() throws {
        sqlite3_busy_timeout(try open(), 0)
        // Before the first look at the file: others show by their locks that they have it open.
        try execute("PRAGMA locking_mode = EXCLUSIVE")
        try execute("BEGIN EXCLUSIVE")
        try execute("COMMIT")
    }

    /// Ends every use; the database itself is closed with its last connection.
    func close() {
        statements = [:]
        sqlite3_close_v2(handle)
        handle = nil
    }

    // MARK: Transactions

    /// Runs `body` on one snapshot.
    func snapshot<Value>(_ body: (any SQLConnection) throws -> Value) throws -> Value {
        _ = try step("BEGIN", [])
        // Ends the transaction whatever happened; nothing was changed.
        defer { _ = try? step("ROLLBACK", []) }
        return try body(self)
    }

    /// Runs `body` and commits; an error of either rolls all of it back.
    func transaction<Value>(
        _ durability: Durability, _ body: (any SQLConnection) throws -> Value
    ) throws -> Value {
        try become(durability)
        _ = try step("BEGIN IMMEDIATE", [])
        do {
            let value = try body(self)
            try requireTransaction()
            _ = try step("COMMIT", [])
            return value
        } catch {
            // Some faults of the database have ended it already.
            if isInTransaction { _ = try step("ROLLBACK", []) }
            throw error
        }
    }

    /// Executed anew at each change and never kept: the pragma acts already when it is compiled.
    private func become(_ durability: Durability) throws(SQLFault) {
        guard durability != self.durability else { return }
        switch durability {
        case .synced: try execute("PRAGMA synchronous = FULL")
        case .unsynced: try execute("PRAGMA synchronous = NORMAL")
        }
        self.durability = durability
    }

    private var isInTransaction: Bool { handle.map { sqlite3_get_autocommit($0) == 0 } ?? false }

    /// Without this a statement after an ended transaction would commit by itself.
    private func requireTransaction() throws(SQLFault) {
        guard isInTransaction else { throw .failed("the transaction ended before its time") }
    }

    // MARK: Statements

    func each(_ sql: SQL, _ values: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        try requireTransaction()
        let statement = try statement(sql, values)
        defer { statement.reset() }
        while true {
            let code = statement.step()
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw fault(code) }
            if try !body(statement.row) { return }
        }
    }

    func run(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        try requireTransaction()
        return try step(sql, values)
    }

    func start(_ sql: SQL, _ values: [SQLValue]) throws -> SQLPending {
        let changed = try run(sql, values)
        return SQLPending { changed }
    }

    /// Runs a statement to its end and returns how many rows it changed.
    private func step(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        let statement = try statement(sql, values)
        defer { statement.reset() }
        while true {
            let code = statement.step()
            if code == SQLITE_DONE { return Int(sqlite3_changes64(handle)) }
            guard code == SQLITE_ROW else { throw fault(code) }
        }
    }

    /// The kept statement with its values; a fresh one while somebody still reads the rows of the kept one.
    private func statement(_ sql: SQL, _ values: [SQLValue]) throws(SQLFault) -> SQLiteStatement {
        let handle = try open()
        let statement: SQLiteStatement
        if let kept = statements[sql], !kept.isBusy {
            statement = kept
        } else {
            guard let compiled = SQLiteStatement(sql.text, on: handle) else { throw fault(sqlite3_errcode(handle)) }
            statements[sql] = compiled
            statement = compiled
        }
        let code = try statement.bind(values)
        if code != SQLITE_OK { throw fault(code) }
        return statement
    }

    private func execute(_ text: String) throws(SQLFault) {
        let code = sqlite3_exec(try open(), text, nil, nil, nil)
        if code != SQLITE_OK { throw fault(code) }
    }

    private func open() throws(SQLFault) -> OpaquePointer {
        guard let handle else { throw .failed("the database is closed") }
        return handle
    }

    private func fault(_ code: Int32) -> SQLFault {
        SQLFault(code: code, message: sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")
    }

    // MARK: The log

    /// True when so many pages came to the log since the last copying that they should be copied to the file.
    ///
    /// Copying begins with a sync of the log and ends with one of the file, so that each has to be worth it.
    var needsCheckpoint: Bool { logPages >= checkpointPages }

    /// Notes that a copying begins.
    func beginCheckpoint() { checkpointPages = logPages + Limits.sqliteCheckpointPages }

    /// Copies what nobody needs in the log any more to the file; writers and readers go on meanwhile.
    func checkpoint() {
        // A failure leaves the pages in the log, where they are safe, and a later commit comes back to it.
        if let handle { sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil) }
    }

    /// Begins the log anew when it has grown too long, unless a reader needs it for longer than a moment.
    func restartLogIfLong() {
        guard let handle else { return }
        if logPages < Limits.sqliteLogPagesMax { restartPages = Limits.sqliteLogPagesMax }
        guard logPages >= restartPages else { return }
        sqlite3_busy_timeout(handle, Int32(Limits.sqliteRestartMilliseconds))
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_RESTART, nil, nil)
        sqlite3_busy_timeout(handle, Int32(Limits.sqliteBusySeconds * 1_000))
        if code == SQLITE_OK { logPages = 0 } else { restartPages = logPages + Limits.sqliteCheckpointPages }
    }
}

extension SQLFault {
    fileprivate init(code: Int32, message: String) {
        // The statement's values are left out: they may be payloads.
        let detail = "\(code) (\(String(cString: sqlite3_errstr(code)))) \(message)"
        switch code & 0xFF {
        case SQLITE_CONSTRAINT: self = .constraint(detail)
        case SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_MISMATCH, SQLITE_RANGE: self = .refused(detail)
        default: self = .failed(detail)
        }
    }
}
