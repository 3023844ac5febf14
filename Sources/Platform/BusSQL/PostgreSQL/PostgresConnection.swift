import BusCore
import Glibc

/// One connection to a PostgreSQL database and its transactions; one thread at a time may use it.
final class PostgresConnection: SQLConnection {
    /// What a connection is for.
    enum Purpose: Sendable {
        /// Transactions that hold the lock of this number, one at a time among all nodes.
        case writing(lock: Int64)
        case reading
        case readingLong
        /// Messages between nodes.
        case telling

        fileprivate var statementSeconds: Int {
            switch self {
            case .writing, .reading, .telling: Limits.postgresStatementSeconds
            case .readingLong: Limits.postgresLongStatementSeconds
            }
        }
    }

    private let link: PostgresLink
    private let purpose: Purpose

    /// Connects; unqualified tables are those of the schema, which need not exist yet.
    init(_ url: PostgresURL, schema: String?, for purpose: Purpose) throws {
        self.purpose = purpose
        link = try PostgresLink(
            url, patience: .seconds(purpose.statementSeconds + Limits.postgresSilenceSeconds))
        try set("statement_timeout", "\(purpose.statementSeconds)s")
        try set("lock_timeout", "\(Limits.postgresStatementSeconds)s")
        // Ends a transaction whose process stands still, so that its lock does not stop the other nodes.
        try set("idle_in_transaction_session_timeout", "\(purpose.statementSeconds)s")
        if let schema { try set("search_path", "\"\(schema)\"") }
        // A deployment may turn this off for all its databases, and a commit would be answered before it is on the disk.
        let durable: SQL = """
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """
        try each(durable, []) { _ in true }
    }

    /// False after a loss.
    var isOpen: Bool { link.isOpen }

    /// What tells the server from another thread to stop; `PQfreeCancel` ends it.
    func makeCancel() -> OpaquePointer? { link.makeCancel() }

    /// Gives the connection back.
    func close() { link.close() }

    private func set(_ name: String, _ value: String) throws {
        try each("SELECT set_config($1, $2, false)", [.text(name), .text(value)]) { _ in true }
    }

    // MARK: Transactions

    /// Begins a transaction: one snapshot for a reader, the lock of all nodes for a writer.
    ///
    /// Numbers that grow while a transaction runs become visible in their order only if one transaction at a time gives
    /// them out. The lock is given back after the commit has become visible.
    func begin(_ durability: Durability) throws {
        var answers: [PostgresAnswer] = []
        switch purpose {
        case .reading, .readingLong:
            answers.append(try link.send(once: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        case .writing(let lock):
            // Each statement after the lock sees what the transaction before it has changed.
            answers.append(try link.send(once: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"))
            answers.append(try link.send("SELECT pg_advisory_xact_lock($1)", [.integer(lock)]))
            if durability == .unsynced {
                answers.append(try link.send(once: "SET LOCAL synchronous_commit = off"))
            }
        case .telling: answers.append(try link.send(once: "BEGIN"))
        }
        try link.finish()
        do {
            for answer in answers { _ = try answer.changed() }
        } catch {
            link.close()
            throw error
        }
    }

    /// Runs `body` in the transaction that has begun; a writer's is committed, and an error rolls it back.
    func complete<Value>(_ body: (any SQLConnection) throws -> Value) throws -> Value {
        do {
            let value = try body(self)
            try link.finish()
            switch purpose {
            case .writing, .telling:
                // Committing a transaction that has failed would roll it back and call that a success.
                guard link.isInTransaction else { throw SQLFault.refused("the transaction ended before its time") }
                try control("COMMIT")
            case .reading, .readingLong: try control("ROLLBACK")
            }
            return value
        } catch {
            try? link.finish()  // What is still under way, whose answers nobody wants.
            // When this fails too, the connection is closed, and that ends the transaction.
            if link.hasBegun { try? control("ROLLBACK") }
            if link.hasBegun || (error as? SQLFault)?.isOfTheDatabase == true { link.close() }
            throw error
        }
    }

    // MARK: Statements

    func each(_ sql: SQL, _ values: [SQLValue], _ body: (SQLRow) throws -> Bool) throws {
        let answer = try link.send(sql, values)
        let rows = try link.finish(reading: answer)
        do {
            while let row = try rows.next() {
                if try !body(row) { break }
            }
        } catch {
            try rows.end()
            throw error
        }
        try rows.end()
    }

    func run(_ sql: SQL, _ values: [SQLValue]) throws -> Int {
        let answer = try link.send(sql, values)
        try link.finish()
        return try answer.changed()
    }

    func start(_ sql: SQL, _ values: [SQLValue]) throws -> SQLPending {
        let answer = try link.send(sql, values)
        return SQLPending { [link] in
            try link.finish()
            return try answer.changed()
        }
    }

    // MARK: News

    /// Asks for the messages of a channel.
    func listen(to channel: String) throws { try control("LISTEN \"\(channel)\"") }

    /// The next message that has arrived.
    func takeNotification() throws -> String? { try link.takeNotification() }

    /// Waits until something arrives, or until the other descriptor is readable.
    func waitForNotification(or other: Int32) {
        var entries = [link.socket, other].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
        poll(&entries, 2, -1)
    }

    private func control(_ text: String) throws {
        let answer = try link.send(once: text)
        try link.finish()
        _ = try answer.changed()
    }
}
