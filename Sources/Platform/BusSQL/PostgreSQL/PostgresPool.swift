import BusCore
import NIOPosix
import Synchronization

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
        _ durability: Durability, for wait: PostgresWait? = nil,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        threads.submit { [slots] state in
            guard case .active = state else {
                return completion(.failure(SQLFault.failed("the database is closed")))
            }
            completion(
                Result {
                    try wait?.checkDeadline()
                    return try PostgresSlot.use(slots, durability, wait, body)
                })
        }
    }

    /// Runs a transaction that only reads; it stops when the caller's task is cancelled.
    func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        let wait = PostgresWait()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                submit(.synced, for: wait, body) { continuation.resume(with: $0) }
            }
        } onCancel: {
            // It speaks to the server, which none of Swift's own threads may wait for.
            NIOThreadPool.singleton.submit { _ in wait.abandon() }
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
        _ slots: [PostgresSlot], _ durability: Durability, _ wait: PostgresWait?,
        _ body: @Sendable (any SQLConnection) throws -> T
    ) throws -> T {
        for slot in slots {
            if let value = try slot.state.withLockIfAvailable({ try slot.run(&$0, durability, wait, body) }) {
                return value
            }
        }
        guard let slot = slots.first else { throw SQLFault.failed("there is no connection") }
        return try slot.state.withLock { try slot.run(&$0, durability, wait, body) }
    }

    /// Waits for whoever uses it.
    func close() {
        state.withLock { state in
            if case .open(let connection) = state { connection.close() }
            state = .closed
        }
    }

    private func run<T: Sendable>(
        _ state: inout State, _ durability: Durability, _ wait: PostgresWait?,
        _ body: @Sendable (any SQLConnection) throws -> T
    ) throws -> T {
        let connection = try begun(&state, durability)
        defer { if !connection.isOpen { state = .empty } }
        guard let wait else { return try connection.complete(body) }
        let result = Result {
            try connection.complete { transaction in
                try wait.begin(on: connection)
                return try body(transaction)
            }
        }
        if wait.end() {
            // What the server hears late must not meet another transaction.
            connection.close()
            throw CancellationError()
        }
        return try result.get()
    }

    /// A connection with a transaction; one that was lost while nobody used it is made again.
    private func begun(_ state: inout State, _ durability: Durability) throws -> PostgresConnection {
        if case .closed = state { throw SQLFault.failed("the database is closed") }
        if case .open(let connection) = state {
            do {
                try connection.begin(durability)
                return connection
            } catch {
                connection.close()
                state = .empty
            }
        }
        let connection = try door.connect(for: purpose)
        try connection.begin(durability)
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
