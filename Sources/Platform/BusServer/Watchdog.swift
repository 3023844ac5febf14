import NIOCore
import NIOPosix
import ServiceLifecycle

/// Asks this process for `/livez` as a stranger would, and tells the service manager after each good answer.
///
/// A process that hangs, or can take no connection, falls silent; then the service manager starts it again.
struct Watchdog: Sendable {
    /// Time between two questions.
    let interval: Duration
    /// Where the operations routes are; nil before they are up.
    let place: @Sendable () -> (host: String, port: Int)?
    /// Called after each good answer.
    let isAlive: @Sendable () -> Void

    /// Asks until it is cancelled.
    func run() async throws {
        while true {
            try await Task.sleep(for: interval)
            guard let place = place(), await answers(place.host, place.port) else { continue }
            isAlive()
        }
    }

    /// True when the answer is 200 and comes before the next question is due.
    private func answers(_ host: String, _ port: Int) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await ask(host, port) }
            group.addTask {
                // Cancelled means that the answer came.
                try? await Task.sleep(for: interval)
                return false
            }
            defer { group.cancelAll() }
            return await group.next() ?? false
        }
    }

    private func ask(_ host: String, _ port: Int) async -> Bool {
        do {
            let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(host: host, port: port) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            return try await channel.executeThenClose { inbound, outbound in
                try await outbound.write(
                    ByteBuffer(string: "GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
                let expected = "HTTP/1.1 200 "
                var head = ""
                for try await bytes in inbound {
                    head += String(buffer: bytes)
                    if head.utf8.count >= expected.utf8.count { break }
                }
                return head.hasPrefix(expected)
            }
        } catch {
            // No connection or a broken one: the same as no answer.
            return false
        }
    }
}

/// A listener with its watchdog beside it; both end together.
struct WatchedListener: Service {
    let listener: any Service
    let watchdog: Watchdog

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run() }
            group.addTask { try await watchdog.run() }
            try await group.next()
            group.cancelAll()
        }
    }
}
