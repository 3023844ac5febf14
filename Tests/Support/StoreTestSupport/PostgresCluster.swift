import BusCore
import BusSQL
import FoundationEssentials
import Glibc
import Synchronization
import TestSupport

/// A PostgreSQL server of the tests' own, which ends with this value or with the process.
package final class PostgresCluster: Sendable {
    /// The server that all tests share; each test has a schema of its own there.
    package static var shared: PostgresCluster { get throws { try started.get() } }
    private static let started = Result { try PostgresCluster() }

    private let socket: Mutex<Int32>
    private let socketFolder: String

    /// What a server of its own is there for.
    package enum Trait: String {
        /// It can have a standby.
        case replicated
        /// A commit takes 20 ms, which is time for what may go wrong between a change and its commit.
        case slow
    }

    /// Starts a server and waits for it.
    package convenience init(_ traits: Trait...) throws { try self.init(traits.map(\.rawValue)) }

    /// Starts a server that also listens on this port of 127.0.0.1, with a database of its own.
    package convenience init(port: Int, database: String) throws { try self.init(["\(port)", database]) }

    private init(_ arguments: [String]) throws {
        let socket = try PostgresCluster.spawn(Repository.path("Tests/Support/postgres/cluster"), arguments)
        guard let folder = PostgresCluster.line(from: socket) else { throw NeverHappened(what: "PostgreSQL starts") }
        socketFolder = folder
        self.socket = Mutex(socket)
    }

    deinit { socket.withLock { _ = close($0) } }

    /// A folder that the server may use.
    package var folder: String { socketFolder }

    /// Runs one statement outside of a transaction and returns what it says.
    package func sql(_ statement: String) async throws -> String {
        let run = try await BusProcess.finish("/usr/bin/psql", ["-Atc", statement, address()])
        guard run.exit == .code(0) else { throw NeverHappened(what: "\(statement): \(run.standardError)") }
        return run.standardOutput
    }

    /// How a client reaches it; `user` may be one that does not exist.
    package func address(user: String = "bus", database: String = "postgres") -> String {
        "postgres://\(user)@/\(database)?host=\(socketFolder)"
    }

    /// The address for our own driver.
    package var url: PostgresURL { get throws { try PostgresURL(Secret(address())) } }

    /// Ends the server at once, as a power cut does.
    package func stop() { send("stop") }

    /// Starts it again on the same files.
    package func start() { send("start") }

    /// Lets it stand still: connections stay, and nothing is answered.
    package func freeze() { send("freeze") }

    /// Lets it go on.
    package func thaw() { send("thaw") }

    /// Starts a second server that follows the first one; from here on each synced commit waits for both.
    package func addStandby() { send("standby") }

    /// Ends the first server at once, and makes the second one take changes.
    package func failOver() { send("fail-over") }

    /// How a client reaches whichever server takes changes.
    package var addressOfBoth: String {
        "\(address()),\(socketFolder)&port=5432,5433&target_session_attrs=read-write"
    }

    private func send(_ word: String) {
        socket.withLock { socket in
            let text = Array("\(word)\n".utf8)
            _ = write(socket, text, text.count)
            _ = PostgresCluster.line(from: socket)
        }
    }

    private static func line(from descriptor: Int32) -> String? {
        var bytes: [UInt8] = []
        var byte: UInt8 = 0
        while read(descriptor, &byte, 1) == 1 {
            if byte == UInt8(ascii: "\n") { return String(decoding: bytes, as: UTF8.self) }
            bytes.append(byte)
        }
        return nil
    }

    /// Starts a program whose standard input ends with this process, however that ends.
    private static func spawn(_ program: String, _ words: [String]) throws -> Int32 {
        // One socket for both directions; no other program that starts at this moment gets our end of it.
        var ends: [Int32] = [0, 0]
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw NeverHappened(what: "there is a socket") }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // An interrupt at the keyboard is for the tests; the server ends after them.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        let arguments = ([program] + words).map { strdup($0) } + [nil]
        let variables = [strdup("PATH=/usr/sbin:/usr/bin:/sbin:/bin"), nil]
        defer { for pointer in arguments + variables { free(pointer) } }
        var id = pid_t()
        let code = posix_spawn(&id, program, &actions, &attributes, arguments, variables)
        _ = close(ends[1])
        guard code == 0 else { throw NeverHappened(what: "\(program) starts") }
        return ends[0]
    }
}
