import NIOCore
import NIOHTTP1
import NIOPosix

/// Collects one call, and answers it or hands it on; its connection serves no second one.
final class PlainEventsHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let front: PlainEvents
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()
    /// Ends when the caller is gone.
    private var behind: (any Channel)?

    init(_ front: PlainEvents) {
        self.front = front
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            switch front.step(head, body) {
            case .answer(let status, let type, let body): answer(status, type, body, context)
            case .pass(let head): pass(head, context)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        behind?.close(promise: nil)
        context.fireChannelInactive()
    }

    private func answer(
        _ status: HTTPResponseStatus, _ type: String, _ body: String, _ context: ChannelHandlerContext
    ) {
        let headers: HTTPHeaders = [
            "Content-Type": type, "Content-Length": "\(body.utf8.count)", "Connection": "close",
        ]
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in channel.close(promise: nil) }
    }

    private func pass(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let caller = context.channel
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(PlainEventsRelay(to: caller))
                }
            }
            .connect(to: front.server)
            .whenComplete { result in
                let (handler, context) = bound.value
                guard case .success(let channel) = result, context.channel.isActive else {
                    if case .success(let channel) = result { channel.close(promise: nil) }
                    return context.close(promise: nil)
                }
                handler.behind = channel
                channel.write(HTTPClientRequestPart.head(head), promise: nil)
                channel.write(HTTPClientRequestPart.body(.byteBuffer(handler.body)), promise: nil)
                channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
            }
    }
}

/// Hands one answer back as it comes.
private final class PlainEventsRelay: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let caller: any Channel

    init(to caller: any Channel) {
        self.caller = caller
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            head.headers.replaceOrAdd(name: "Connection", value: "close")
            caller.writeAndFlush(HTTPServerResponsePart.head(head), promise: nil)
        case .body(let part):
            caller.writeAndFlush(HTTPServerResponsePart.body(.byteBuffer(part)), promise: nil)
        case .end:
            caller.writeAndFlush(HTTPServerResponsePart.end(nil)).whenComplete { [caller] _ in
                caller.close(promise: nil)
            }
        }
    }

    /// An answer that breaks off behind breaks off here.
    func channelInactive(context: ChannelHandlerContext) {
        caller.close(promise: nil)
    }
}
