import AsyncHTTPClient
import BusContract
import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BusClient

@Suite("Calls to the billing and auth APIs")
struct BillingClientTests {
    private func calls(
        _ server: LoopbackServer, _ credential: APICalls.Credential? = nil, timeout: Duration = .seconds(10)
    ) throws -> APICalls {
        let origin = try #require(APIOrigin(server.url + "/prefix/"))
        let tokens = TokenSource(token: Secret("canary-token"), label: "BUS_API_TOKEN")
        return APICalls(http: .shared, origin: origin, credential: credential ?? .bearer(tokens), timeout: timeout)
    }

    /// How a status call ends when the server answers like that.
    private func fault(_ answer: LoopbackServer.Fault, timeout: Duration = .seconds(10)) async throws -> APIFault? {
        try await LoopbackServer.run(faults: [answer]) { server in
            do {
                _ = try await BillingClient(try calls(server, timeout: timeout)).status()
                return nil
            } catch let fault as APIFault {
                return fault
            }
        }
    }

    @Test("each call has the contract's method, path and body, and passes the answer on")
    func requests() async throws {
        // Every call finds its members in it, and more that a later release says.
        let body = #"""
            {"account_id": "6c0e7f6a-0000-4000-8000-000000000001", "status": "active", "features": [],
             "setup_required": false, "url": "https://u", "provider": "stripe", "added_later": 1}
            """#
        let answers = Array(
            repeating: LoopbackServer.Fault.status(200, headers: ["ETag": "\"t\""], body: body), count: 8)
        try await LoopbackServer.run(faults: answers) { server in
            let client = BillingClient(try calls(server))
            let status = try await client.status()
            #expect(status.payload.bytes == Array(body.utf8) && status.answer.status == .active)
            _ = try await client.checkoutSession(
                feature: "llm:proxy", planID: "pro", interval: .year, isAdditional: true, returnURL: nil)
            _ = try await client.checkoutSession(
                feature: nil, planID: nil, interval: nil, isAdditional: false, returnURL: nil)
            _ = try await client.portalSession(returnURL: "https://a.example/")
            _ = try await client.status(of: "u")
            #expect(try await client.catalog().etag == "\"t\"")
            _ = try await client.replaceCatalog(with: Array("{}".utf8), isForced: true)
            #expect(server.requests.last?.query == "force=true")
            _ = try await client.replaceCatalog(with: Array("{}".utf8), ifMatch: "\"s\"")
            let seen = server.requests.map { "\($0.method) \($0.path) \($0.body)" }
            #expect(
                seen == [
                    "GET /prefix/api/v1/billing/status ",
                    "POST /prefix/api/v1/billing/checkout-session "
                        + #"{"additional":true,"feature":"llm:proxy","interval":"year","plan_id":"pro"}"#,
                    "POST /prefix/api/v1/billing/checkout-session {}",
                    "POST /prefix/api/v1/billing/portal-session {\"return_url\":\"https://a.example/\"}",
                    "GET /prefix/api/internal/billing/accounts/u/status ",
                    "GET /prefix/api/internal/billing/catalog ", "PUT /prefix/api/internal/billing/catalog {}",
                    "PUT /prefix/api/internal/billing/catalog {}",
                ])
            #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer canary-token" })
            #expect(server.requests.last?.headers["if-match"] == "\"s\"")
        }
    }

    @Test("an error body is read whole, and redacted")
    func refusals() async throws {
        let body = #"{"error":{"type":"t","message":"m sk_test_canary","action":"a","command":"c"}}"#
        guard case .refused(let refusal) = try await fault(.status(402, body: body)) else {
            Issue.record("not refused")
            return
        }
        #expect(refusal.status == 402 && refusal.type == "t" && refusal.command == "c")
        #expect(refusal.message == "m sk_test_…")
        for body in ["", "<html>", "[]", #"{"error":"x"}"#] {
            guard case .refused(let refusal) = try await fault(.status(503, body: body)) else {
                Issue.record("not refused: \(body)")
                continue
            }
            #expect(refusal.type == "http_503" && refusal.message == "no reason given")
        }
    }

    @Test("no answer, half an answer and nonsense are told apart")
    func faults() async throws {
        guard case .late = try await fault(.silence, timeout: .milliseconds(100)) else { throw Wrong() }
        guard case .late = try await fault(.silentBody, timeout: .milliseconds(100)) else { throw Wrong() }
        guard case .unreachable = try await fault(.resetBeforeCommit) else { throw Wrong() }
        guard case .unreadable = try await fault(.status(200, body: "{\"a\":")) else { throw Wrong() }
        guard case .unreadable = try await fault(.status(200, body: "")) else { throw Wrong() }
    }

    @Test("an order refused for members that are not documented is repeated once with the documented ones")
    func tokenOrder() async throws {
        let order = TokenClient.Order(subject: "s", audience: "a", scope: "x y", lifetimeSeconds: 60)
        let refused = LoopbackServer.Fault.status(400)
        try await LoopbackServer.run(faults: [refused, .status(200, body: "{}")]) { server in
            _ = try await TokenClient(try calls(server, .internalKey(Secret("canary key")))).issue(order)
            #expect(
                server.requests.map(\.body) == [
                    #"{"audience":"a","resources":"x y","scope":"x y","subject":"s","ttl_seconds":60}"#,
                    #"{"audience":"a","resources":"x y","subject":"s"}"#,
                ])
            #expect(server.requests.allSatisfy { $0.headers["x-bus-internal-key"] == "canary key" })
        }
        await #expect(throws: APIFault.self) {
            try await LoopbackServer.run(faults: [refused, refused]) { server in
                _ = try await TokenClient(try calls(server)).issue(order)
            }
        }
    }

    @Test("a key that is no header value is never sent, and never shown")
    func unusableKey() async throws {
        try await LoopbackServer.run { server in
            let client = TokenClient(try calls(server, .internalKey(Secret("canary\r\nX: y"))))
            let order = TokenClient.Order(subject: "s", audience: nil, scope: nil, lifetimeSeconds: nil)
            await #expect { _ = try await client.issue(order) } throws: { error in
                guard case APIFault.unusableKey = error else { return false }
                return true
            }
            #expect(server.requests.isEmpty)
        }
    }

    private struct Wrong: Error {}
}

@Suite("The API's origin")
struct APIOriginTests {
    @Test(
        "every documented spelling leads to the same origin",
        arguments: [
            "", "/", "/api/v1/billing", "/api/v1/billing/status/", "/api/internal/billing", "/api/internal/auth/token",
            "/api/v1/?x=1#y", "/api/internal/billing/catalog",
        ])
    func spellings(path: String) {
        #expect(APIOrigin("http://h:1" + path)?.text == "http://h:1")
        #expect(APIOrigin("https://h/p/q" + path)?.text == "https://h/p/q")
    }

    @Test("what is no plain http URL is refused", arguments: ["", "h:1", "ftp://h", "http://", "http://u:p@h", "/x"])
    func refused(text: String) {
        #expect(APIOrigin(text) == nil)
    }

    @Test("the flag wins, then the command's own variable, then the shared ones")
    func order() throws {
        var environment: [String: String] = [:]
        func origin(flag: String? = nil, fallback: String? = "http://default") -> String? {
            var reader = SettingsReader(
                environment: environment, commandLine: CommandLineFlags(given: ["--api-url": flag]))
            let origin = reader.billingOrigin(default: fallback)
            #expect((origin == nil) == ((try? reader.check()) == nil))
            return origin?.text
        }
        #expect(origin() == "http://default" && origin(fallback: nil) == nil)
        for name in ["BUS_AI_API_URL", "BUS_API_URL", "BUS_API_BASE_URL", "BUS_BILLING_API_URL"] {
            environment[name] = "http://\(name)"
            #expect(origin() == "http://\(name)")
        }
        #expect(origin(flag: "http://flag") == "http://flag")
        #expect(origin(flag: "${BUS_API_URL}") == "http://BUS_API_URL")
        #expect(origin(flag: "$UNSET") == nil && origin(flag: "flag") == nil)
        environment["BUS_BILLING_API_URL"] = "nonsense"
        #expect(origin() == nil, "a wrong value is an error, not skipped")
    }
}
