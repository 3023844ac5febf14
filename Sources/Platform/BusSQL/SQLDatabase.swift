/// A database with transactions: one SQL text, several engines.
package protocol SQLDatabase: Sendable {
    /// How the engine differs from others.
    var dialect: SQLDialect { get }

    /// Runs `body` on one consistent snapshot, on the calling thread: for reads that an index and a bound keep short.
    func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T

    /// Runs `body` on one consistent snapshot, on a thread that may take its time.
    func readLong<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T

    /// Runs `body` in one transaction on the thread that writes, and calls `completion` there after the commit; an error
    /// rolls it back.
    func write<T: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void)

    /// Waits for running transactions and gives everything back.
    ///
    /// It blocks its thread.
    func close() throws
}

/// What a committed change outlives.
package enum Durability: Sendable {
    /// A power cut: the commit is synced to storage, and with it all that was committed before.
    case synced
    /// Its process. A power cut may take it, and then takes everything that was committed after it too.
    case unsynced
}

extension SQLDatabase {
    /// Runs `body` in one transaction, committed and synced to storage before this returns; an error rolls it back.
    package func write<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            write(.synced, body) { continuation.resume(with: $0) }
        }
    }
}

/// A connection inside a transaction; valid only in the closure it was given to, never stored.
package protocol SQLConnection {
    /// Hands the rows of a query to `body` one by one until it returns false.
    func each(_ sql: SQL, _ values: [SQLValue], _ body: (SQLRow) throws -> Bool) throws

    /// Runs a statement that changes data and returns how many rows it changed.
    @discardableResult
    func run(_ sql: SQL, _ values: [SQLValue]) throws -> Int

    /// Begins a statement that changes data; several that are begun one after the other travel together.
    func start(_ sql: SQL, _ values: [SQLValue]) throws -> SQLPending
}

extension SQLConnection {
    /// All rows of a query that is known to have few.
    package func rows(_ sql: SQL, _ values: [SQLValue] = []) throws -> [SQLRow] {
        var rows: [SQLRow] = []
        try each(sql, values) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    /// The first row of a query.
    package func first(_ sql: SQL, _ values: [SQLValue] = []) throws -> SQLRow? {
        var first: SQLRow?
        try each(sql, values) { row in
            first = row
            return false
        }
        return first
    }

    /// Runs `body`; when it throws, its changes are undone and the transaction goes on, unless the database failed.
    package func savepoint<T>(_ body: () throws -> T) throws -> T {
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

    /// Runs a statement without values.
    @discardableResult
    package func run(_ sql: SQL) throws -> Int { try run(sql, []) }
}

/// A statement that was begun; valid only inside its transaction.
package struct SQLPending {
    private let read: () throws -> Int

    init(_ read: @escaping () throws -> Int) {
        self.read = read
    }

    /// Waits for its end and returns how many rows it changed.
    package func changed() throws -> Int { try read() }
}

/// SQL text from a literal in the source, so that no value can become part of it.
package struct SQL: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The text with `$1` parameters.
    package let text: String

    /// A statement as it stands in the source.
    package init(stringLiteral literal: StaticString) {
        self.init(text: "\(literal)")
    }

    /// The name of a table or schema that was checked to be a plain word.
    init(name: String) {
        self.init(text: name)
    }

    private init(text: String) {
        self.text = text
    }

    /// Few statements have one length, and hashing a whole text can cost more than running it.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(text.utf8.count)
    }

    /// Joins two pieces of one statement.
    package static func + (left: SQL, right: SQL) -> SQL {
        SQL(text: left.text + right.text)
    }
}

/// A value that goes into a parameter or comes out of a column.
package enum SQLValue: Sendable, Hashable {
    case null
    case integer(Int64)
    /// Text without U+0000, which engines cut at or refuse.
    case text(String)
    case blob([UInt8])

    /// A text; null for nil.
    package static func optional(_ text: String?) -> SQLValue {
        text.map { .text($0) } ?? .null
    }
}

/// One row, its columns by position.
package struct SQLRow: Sendable {
    let values: [SQLValue]

    /// A row of these columns.
    package init(_ values: [SQLValue]) {
        self.values = values
    }

    /// An integer column.
    package func integer(_ column: Int) throws(SQLFault) -> Int64 {
        guard case .integer(let value) = try value(column) else { throw .column(column) }
        return value
    }

    /// A text column.
    package func text(_ column: Int) throws(SQLFault) -> String {
        guard case .text(let value) = try value(column) else { throw .column(column) }
        return value
    }

    /// An integer column that may be null.
    package func integerOrNil(_ column: Int) throws(SQLFault) -> Int64? {
        if case .null = try value(column) { return nil }
        return try integer(column)
    }

    /// A text column that may be null.
    package func textOrNil(_ column: Int) throws(SQLFault) -> String? {
        if case .null = try value(column) { return nil }
        return try text(column)
    }

    /// A text column, or nil when a damaged row holds something else.
    package func readableText(_ column: Int) throws(SQLFault) -> String? {
        if case .text(let value) = try value(column) { return value }
        return nil
    }

    private func value(_ column: Int) throws(SQLFault) -> SQLValue {
        guard values.indices.contains(column) else { throw .column(column) }
        return values[column]
    }
}

/// Why a database did not do what it was asked.
package enum SQLFault: Error, Equatable, Sendable {
    /// A unique, foreign-key or check rule was broken.
    case constraint(String)
    /// A column is missing or of another type than the code expects.
    case column(Int)
    /// The stored schema is newer than this program knows.
    case newerSchema(name: String, stored: Int64, known: Int64)
    /// The folder or file cannot be used.
    case unusablePath(String)
    /// Somebody else has the file open.
    case inUse(String)
    /// A move into the database has begun and not ended.
    case moving(String)
    /// Nobody answers at the database's address, or the login is refused.
    case unreachable(String)
    /// The database has tables of these names already, from another program.
    case taken(String)
    /// A statement or one of its values does not suit the database.
    case refused(String)
    /// The content of a stored row is damaged.
    case unreadable(String)
    /// The database itself fails: disk full, locked, damaged, unreachable.
    case failed(String)
}

extension SQLFault {
    /// True when every other change would fail too.
    ///
    /// Otherwise the fault belongs to one change.
    package var isOfTheDatabase: Bool {
        switch self {
        case .failed, .unusablePath, .unreachable: true
        case .constraint, .column, .newerSchema, .inUse, .moving, .refused, .taken, .unreadable: false
        }
    }

    /// True when another setting is the remedy, and trying again is not.
    package var isAboutTheFile: Bool {
        switch self {
        case .unusablePath, .newerSchema, .taken, .inUse, .moving: true
        case .constraint, .column, .refused, .unreadable, .unreachable, .failed: false
        }
    }
}

extension SQLFault: CustomStringConvertible {
    /// Lower-case fact, then the remedy.
    package var description: String {
        switch self {
        case .constraint(let detail): "a database rule was broken: \(detail)"
        case .column(let column): "column \(column) is missing or has an unexpected type; restore the schema"
        case .newerSchema(let name, let stored, let known):
            """
            the \(name) schema has version \(stored), this program knows up to \(known); \
            start a newer program or another database
            """
        case .unusablePath(let detail): "the database file cannot be used: \(detail); check its folder and permissions"
        case .inUse(let path): "another program has \(path) open; stop the services that use it"
        case .moving(let schema):
            "a move of the \(schema) tables into this database has not ended; run it again to its end"
        case .unreachable(let detail):
            "the database cannot be reached: \(detail); check that it runs, its address and the login"
        case .taken(let detail):
            "tables of another program are in the way: \(detail); use another schema or another database"
        case .refused(let detail):
            "the database refused a statement: \(detail); check the schema and the login's rights"
        case .unreadable(let detail): "\(detail); restore the row from a backup"
        case .failed(let detail): "the database failed: \(detail); check disk space and permissions"
        }
    }
}
