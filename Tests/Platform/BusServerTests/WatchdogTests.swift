import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import BusServer

/// When the watchdog says that the process is alive.
@Suite(.timeLimit(.minutes(1))) struct WatchdogTests {
    @Test func anUnansweredQuestionDoesNotSilenceTheNextOnes() async throws {
        let asked = Mutex(0)
        let signs = AsyncStream.makeStream(of: Void.self)
        try await RequestListener.run { request, channel in
            #expect(request.method == "GET" && request.path == "/livez")
            let isFirst = asked.withLock { count in
                count += 1
                return count == 1
            }
            if !isFirst { WatchdogTests.answer(.ok, on: channel) }
        } _: { url in
            try await watch(url, signs.continuation) {
                var signs = signs.stream.makeAsyncIterator()
                _ = await signs.next()
            }
        }
        #expect(asked.withLock { $0 } >= 2)
    }

    @Test func anotherStatusIsNoSign() async throws {
        let asked = Mutex(0)
        let signs = AsyncStream.makeStream(of: Void.self)
        try await RequestListener.run { _, channel in
            let number = asked.withLock { count in
                count += 1
                return count
            }
            WatchdogTests.answer(number < 4 ? .serviceUnavailable : .ok, on: channel)
        } _: { url in
            try await watch(url, signs.continuation) {
                var signs = signs.stream.makeAsyncIterator()
                _ = await signs.next()
                #expect(asked.withLock { $0 } >= 4)
            }
        }
    }

    private func watch(
        _ url: String, _ signs: AsyncStream<Void>.Continuation, _ body: () async -> Void
    ) async throws {
        let port = try #require(Int(url.split(separator: ":").last ?? ""))
        let watchdog = Watchdog(
            interval: .milliseconds(50), place: { ("127.0.0.1", port) }, isAlive: { signs.yield() })
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await watchdog.run() }
            await body()
            group.cancelAll()
        }
    }

    private static func answer(_ status: HTTPResponseStatus, on channel: any Channel) {
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: ["Content-Length": "0"])
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }
}
