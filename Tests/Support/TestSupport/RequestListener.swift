import NIOCore
import NIOHTTP1
import NIOPosix

/// A listener on loopback that hands over each request once its body is there.
package enum RequestListener {
    /// Listens while `body` runs, which gets the address; `take` answers on the channel, or does not.
    package static func run<Value: Sendable>(
        _ take: @escaping @Sendable (LoopbackServer.Request, any Channel) -> Void,
        _ body: (_ url: String) async throws -> Value
    ) async throws -> Value {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(RequestCollector(take))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result = await Result { try await body("http://127.0.0.1:\(listener.localAddress?.port ?? 0)") }
        try await listener.close()
        return try result.get()
    }
}

/// Collects the requests of one connection.
private final class RequestCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart

    private let take: @Sendable (LoopbackServer.Request, any Channel) -> Void
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(_ take: @escaping @Sendable (LoopbackServer.Request, any Channel) -> Void) {
        self.take = take
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            let parts = head.uri.split(separator: "?", maxSplits: 1)
            let request = LoopbackServer.Request(
                method: head.method.rawValue, path: parts.first.map { String($0) } ?? "",
                query: parts.count > 1 ? String(parts[1]) : "",
                headers: Dictionary(
                    head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { "\($0),\($1)" }),
                body: String(buffer: body))
            take(request, context.channel)
        }
    }
}
