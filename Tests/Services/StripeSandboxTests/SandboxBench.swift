import AsyncHTTPClient
import BusCore
import BusRuntime
import BusServer
import Hummingbird
import HummingbirdTesting
import Logging
import StripeClient
import StripeCore
import TestSupport
import Testing

@testable import StripeSandbox

/// An offline Stripe on a real socket, with its webhooks on their way.
struct SandboxBench: Sendable {
    /// `http://localhost:<port>`.
    let url: String
    let client: LoopbackClient
    let http: HTTPClient

    static let secret = "whsec_bench"

    /// Runs `body` with an empty world; webhooks go to `target`.
    static func run(
        forwardingTo target: String? = nil, start: String? = nil,
        _ body: @escaping @Sendable (SandboxBench) async throws -> Void
    ) async throws {
        var environment = ["BUS_STRIPE_WEBHOOK_SECRET": secret]
        environment["BUS_STRIPE_SANDBOX_FORWARD_TO"] = target
        environment["BUS_STRIPE_SANDBOX_START"] = start
        var reader = SettingsReader(environment: environment)
        let settings = SandboxSettings(&reader)
        try reader.check()
        let home = SandboxHome(settings)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: ErrorResponses(logger: logger))
        StripeRoutes(home: home).add(to: router)
        PageRoutes(home: home).add(to: router)
        ControlRoutes(home: home).add(to: router)
        let http = HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
        let sender = WebhookSender(home: home, http: http, logger: logger)
        let result: Result<Void, any Error>
        do {
            try await Application(router: router, logger: logger).test(.live) { live in
                let url = "http://localhost:\(live.port ?? 0)"
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await sender.run() }
                    try await body(SandboxBench(url: url, client: LoopbackClient(url), http: http))
                    group.cancelAll()
                }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        try result.get()
    }

    /// A receiver of webhooks: it fails as told, then takes everything.
    static func receiving(
        _ faults: [LoopbackServer.Fault] = [], _ body: @Sendable (LoopbackServer) async throws -> Void
    ) async throws {
        try await LoopbackServer.run(faults: faults, otherwise: .init(status: 200), body)
    }

    /// Our own client, as the Stripe worker and the commands have it.
    func ourClient() throws -> StripeClient {
        StripeClient(
            http: http, key: try StripeKey(Secret("sk_test_bench")), baseURL: url,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, retryDelay: { _ in .milliseconds(1) })
    }

    /// A call with a form that must succeed.
    @discardableResult
    func post(
        _ path: String, _ form: String = "", headers: [String: String] = [:]
    ) async throws -> JSONValue {
        let answer = try await client.post(
            path, Array(form.utf8),
            headers: [
                "Authorization": "Bearer sk_test_bench", "Content-Type": "application/x-www-form-urlencoded",
            ].merging(headers) { $1 })
        try #require(answer.status == 200, "\(path): \(answer.text)")
        return try #require(answer.json)
    }

    /// A control that must succeed.
    @discardableResult
    func control(_ method: String, _ path: String, _ body: JSONValue? = nil) async throws -> JSONValue {
        let bytes = body?.serialized() ?? []
        let answer =
            switch method {
            case "PUT": try await client.put(path, bytes)
            case "POST": try await client.post(path, bytes)
            default: try await client.get(path)
            }
        try #require(answer.status == 200, "\(path): \(answer.text)")
        return try #require(answer.json)
    }

    /// What was sent of one event type, newest first.
    func deliveries(_ type: String) async throws -> [JSONValue] {
        let sent = try await control("GET", "/sandbox/events?limit=1000")["events"]?.elements ?? []
        return sent.filter { $0["type"]?.text == type }
    }

    /// The status of a click on a Checkout page.
    func click(_ session: String, _ form: String) async throws -> Int {
        try await submit("/local/stripe/checkout/\(session)", form)
    }

    /// The status of a form.
    func submit(_ path: String, _ form: String) async throws -> Int {
        try await client.submit(path, form).status
    }

    /// The first hundred of a list.
    func list(_ path: String, headers: [String: String] = [:]) async throws -> [JSONValue] {
        let answer = try await client.get(
            "\(path)?limit=100", headers: ["Authorization": "Bearer sk_test_bench"].merging(headers) { $1 })
        return try #require(answer.json?["data"]?.elements, "\(answer.text)")
    }
}
