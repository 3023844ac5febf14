import AsyncHTTPClient
import BusCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

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
    private let streams = Mutex<[any Channel]>([])

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
        return try await RequestListener.run(double.answer) { url in
            let endpoint = try #require(EventsEndpoint(url))
            return try await body(
                double,
                EventsClient(transport: HTTPClient.shared, endpoint: endpoint, tokens: tokens, logger: silent))
        }
    }

    // MARK: Answering

    private func answer(_ request: LoopbackServer.Request, on channel: any Channel) {
        let route = request.path.split(separator: "/").last.map(String.init) ?? ""
        let call = calls.withLock { calls in
            let call = Call(
                route: route, query: request.query, authorization: request.headers["authorization"],
                idempotencyKey: request.headers["idempotency-key"],
                body: (try? JSONValue(parsing: Array(request.body.utf8))) ?? .null,
                number: calls.count { $0.route == route } + 1)
            calls.append(call)
            return call
        }
        switch script(call) {
        case .reply(let status, let body, let retryAfter):
            write(status, [body], on: channel, retryAfter: retryAfter)
            end(channel)
        case .silence: break
        case .silentBody(let status): write(status, ["{"], on: channel)
        case .lines(let lines):
            write(200, lines.map { $0 + "\n" }, on: channel)
            end(channel)
        case .openLines(let lines):
            streams.withLock { $0.append(channel) }
            write(200, lines.map { $0 + "\n" }, on: channel)
        case .answer(let line):
            for event in call.events {
                if let line = line(event) { send(line) }
            }
            write(202, [#"{"accepted":true}"#], on: channel)
            end(channel)
        case .brokenLines(let lines):
            write(200, lines.map { $0 + "\n" }, on: channel)
            channel.close(promise: nil)
        }
    }

    private func write(_ status: Int, _ texts: [String], on channel: any Channel, retryAfter: String? = nil) {
        var headers = HTTPHeaders()
        if let retryAfter { headers.add(name: "Retry-After", value: retryAfter) }
        let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        for text in texts {
            channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))), promise: nil)
        }
        channel.flush()
    }

    private func end(_ channel: any Channel) {
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
