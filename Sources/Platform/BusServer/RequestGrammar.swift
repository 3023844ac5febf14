import BusCore
import HTTPTypes
import NIOCore
import NIOHTTP1
import NIOHTTPTypes

/// Stands between HTTP's decoder and a router: spells targets one way, tells who waits to go on to do so, and answers
/// what is not HTTP with an error body.
final class RequestGrammar: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// Requests whose answer is not finished.
    private var unanswered = 0
    /// A request's body is arriving.
    private var isReading = false
    /// An answer has begun and not ended.
    private var isWriting = false
    /// The last answer was given here; the router has nothing more to say.
    private var isClosed = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(var head):
            unanswered += 1
            isReading = true
            if let path = head.path { head.path = RequestTarget.normalized(path) }
            if unanswered == 1, head.headerFields[.expect]?.lowercased() == "100-continue" {
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
        if isClosed {
            promise?.succeed()
            return
        }
        switch unwrapOutboundIn(data) {
        case .head: isWriting = true
        case .body: break
        case .end:
            isWriting = false
            unanswered -= 1
        }
        context.write(data, promise: promise)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // An answer under way is for a good request; it ends before the connection does.
        let isFaulty = !isWriting && (isReading ? unanswered == 1 : unanswered == 0)
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
