import BusCore
import NIOPosix
import Synchronization

/// A PostgreSQL database that several processes share: one thread that writes, and a few that read.
///
/// libpq blocks, so each connection has a thread of its own.
package final class PostgresDatabase: SQLDatabase {
    private let door: PostgresDoor
    private let writer: PostgresPool
    private let readers: PostgresPool
    private let longReaders: PostgresPool

    /// How PostgreSQL differs from other engines.
    package var dialect: SQLDialect { .postgres }

    /// Connects, so that a wrong address or login stops the start.
    ///
    /// - Parameters:
    ///   - store: What is kept there. Transactions of one store follow each other on all nodes.
    ///   - schema: Where the tables are, made when it is missing; nil is the one the login finds first.
    package init(_ url: PostgresURL, store: String, schema: String? = nil) async throws {
        door = PostgresDoor(url: url, schema: schema)
        writer = PostgresPool(door, .writing(lock: PostgresDatabase.lock("\(store) \(schema ?? "")")), count: 1)
        readers = PostgresPool(door, .reading, count: Limits.postgresReadersMax)
        longReaders = PostgresPool(door, .readingLong, count: Limits.postgresLongReadersMax)
        do {
            try await write { connection in
                guard let schema else { return }
                // Asked first: the login may use a schema that it must not make.
                let found = try connection.first("SELECT 1 FROM pg_namespace WHERE nspname = $1", [.text(schema)])
                if found == nil { try connection.run(SQL(creating: schema)) }
            }
        } catch {
            try? close()  // Nothing is open.
            throw error
        }
    }

    /// The same number in every process: 64-bit FNV-1a.
    private static func lock(_ text: String) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "bus \(text)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int64(bitPattern: hash)
    }

    /// Runs `body` on one consistent snapshot.
    package func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await readers.run(body)
    }

    /// Runs `body` on one consistent snapshot, on a thread that may take its time.
    package func readLong<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await longReaders.run(body)
    }

    /// Runs `body` in one transaction on the thread that writes, and then `completion`.
    package func write<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        writer.submit(body, then: completion)
    }

    /// Waits for running transactions and gives the connections back.
    package func close() throws {
        for pool in [writer, readers, longReaders] { try pool.close() }
    }
}

extension SQL {
    /// Makes a schema whose name holds nothing but letters, digits and underscores.
    fileprivate init(creating schema: String) throws(SQLFault) {
        guard PostgresSchema.isName(schema) else { throw .refused("\"\(schema)\" is not the name of a schema") }
        self = SQL("CREATE SCHEMA \"") + SQL(name: schema) + "\""
    }
}

/// The names that a schema may have with us.
package enum PostgresSchema {
    /// True for lower-case letters, digits and underscores, a letter first, 63 at most.
    package static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_")
        }
        return isPlain && 1...63 ~= text.utf8.count && text.first?.isLetter == true
    }
}

/// A few connections, each with the thread that waits for it.
final class PostgresPool: Sendable {
    private let threads: NIOThreadPool
    private let slots: [PostgresSlot]

    init(_ door: PostgresDoor, _ purpose: PostgresConnection.Purpose, count: Int) {
        slots = (0..<count).map { _ in PostgresSlot(door, purpose) }
        threads = NIOThreadPool(numberOfThreads: count)
        threads.start()
    }

    deinit { threads.shutdownGracefully { _ in } }

    /// Runs a transaction on a thread of the pool and then `completion`.
    func submit<T: Sendable>(
        _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        threads.submit { [slots] state in
            guard case .active = state else {
                return completion(.failure(SQLFault.failed("the database is closed")))
            }
            completion(Result { try PostgresSlot.use(slots, body) })
        }
    }

    func run<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await withCheckedThrowingContinuation { continuation in
            submit(body) { continuation.resume(with: $0) }
        }
    }

    func close() throws {
        try threads.syncShutdownGracefully()
        for slot in slots { slot.close() }
    }
}

/// The place of one connection, which is made when it is first used and again after a loss.
final class PostgresSlot: Sendable {
    private enum State {
        case empty
        case open(PostgresConnection)
        case closed
    }

    private let door: PostgresDoor
    private let purpose: PostgresConnection.Purpose
    private let state = Mutex(State.empty)

    init(_ door: PostgresDoor, _ purpose: PostgresConnection.Purpose) {
        self.door = door
        self.purpose = purpose
    }

    /// Runs a transaction on a free connection; there are as many as threads.
    static func use<T: Sendable>(
        _ slots: [PostgresSlot], _ body: @Sendable (any SQLConnection) throws -> T
    ) throws -> T {
        for slot in slots {
            if let value = try slot.state.withLockIfAvailable({ try slot.run(&$0, body) }) { return value }
        }
        guard let slot = slots.first else { throw SQLFault.failed("there is no connection") }
        return try slot.state.withLock { try slot.run(&$0, body) }
    }

    /// Waits for whoever uses it.
    func close() {
        state.withLock { state in
            if case .open(let connection) = state { connection.close() }
            state = .closed
        }
    }

    private func run<T: Sendable>(
        _ state: inout State, _ body: @Sendable (any SQLConnection) throws -> T
    ) throws -> T {
        let connection = try begun(&state)
        defer { if !connection.isOpen { state = .empty } }
        return try connection.complete(body)
    }

    /// A connection with a transaction; one that was lost while nobody used it is made again.
    private func begun(_ state: inout State) throws -> PostgresConnection {
        if case .closed = state { throw SQLFault.failed("the database is closed") }
        if case .open(let connection) = state {
            do {
                try connection.begin()
                return connection
            } catch {
                connection.close()
                state = .empty
            }
        }
        let connection = try door.connect(for: purpose)
        try connection.begin()
        state = .open(connection)
        return connection
    }
}

/// Makes connections, and after a failure leaves the server alone for a moment.
final class PostgresDoor: Sendable {
    private struct State {
        var failures = 0
        var notBefore = ContinuousClock.now
        var fault = SQLFault.failed("the database was not tried")
    }

    private static let backoff = Backoff(
        first: .milliseconds(Limits.postgresReconnectMillisecondsMin),
        longest: .milliseconds(Limits.postgresReconnectMillisecondsMax))

    private let url: PostgresURL
    private let schema: String?
    private let state = Mutex(State())

    init(url: PostgresURL, schema: String?) {
        self.url = url
        self.schema = schema
    }

    /// Connects, or fails at once with what the last try found while the pause after it lasts.
    func connect(for purpose: PostgresConnection.Purpose) throws -> sending PostgresConnection {
        let fault = state.withLock { .now < $0.notBefore ? $0.fault : nil }
        if let fault { throw fault }
        do {
            let connection = try PostgresConnection(url, schema: schema, for: purpose)
            state.withLock { $0 = State() }
            return connection
        } catch {
            state.withLock { state in
                state.failures += 1
                state.fault = error as? SQLFault ?? .failed("\(error)")
                state.notBefore =
                    .now + PostgresDoor.backoff.delay(afterFailures: state.failures, random: .random(in: 0..<1))
            }
            throw error
        }
    }
}
