import AsyncHTTPClient
import BusCore
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("How requests to our own APIs are sent", .timeLimit(.minutes(5)))
struct FlushOnceTests {
    @Test("head and body of a request arrive together, so that its server wakes up once")
    func together() async throws {
        let reads = Reads()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(reads) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await HTTPClient.withHTTPClient(configuration: EventsClient.configuration) { http in
            let client = EventsClient(
                transport: http, endpoint: try #require(EventsEndpoint("http://127.0.0.1:\(port)")),
                tokens: TokenSource(token: Secret("canary-token"), label: "BUS_API_TOKEN"), logger: silent)
            for _ in 0..<20 { _ = try await client.post(client.endpoint.batch, Reads.body, within: .seconds(30)) }
        }
        try await listener.close()
        #expect(reads.pieces == Array(repeating: 1, count: 20))
    }

    /// Answers requests with one known body, and counts the pieces in which each arrived.
    private final class Reads: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        static let body = Array(#"{"events":[]}"#.utf8)

        private let state = Mutex((pieces: [Int](), isWhole: true))
        var pieces: [Int] { state.withLock { $0.pieces } }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let isEnd = Array(unwrapInboundIn(data).readableBytesView).suffix(Reads.body.count) == Reads.body[...]
            state.withLock { state in
                if state.isWhole { state.pieces.append(0) }
                state.pieces[state.pieces.count - 1] += 1
                state.isWhole = isEnd
            }
            if isEnd {
                let answer = "HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\n{}"
                context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil)
            }
        }
    }
}
