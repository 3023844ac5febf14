import BusContract
import BusCore
import BusRuntime
import BusServer
import DequeModule
import NIOCore
import NIOHTTP1

/// The webhook route's own HTTP/1.1 connection: one request at a time, the body kept as one buffer, answers written as
/// ready bytes.
///
/// A general router costs two to three times as much per request (docs/decisions/0002); this handler knows one route and
/// the health paths, and leaves the grammar of HTTP to NIO's decoder.
final class WebhookIngress: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private enum State {
        /// Between requests.
        case idle
        /// A request's body is arriving.
        case reading(HTTPRequestHead, ByteBuffer?)
        /// An answer is being made; what arrives meanwhile waits in `pipelined`.
        case responding
        /// The last answer was given; whatever still arrives is dropped.
        case closed
    }

    private let receiver: WebhookReceiver
    private let readiness: Readiness
    private let budget: BodyBudget
    /// What this connection has taken from the budget.
    private var heldBytes = 0
    private var state = State.idle
    /// Bounded by one socket read, because reading stops as soon as something waits here.
    private var pipelined: Deque<HTTPServerRequestPart> = []
    private var keepsAlive = true
    /// An answer to HEAD has no body (RFC 9110 9.3.2).
    private var omitsBody = false
    private var isQuiescing = false
    private var waitingSince = NIODeadline.now()
    private var deadlineCheck: Scheduled<Void>?
    private var date = HTTPDate()

    init(receiver: WebhookReceiver, readiness: Readiness, budget: BodyBudget) {
        self.receiver = receiver
        self.readiness = readiness
        self.budget = budget
    }

    // MARK: Connection

    func channelActive(context: ChannelHandlerContext) {
        waitingSince = .now()
        scheduleDeadlineCheck(context, in: .seconds(Int64(Limits.connectionIdleSeconds)))
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        state = .closed
        releaseBody()
        deadlineCheck?.cancel()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError else { return context.close(promise: nil) }
        if case .responding = state {
            // The answer under way is for a good request, and the last one.
            keepsAlive = false
        } else {
            respond(
                receiver.refused(.badRequest, "the request is not HTTP/1.1; check the client"), context, closing: true)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            isQuiescing = true
            if case .idle = state { context.close(promise: nil) }
        } else {
            context.fireUserInboundEventTriggered(event)
        }
    }

    /// One timer a connection, not one a request: it looks how long the peer has kept us waiting.
    private func scheduleDeadlineCheck(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadlineCheck = context.eventLoop.scheduleTask(in: delay) {
            let (handler, context) = bound.value
            handler.checkDeadline(context)
        }
    }

    private func checkDeadline(_ context: ChannelHandlerContext) {
        let waited = NIODeadline.now() - waitingSince
        let longest = TimeAmount.seconds(Int64(Limits.requestReadSeconds))
        switch state {
        case .closed: return
        case .responding: scheduleDeadlineCheck(context, in: longest)
        case .idle, .reading:
            if waited < longest {
                scheduleDeadlineCheck(context, in: longest - waited)
            } else if case .reading = state {
                let message = "the request took longer than \(Limits.requestReadSeconds) s; send it faster"
                respond(receiver.refused(.requestTimeout, message), context, closing: true)
            } else {
                context.close(promise: nil)
            }
        }
    }

    // MARK: Request

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .responding = state {
            if pipelined.isEmpty { context.channel.setAutoRead(false) }
            pipelined.append(part)
        } else {
            read(part, context)
        }
    }

    private func read(_ part: HTTPServerRequestPart, _ context: ChannelHandlerContext) {
        switch (part, state) {
        case (.head(let head), .idle): begin(head, context)
        case (.body(let bytes), .reading(let head, var body)):
            state = .idle  // gives up the second reference, so that appending copies nothing
            if body == nil { body = bytes } else { body?.writeImmutableBuffer(bytes) }
            if (body?.readableBytes ?? 0) > Limits.webhookBodyBytesMax {
                respond(receiver.tooLarge, context, closing: true)
            } else if budget.take(bytes.readableBytes) {
                heldBytes += bytes.readableBytes
                state = .reading(head, body)
            } else {
                let message = "too many webhooks arrive at once; send it again"
                respond(receiver.refused(.eventsUnavailable, message), context, closing: true)
            }
        case (.end, .reading(let head, let body)): route(head, body, context)
        default: break
        }
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        waitingSince = .now()
        // HTTP/1.0 would want to be told that the connection stays; closing it needs no words.
        keepsAlive = head.isKeepAlive && head.version != .http1_0
        omitsBody = head.method == .HEAD
        state = .reading(head, nil)
        if let length = head.headers.first(name: "content-length").flatMap({ Int($0) }),
            length > Limits.webhookBodyBytesMax
        {
            return respond(receiver.tooLarge, context, closing: true)
        }
        if head.headers.contains(name: "expect") {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")), promise: nil)
        }
    }

    private func route(_ head: HTTPRequestHead, _ body: ByteBuffer?, _ context: ChannelHandlerContext) {
        let path = head.uri == WebhookRoute.path ? head.uri[...] : RequestTarget.path(head.uri)
        switch path {
        case WebhookRoute.path[...]:
            if head.method == .POST {
                let trace = Trace.hop(after: TraceContext(head.headers))
                return Trace.$current.withValue(trace) { receive(head, body ?? ByteBuffer(), context) }
            }
            respond(receiver.refusedMethod(path, allowed: "POST"), context)
        case "/livez", "/healthz", "/readyz":
            if head.method != .GET { return respond(receiver.refusedMethod(path, allowed: "GET"), context) }
            respond(path == "/readyz" ? readinessAnswer : WebhookIngress.ok, context)
        default: respond(receiver.refused(.notFound, "there is nothing at this path; check the webhook's URL"), context)
        }
    }

    private func receive(_ head: HTTPRequestHead, _ body: ByteBuffer, _ context: ChannelHandlerContext) {
        // Repeated headers are one list (RFC 9110 5.3); two signatures make two times, which is refused.
        let headers = head.headers["stripe-signature"]
        let signature = headers.count > 1 ? headers.joined(separator: ",") : headers.first
        switch body.withUnsafeReadableBytes({ receiver.decide($0, signature: signature, at: .now) }) {
        case .answer(let answer): respond(answer, context)
        case .publish(let update, let decision):
            receiver.publish(update, decision, completion: responding(context))
        case .carryOut(let decision):
            let (receiver, trace) = (receiver, Trace.current)
            context.eventLoop.makeFutureWithTask {
                await Trace.$current.withValue(trace) { await receiver.carryOut(decision) }
            }.whenSuccess(responding(context))
        }
    }

    /// The body is needed no longer; whoever makes the answer gives it to the closure, on any thread.
    private func responding(_ context: ChannelHandlerContext) -> @Sendable (WebhookReceiver.Answer) -> Void {
        state = .responding
        releaseBody()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        return { answer in
            bound.eventLoop.execute {
                let (handler, context) = bound.value
                handler.respond(answer, context)
            }
        }
    }

    private func releaseBody() {
        budget.give(heldBytes)
        heldBytes = 0
    }

    // MARK: Answer

    private static let ok = WebhookReceiver.Answer(status: 200, body: Array(#"{"ok":true}"#.utf8))

    private var readinessAnswer: WebhookReceiver.Answer {
        let missing = readiness.missing
        if missing.isEmpty { return WebhookIngress.ok }
        return receiver.refused(.notReady, "not ready: \(missing.joined(separator: ", ")); try again")
    }

    private func respond(_ answer: WebhookReceiver.Answer, _ context: ChannelHandlerContext, closing: Bool = false) {
        if case .closed = state { return }
        releaseBody()
        let closes = closing || !keepsAlive || isQuiescing
        var buffer = context.channel.allocator.buffer(capacity: 256 + answer.body.count)
        buffer.writeStaticString("HTTP/1.1 ")
        buffer.writeString(HTTPResponseStatus(statusCode: answer.status).line)
        buffer.writeStaticString("\r\ncontent-type: application/json\r\ndate: ")
        buffer.writeString(date.text(at: .now))
        buffer.writeStaticString("\r\ncontent-length: ")
        buffer.writeString(String(answer.body.count))
        if let seconds = answer.retryAfterSeconds { buffer.writeString("\r\nretry-after: \(seconds)") }
        if let allow = answer.allow { buffer.writeString("\r\nallow: \(allow)") }
        if closes { buffer.writeStaticString("\r\nconnection: close") }
        buffer.writeStaticString("\r\n\r\n")
        if !omitsBody { buffer.writeBytes(answer.body) }
        let wasResponding = if case .responding = state { true } else { false }
        if closes { return finish(buffer, context, lingering: closing) }
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        waitingSince = .now()
        state = .idle
        if wasResponding { resume(context) }
    }

    /// Writes the last answer and closes.
    ///
    /// A peer that is still sending gets time to read it: closing with unread bytes makes TCP take the answer back.
    private func finish(_ buffer: ByteBuffer, _ context: ChannelHandlerContext, lingering: Bool) {
        state = .closed
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(buffer)).whenComplete { _ in
            if !lingering { return bound.value.close(promise: nil) }
            let channel = bound.value.channel
            channel.close(mode: .output, promise: nil)
            channel.eventLoop.scheduleTask(in: .seconds(Int64(Limits.connectionLingerSeconds))) {
                channel.close(promise: nil)
            }
        }
    }

    /// Goes on with what was pipelined behind the answered request, then with the socket.
    private func resume(_ context: ChannelHandlerContext) {
        if pipelined.isEmpty { return }
        while let part = pipelined.popFirst() {
            read(part, context)
            if case .responding = state { return }
        }
        context.channel.setAutoRead(true)
    }
}

extension Channel {
    /// Stops or resumes reading; a channel that is closing has nothing to read anyway.
    fileprivate func setAutoRead(_ isOn: Bool) {
        syncOptions.map { options in
            // The only failure is a closed channel.
            try? options.setOption(.autoRead, value: isOn)
        }
    }
}

extension HTTPResponseStatus {
    /// `200 OK`.
    fileprivate var line: String {
        self == .ok ? "200 OK" : "\(code) \(reasonPhrase)"
    }
}

extension TraceContext {
    /// Reads the trace of a request; nil unless the headers hold a valid one.
    fileprivate init?(_ headers: HTTPHeaders) {
        let parents = headers["traceparent"]
        // Stripe sends none, so most webhooks end here.
        if parents.isEmpty { return nil }
        self.init(traceparents: parents, tracestates: headers["tracestate"])
    }
}
