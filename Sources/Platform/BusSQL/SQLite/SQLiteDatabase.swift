import BusCore
import FoundationEssentials
import Glibc
import NIOPosix
import Synchronization

/// A SQLite file with one thread that writes and a few connections that read, or a private database in memory.
package final class SQLiteDatabase: SQLDatabase {
    private let thread: NIOThreadPool
    private let writer: SQLiteSlot
    private let readers: [SQLiteSlot]
    private let longReaders: [SQLiteSlot]
    private let checkpoints: SQLiteCheckpoints?
    private let file: OpenedFile?

    /// How SQLite differs from other engines.
    package var dialect: SQLDialect { .sqlite }

    /// Opens or creates a file; its folder is created for the owner alone.
    ///
    /// Any number of processes may open one new file at the same moment. It never suspends: a task that waits for the
    /// lock blocks its thread, so the holder must not need another one.
    package init(path: String) async throws {
        try SQLiteDatabase.createFolder(of: path)
        let lock = try OpeningLock(path: path)
        defer { withExtendedLifetime(lock) {} }
        try SQLiteDatabase.createFile(path)
        let connection = try SQLiteConnection(path: path, for: .writing)
        try connection.turnOnLog()
        writer = SQLiteSlot(path: path, connection)
        readers = (0..<Limits.sqliteReadersMax).map { _ in SQLiteSlot(path: path) }
        longReaders = (0..<Limits.sqliteLongReadersMax).map { _ in SQLiteSlot(path: path) }
        checkpoints = SQLiteCheckpoints(path: path)
        file = try OpenedFile(path: path)
        thread = SQLiteDatabase.startThread()
    }

    /// A database in memory that lasts as long as this value.
    ///
    /// It has one connection, for which all take turns.
    package init() throws {
        let path = ":memory:"
        writer = SQLiteSlot(path: path, try SQLiteConnection(path: path, for: .writing))
        readers = [writer]
        longReaders = [writer]
        checkpoints = nil
        file = nil
        thread = SQLiteDatabase.startThread()
    }

    /// Opens a file that nobody else has open, and lets nobody open it meanwhile; it makes no file.
    ///
    /// It has one connection, for which all take turns.
    package init(alone path: String) throws {
        guard FileManager.default.fileExists(atPath: path) else { throw SQLFault.unusablePath("there is no \(path)") }
        let connection = try SQLiteConnection(path: path, for: .writing)
        do { try connection.takeAlone() } catch let fault as SQLFault {
            if case .failed = fault { throw SQLFault.inUse(path) }
            throw fault
        }
        writer = SQLiteSlot(path: path, connection)
        readers = [writer]
        longReaders = [writer]
        checkpoints = nil
        file = try OpenedFile(path: path)
        thread = SQLiteDatabase.startThread()
    }

    deinit { thread.shutdownGracefully { _ in } }

    private static func startThread() -> NIOThreadPool {
        let thread = NIOThreadPool(numberOfThreads: 1)
        thread.start()
        return thread
    }

    /// Runs `body` on one consistent snapshot, on the calling thread.
    package func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try SQLiteDatabase.snapshot(readers, file, body)
    }

    /// Runs `body` on one consistent snapshot, on a thread that may take its time.
    package func readLong<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await NIOThreadPool.singleton.runIfActive { [longReaders, file] in
            try SQLiteDatabase.snapshot(longReaders, file, body)
        }
    }

    private static func snapshot<T: Sendable>(
        _ slots: [SQLiteSlot], _ file: OpenedFile?, _ body: @Sendable (any SQLConnection) throws -> T
    ) throws -> T {
        try SQLiteSlot.use(slots) { connection in
            try file?.requireInPlace()
            return try connection.snapshot(body)
        }
    }

    /// Runs `body` in one transaction on the thread that writes, and then `completion`.
    package func write<T: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        thread.submit { [writer, checkpoints, file] state in
            guard case .active = state else {
                return completion(.failure(SQLFault.failed("the database is closed")))
            }
            completion(
                Result {
                    try writer.use { connection in
                        let value = try connection.transaction(durability) { connection in
                            let value = try body(connection)
                            try file?.requireInPlace()
                            return value
                        }
                        checkpoints?.follow(connection)
                        return value
                    }
                })
        }
    }

    /// Waits for running transactions and closes the file.
    package func close() throws {
        try thread.syncShutdownGracefully()
        for slot in readers + longReaders { slot.close() }
        checkpoints?.close()
        // The last one to close copies the log to the file.
        writer.close()
    }

    private static func createFolder(of path: String) throws {
        let files = FileManager.default
        let folder = URL(filePath: path).deletingLastPathComponent().path
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

/// The place of one connection, which is opened when it is first used.
final class SQLiteSlot: Sendable {
    private enum State {
        case unopened
        case open(SQLiteConnection)
        case closed
    }

    private let path: String
    private let state: Mutex<State>

    init(path: String, _ connection: sending SQLiteConnection? = nil) {
        self.path = path
        state = Mutex(connection.map { .open($0) } ?? .unopened)
    }

    /// Runs `body` on the first connection that is free, or on any when none is.
    static func use<T: Sendable>(_ slots: [SQLiteSlot], _ body: @Sendable (SQLiteConnection) throws -> T) throws -> T {
        for slot in slots {
            if let value = try slot.state.withLockIfAvailable({ try slot.run(&$0, body) }) { return value }
        }
        guard let slot = slots.randomElement() else { throw SQLFault.failed("there is no connection") }
        return try slot.use(body)
    }

    func use<T: Sendable>(_ body: @Sendable (SQLiteConnection) throws -> T) throws -> T {
        try state.withLock { try run(&$0, body) }
    }

    /// Waits for whoever uses it.
    func close() {
        state.withLock { state in
            if case .open(let connection) = state { connection.close() }
            state = .closed
        }
    }

    private func run<T: Sendable>(_ state: inout State, _ body: @Sendable (SQLiteConnection) throws -> T) throws -> T {
        switch state {
        case .open(let connection): return try body(connection)
        case .unopened:
            let connection = try SQLiteConnection(path: path, for: .reading)
            state = .open(connection)
            return try body(connection)
        case .closed: throw SQLFault.failed("the database is closed")
        }
    }
}

/// Copies the pages of the write-ahead log to the file beside the writer, which never waits for that.
final class SQLiteCheckpoints: Sendable {
    private let slot: SQLiteSlot
    private let isUnderWay = Atomic(false)

    init(path: String) {
        slot = SQLiteSlot(path: path)
    }

    /// Looks at the log after a commit.
    ///
    /// Under constant load the log grows while its pages are copied, so it never begins anew by itself.
    func follow(_ writer: SQLiteConnection) {
        writer.restartLogIfLong()
        guard writer.needsCheckpoint, !isUnderWay.exchange(true, ordering: .acquiringAndReleasing) else { return }
        writer.beginCheckpoint()
        NIOThreadPool.singleton.submit { [self] _ in
            // A connection that does not open says so to the readers; the pages stay in the log.
            try? slot.use { $0.checkpoint() }
            isUnderWay.store(false, ordering: .releasing)
        }
    }

    func close() { slot.close() }
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
