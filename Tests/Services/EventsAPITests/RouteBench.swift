import BusAuth
import BusCore
import BusRuntime
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import NIOHTTP1
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// The Events API over an event bench, with tokens to call it.
struct RouteBench: Sendable {
    let events: EventBench
    let streaming: EventStreaming
    let client: any TestClientProtocol
    /// The paths of the routes.
    let paths: Set<String>
    private let tokens: TestTokens

    static let alice = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    static let bob = "0f8fad5b-d9cb-469f-a165-70867728950e"

    /// Runs `body` against a server; `live` uses a socket, which streams that follow need.
    static func run(
        live: Bool = false, on store: TestStore = .memory, allowsWildcard: Bool = false,
        keepAlive: Duration? = nil, pace: ReplayPace = ReplayPace(),
        _ body: @escaping @Sendable (RouteBench) async throws -> Void
    ) async throws {
        try await EventBench.run(on: store) { events in
            let secret = "a test secret"
            let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            let verifier = await TokenVerifier(secret: Secret(secret), audiences: [Audience.api, Audience.internal])
            let streaming = EventStreaming(
                log: events.log, ledger: events.ledger, wakeUps: events.wakeUps, keepAlive: keepAlive, pace: pace)
            let routes = EventRoutes(
                authenticator: Authenticator(verifier), appender: events.appender, streaming: streaming,
                ledger: events.ledger,
                access: .init(
                    serviceSubjects: ["11111111-1111-4111-8111-111111111111"], allowsWildcard: allowsWildcard),
                lines: PublishLines(logger: logger), now: { [clock = events.clock] in clock.now })
            let router = Router(context: BusRequestContext.self)
            router.add(middleware: ErrorResponses(logger: logger))
            OperationsRoutes(readiness: Readiness(), metrics: PrometheusRegistry(), logger: logger)
                .addHealth(to: router)
            routes.add(to: router, basePaths: ["", "/local/v1"])
            let paths = Set(router.routes.map(\.path.description))
            try await Application(router: router, logger: logger).test(live ? .live : .router) { client in
                try await body(
                    RouteBench(
                        events: events, streaming: streaming, client: client, paths: paths,
                        tokens: TestTokens(secret: secret)))
            }
        }
    }

    /// A token for a subject and scopes.
    func token(_ subject: String = "worker", _ scopes: String..., audience: String = Audience.api) -> String {
        let scope = scopes.isEmpty ? "events:send events:listen" : scopes.joined(separator: " ")
        return tokens.token(subject: subject, scope: scope, audience: audience, now: unixNow())
    }

    /// An answer, its body read as JSON.
    struct Answer {
        let status: Int
        let headers: HTTPFields
        let text: String

        var json: JSONValue { (try? JSONValue(parsing: Array(text.utf8))) ?? .null }
        var errorType: String? { json["error"]?["type"]?.text }
        var errorMessage: String? { json["error"]?["message"]?.text }
        var lines: [JSONValue] {
            text.split(separator: "\n").compactMap { try? JSONValue(parsing: Array($0.utf8)) }
        }
        /// The numbers that `publish(count:)` put into the payloads.
        var numbers: [Int64] { lines.compactMap { $0["payload"]?["n"]?.integer } }
    }

    func post(
        _ path: String, _ body: String, token: String? = nil, key: String? = nil
    ) async throws -> Answer {
        try await send(.post, path, Array(body.utf8), token: token ?? self.token(), key: key)
    }

    func get(_ path: String, token: String? = nil) async throws -> Answer {
        try await send(.get, path, nil, token: token ?? self.token(), key: nil)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: [UInt8]?, token: String?, key: String? = nil
    ) async throws -> Answer {
        if let port = client.port {
            // The test client has one connection; streams side by side need one each.
            var headers = ["Authorization": "Bearer \(token ?? "")"]
            headers["Idempotency-Key"] = key
            let method: HTTPMethod = method == .get ? .GET : .POST
            let answer = try await LoopbackClient("127.0.0.1:\(port)").send(
                method, path, body: body, headers: headers)
            return Answer(status: answer.status, headers: [:], text: answer.text)
        }
        var headers = HTTPFields()
        if let token { headers[.authorization] = "Bearer \(token)" }
        if let key { headers[try #require(HTTPField.Name("Idempotency-Key"))] = key }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(bytes: $0) })
        return Answer(
            status: Int(response.status.code), headers: response.headers, text: String(buffer: response.body))
    }

    /// Publishes `{"n": number}` and returns the id.
    @discardableResult
    func publish(_ number: Int, _ name: String = "example.thing", token: String? = nil) async throws -> String {
        let answer = try await post(
            "/api/v1/events", #"{"name":"\#(name)","payload":{"n":\#(number)}}"#, token: token)
        #expect(answer.status == 202)
        return try #require(answer.json["id"]?.text)
    }

    /// Waits until so many streams are open.
    func streamsOpen(_ count: Int) async throws {
        try await eventually("\(count) streams are open") { streaming.slots.count == count ? true : nil }
    }
}
