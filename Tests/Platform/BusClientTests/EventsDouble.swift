import AsyncHTTPClient
import BusCore
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import TestSupport

@testable import BusClient

/// An Events API that does what a test's script says, and remembers every call.
final class EventsDouble: Sendable {
    /// One call as it arrived.
    struct Call: Sendable {
        /// Last part of the path: `events`, `batch`, `stream`, `ack` or `capabilities`.
        let route: String
        let query: String
        let authorization: String?
        let idempotencyKey: String?
        let body: JSONValue
        /// Which call of its route it is, from 1.
        let number: Int

        /// The published events, of a batch or alone.
        var events: [JSONValue] { route == "batch" ? body["events"]?.elements ?? [] : [body] }
    }

    /// What to do with a call.
    enum Step: Sendable {
        case reply(Int, String = #"{"accepted":true}"#, retryAfter: String? = nil)
        /// Never answers.
        case silence
        /// Sends the head and never the rest.
        case silentBody(Int)
        /// Sends lines and ends.
        case lines([String])
        /// Sends lines and stays open.
        case openLines([String])
        /// Accepts events, and sends the line of each to every open stream.
        case answer(@Sendable (JSONValue) -> String?)
        /// Sends lines and breaks the connection.
        case brokenLines([String])

        /// An error body.
        static func fail(_ status: Int, _ type: String = "x", retryAfter: String? = nil) -> Step {
            .reply(status, #"{"error":{"type":"\#(type)","message":"because"}}"#, retryAfter: retryAfter)
        }
        /// What a server without the route says.
        static let missing = fail(404, "not_found")
        /// The capabilities of a server with acknowledgements.
        static let manualAck = reply(200, #"{"features":["batch","manual-ack"]}"#)
    }

    typealias Script = @Sendable (Call) -> Step

    private let script: Script
    private let calls = Mutex<[Call]>([])
    fileprivate let streams = Mutex<[any Channel]>([])

    private init(_ script: @escaping Script) {
        self.script = script
    }

    /// Calls of one route so far.
    func calls(_ route: String) -> [Call] {
        calls.withLock { $0.filter { $0.route == route } }
    }

    /// Sends a line to every open stream.
    func send(_ line: String) {
        for stream in streams.withLock({ $0 }) {
            stream.writeAndFlush(
                HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: line + "\n"))), promise: nil)
        }
    }

    /// Breaks every open stream.
    func breakStreams() {
        for stream in streams.withLock({ streams in
            defer { streams = [] }
            return streams
        }) { stream.close(promise: nil) }
    }

    /// Runs `body` beside a double and gives it a client, with the token `canary-token` unless another one is given.
    static func run<Value: Sendable>(
        _ script: @escaping Script,
        tokens: TokenSource = TokenSource(token: Secret("canary-token"), label: "BUS_API_TOKEN"),
        _ body: (EventsDouble, EventsClient) async throws -> Value
    ) async throws -> Value {
        let double = EventsDouble(script)
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(EventsDoubleHandler(double))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let result = await Result {
            let url = "http://127.0.0.1:\(server.localAddress?.port ?? 0)"
            guard let endpoint = EventsEndpoint(url) else { throw CancellationError() }
            return try await body(
                double, EventsClient(transport: HTTPClient.shared, endpoint: endpoint, tokens: tokens, logger: silent))
        }
        try await server.close()
        return try result.get()
    }

    fileprivate func step(_ head: HTTPRequestHead, _ body: ByteBuffer) -> (Call, Step) {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let route = parts.first?.split(separator: "/").last.map(String.init) ?? ""
        let call = calls.withLock { calls in
            let call = Call(
                route: route, query: parts.count > 1 ? String(parts[1]) : "",
                authorization: head.headers.first(name: "Authorization"),
                idempotencyKey: head.headers.first(name: "Idempotency-Key"),
                body: (try? JSONValue(parsing: Array(body.readableBytesView))) ?? .null,
                number: calls.count { $0.route == route } + 1)
            calls.append(call)
            return call
        }
        return (call, script(call))
    }
}

/// Collects one request and does what the script says.
private final class EventsDoubleHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let double: EventsDouble
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(_ double: EventsDouble) {
        self.double = double
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            let (call, step) = double.step(head, body)
            answer(call, step, context)
        }
    }

    private func answer(_ call: EventsDouble.Call, _ step: EventsDouble.Step, _ context: ChannelHandlerContext) {
        switch step {
        case .reply(let status, let body, let retryAfter):
            write(status, [body], context, retryAfter: retryAfter)
            end(context)
        case .silence: break
        case .silentBody(let status): write(status, ["{"], context)
        case .lines(let lines):
            write(200, lines.map { $0 + "\n" }, context)
            end(context)
        case .openLines(let lines):
            double.streams.withLock { $0.append(context.channel) }
            write(200, lines.map { $0 + "\n" }, context)
        case .answer(let line):
            for event in call.events {
                if let line = line(event) { double.send(line) }
            }
            write(202, [#"{"accepted":true}"#], context)
            end(context)
        case .brokenLines(let lines):
            write(200, lines.map { $0 + "\n" }, context)
            context.close(promise: nil)
        }
    }

    private func write(
        _ status: Int, _ texts: [String], _ context: ChannelHandlerContext, retryAfter: String? = nil
    ) {
        var headers = HTTPHeaders()
        if let retryAfter { headers.add(name: "Retry-After", value: retryAfter) }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        for text in texts { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil) }
        context.flush()
    }

    private func end(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
