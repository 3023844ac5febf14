import BusContract
import BusCore
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Stands between HTTP's decoder and a router: spells targets and methods one way, tells a client that waits to go on,
/// keeps bodies out of answers to HEAD, and answers what is not HTTP with an error body.
final class RequestGrammar: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// The methods of requests whose answer is not finished, oldest first.
    private var unanswered: CircularBuffer<HTTPRequest.Method> = []
    /// A request's body is arriving.
    private var isReading = false
    /// An answer has begun and not ended.
    private var isWriting = false
    /// The last answer was given here; the router has nothing more to say.
    private var isClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            unanswered.append(head.method)
            isReading = true
            // Any word may be a method. The router knows only these, and would answer another one with 404 on a path that
            // exists.
            if !HTTPRequest.Method.routed.contains(head.method) { head.method = .connect }
            if let path = head.path { head.path = RequestTarget.normalized(path) }
            if unanswered.count == 1, head.headerFields[.expect]?.lowercased() == "100-continue" {
                context.writeAndFlush(wrapOutboundOut(.head(HTTPResponse(status: .continue))), promise: nil)
            }
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body: context.fireChannelRead(data)
        case .end:
            isReading = false
            context.fireChannelRead(data)
        }
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let part = unwrapOutboundIn(data)
        let isLeftOut = if case .body = part { unanswered.first == .head } else { false }
        if isClosed || isLeftOut {
            promise?.succeed()
            return
        }
        switch part {
        case .head: isWriting = true
        case .body: break
        case .end:
            isWriting = false
            _ = unanswered.popFirst()
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An answer under way is for a good request; it ends before the connection does.
        let isFaulty = !isWriting && unanswered.count == (isReading ? 1 : 0)
        if error is HTTPParserError, isFaulty, !isClosed { refuse(context) }
        context.fireErrorCaught(error)
    }

    /// Answers 400, and closes when the peer had time to read that: unread bytes would make TCP take the answer back.
    private func refuse(_ context: ChannelHandlerContext) {
        let error = BusError(.badRequest, "the request is not HTTP/1.1; check the client")
        let body = ByteBuffer(bytes: error.body(requestID: BusRequestContext.newID()))
        let head = HTTPResponse(
            status: .badRequest,
            headerFields: [
                .contentType: "application/json", .contentLength: String(body.readableBytes), .connection: "close",
            ])
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(body)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        isClosed = true
        let channel = context.channel
        channel.eventLoop.scheduleTask(in: .seconds(Int64(Limits.connectionLingerSeconds))) {
            channel.close(promise: nil)
        }
    }
}
