import BusCore
import NIOCore
import NIOHTTP1
import Synchronization

/// Collects one request, asks the world for its answer, and sends as much of it as the fault leaves.
final class StripeDoubleHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let world: StripeWorldBox
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(_ world: StripeWorldBox) {
        self.world = world
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end: answer(context)
        }
    }

    private func answer(_ context: ChannelHandlerContext) {
        guard let head else { return }
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let request = StripeDouble.Request(
            method: head.method.rawValue, path: parts.first.map(String.init) ?? "",
            query: parts.count > 1 ? String(parts[1]) : "",
            headers: Dictionary(
                head.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { "\($0),\($1)" }),
            body: String(buffer: body))
        let (reply, fault, isWatched) = world.state.withLock { $0.answer(request) }
        guard isWatched else { return send(reply, fault, context) }
        // Answers of meter calls wait a moment, so that calls that should be apart have a chance to overlap.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .milliseconds(5)) {
            let (handler, context) = bound.value
            handler.world.state.withLock { $0.meterCallsInFlight -= 1 }
            handler.send(reply, fault, context)
        }
    }

    private func send(_ reply: StripeWorld.Reply, _ fault: StripeDouble.Fault?, _ context: ChannelHandlerContext) {
        switch fault {
        case .silence: return
        case .resetBeforeCommit, .resetAfterCommit: context.close(promise: nil)
        case .status(let status, let headers, let body):
            write(.init(status: status, headers: headers, body: body), body.utf8.count, context)
        case .truncatedJSON: write(.init(status: reply.status, body: String(reply.body.prefix(20))), 20, context)
        case .otherJSON: write(.init(status: reply.status, body: #"{"object":"something.else"}"#), 27, context)
        case .silentBody: write(.init(status: reply.status, body: ""), 100, context)
        case .storedStatus, nil: write(reply, reply.body.utf8.count, context)
        }
    }

    private func write(_ reply: StripeWorld.Reply, _ length: Int, _ context: ChannelHandlerContext) {
        var headers: HTTPHeaders = [
            "Content-Type": reply.body.hasPrefix("{") ? "application/json" : "text/html",
            "Content-Length": "\(length)", "Request-Id": "req_double", "Date": "Sat, 01 Aug 2026 16:10:05 GMT",
        ]
        for (name, value) in reply.headers { headers.replaceOrAdd(name: name, value: value) }
        let status = HTTPResponseStatus(statusCode: reply.status)
        context.write(wrapOutboundOut(.head(.init(version: .http1_1, status: status, headers: headers))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: reply.body)))), promise: nil)
        if reply.body.utf8.count == length { context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil) }
    }
}
