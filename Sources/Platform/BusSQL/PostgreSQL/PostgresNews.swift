import BusCore
import Glibc
import NIOPosix
import Synchronization

/// Short messages from node to node through the database (`LISTEN` and `NOTIFY`).
///
/// One may be lost with a connection, so whoever listens looks for itself now and then.
package final class PostgresNews: Sendable {
    /// What a listener hears.
    package enum Item: Sendable {
        case message(String)
        /// From here on messages arrive; earlier ones may be lost.
        case connected
    }

    private struct State {
        var waiting: [String] = []
        var isSending = false
        var isClosed = false
        var isListening = false
    }

    private let door: PostgresDoor
    private let channel: String
    private let sender: PostgresPool
    private let listener: NIOThreadPool
    /// The first becomes readable when something is written to the second: the listener has to stop.
    private let stop: [Int32]
    private let state = Mutex(State())

    init(door: PostgresDoor, channel: String) {
        self.door = door
        self.channel = channel
        sender = PostgresPool(door, .telling, count: 1)
        listener = NIOThreadPool(numberOfThreads: 1)
        listener.start()
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        stop = ends
    }

    deinit { for end in stop { _ = Glibc.close(end) } }

    /// True while messages arrive.
    package var isListening: Bool { state.withLock { $0.isListening } }

    // MARK: Telling

    /// Tells everybody who listens, this process included; messages that come meanwhile travel together.
    package func tell(_ messages: [String]) {
        let starts = state.withLock { state in
            guard !state.isClosed else { return false }
            state.waiting += messages
            // Who is not told looks for itself, so nothing is kept for a database that is away.
            if state.waiting.count > Limits.postgresNewsWaitingMax { state.waiting = messages }
            defer { state.isSending = true }
            return !state.isSending
        }
        if starts { send() }
    }

    private func send() {
        let messages = state.withLock { state in
            defer { state.waiting = [] }
            return state.waiting
        }
        sender.submit(.synced) { [channel] connection in
            for message in messages {
                try connection.each("SELECT pg_notify($1, $2)", [.text(channel), .text(message)]) { _ in true }
            }
        } then: { [self] _ in
            let hasMore = state.withLock { state in
                state.isSending = !state.waiting.isEmpty && !state.isClosed
                return state.isSending
            }
            if hasMore { send() }
        }
    }

    // MARK: Listening

    /// Hands `hear` every message, on a thread of its own, until the end of this value's use.
    package func listen(_ hear: @escaping @Sendable (Item) -> Void) {
        listener.submit { [self] phase in
            guard case .active = phase else { return }
            while !state.withLock({ $0.isClosed }) {
                do {
                    try hearOut(hear)
                } catch {
                    state.withLock { $0.isListening = false }
                    // Nobody is kept waiting here: the listener looks for itself meanwhile.
                    pause(milliseconds: Limits.postgresReconnectMillisecondsMin)
                }
            }
        }
    }

    private func hearOut(_ hear: (Item) -> Void) throws {
        let connection = try door.connect(for: .telling)
        defer { connection.close() }
        try connection.listen(to: channel)
        state.withLock { $0.isListening = true }
        hear(.connected)
        while !state.withLock({ $0.isClosed }) {
            while let message = try connection.takeNotification() { hear(.message(message)) }
            connection.waitForNotification(or: stop[0])
        }
    }

    private func pause(milliseconds: Int) {
        var entry = pollfd(fd: stop[0], events: Int16(POLLIN), revents: 0)
        poll(&entry, 1, Int32(milliseconds))
    }

    /// Stops listening and telling.
    package func close() throws {
        state.withLock { $0.isClosed = true }
        _ = write(stop[1], [1], 1)
        try listener.syncShutdownGracefully()
        try sender.close()
    }
}
