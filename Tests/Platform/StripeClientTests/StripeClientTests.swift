import AsyncHTTPClient
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import TestSupport
import Testing

let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// Runs `body` with a client of a double that fails as told; waits between attempts are as good as none.
func withClient<Value: Sendable>(
    faults: [StripeDouble.Fault] = [], key: String = "sk_test_double", apiVersion: String? = nil, logger: Logger? = nil,
    _ body: (StripeClient, StripeDouble) async throws -> Value
) async throws -> Value {
    try await StripeDouble.run(faults: faults) { double in
        let http = HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
        let client = StripeClient(
            http: http, key: try StripeKey(Secret(key)), baseURL: double.url, apiVersion: apiVersion,
            logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            retryDelay: { _ in .milliseconds(1) })
        do {
            let value = try await body(client, double)
            try await http.shutdown()
            return value
        } catch {
            try await http.shutdown()
            throw error
        }
    }
}

func deadline(in time: Duration = .seconds(60)) -> ContinuousClock.Instant { .now.advanced(by: time) }

private func checkoutRequest() throws -> CheckoutRequest {
    try CheckoutRequest(
        ProviderCheckoutRequest(accountID: account, features: [], lines: [.init(.id("price_1"))]),
        requestID: "request-1",
        settings: StripeRequestSettings(mode: .test))
}

func meterRequest(_ key: String = "usage-1") throws -> MeterRequest {
    var usage = MeterEventRequest(accountID: account, meterEventName: "bus_llm_tokens", quantity: 1_200)
    usage.customerID = "cus_1"
    usage.idempotencyKey = key
    return try MeterRequest(usage, mode: .test, now: Timestamp(clampingSeconds: 0))
}

extension StripeClient {
    fileprivate func checkout(_ deadline: ContinuousClock.Instant = deadline()) async throws -> StripeSession {
        let request = try checkoutRequest()
        let lines = request.lines.map { CheckoutLine($0, price: ResolvedPrice(id: $0.price.text, isMetered: false)) }
        let creation = try await createCheckoutSession(request, lines: lines, customerID: nil, deadline: deadline)
        switch creation {
        case .open(let session): return session
        case .ended(let id): throw BusError(.conflict, "\(id) has ended")
        }
    }
}

func expectFirstPage(_ client: StripeClient) async throws {
    let session = try await client.checkout()
    #expect(session.id == "cs_test_1")
}

struct StripeClientTests {
    @Test("a call carries its headers, its form, and a version only when one is set")
    func request() async throws {
        try await withClient(apiVersion: "2026-07-29.dahlia") { client, double in
            let session = try await client.checkout()
            #expect(session.id == "cs_test_1")
            #expect(session.url == "https://pages.example/cs_test_1#fid")
            #expect(session.expiresAt == Timestamp(clampingSeconds: 1_785_686_400))
            let request = try #require(double.requests.first)
            #expect(request.method == "POST")
            #expect(request.path == "/v1/checkout/sessions")
            #expect(request.headers["authorization"] == "Bearer sk_test_double")
            #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
            #expect(request.headers["stripe-version"] == "2026-07-29.dahlia")
            #expect(request.headers["user-agent"]?.hasPrefix("bus-integration-stripe") == true)
            #expect(request.headers["idempotency-key"]?.hasPrefix("bus-checkout-test-") == true)
            #expect(request.body.hasPrefix("mode=subscription&line_items[0][price]=price_1&"))
        }
        try await withClient { client, double in
            _ = try await client.checkout()
            #expect(double.requests.first?.headers["stripe-version"] == nil)
        }
    }

    @Test(
        "whatever happens on the way, exactly one session and one meter event come to be",
        arguments: [
            [.resetBeforeCommit], [.resetAfterCommit], [.truncatedJSON], [.otherJSON], [.status(500)],
            [.status(502, body: "<html>Bad gateway</html>")], [.status(200, body: "<html>Welcome</html>")],
            [.status(409, body: #"{"error":{"type":"x","code":"idempotency_key_in_use"}}"#)],
            [.status(429)], [.status(400, headers: ["Stripe-Should-Retry": "true"])],
            [.resetAfterCommit, .truncatedJSON], [.status(503), .resetAfterCommit],
        ] as [[StripeDouble.Fault]])
    func exactlyOnce(faults: [StripeDouble.Fault]) async throws {
        try await withClient(faults: faults) { client, double in
            let session = try await client.checkout()
            #expect(session.id == "cs_test_1")
            #expect(double.sessionCount == 1)
            let writes = double.requests.filter { $0.method == "POST" }
            #expect(writes.count == faults.count + 1)
            #expect(Set(writes.map(\.body)).count == 1)
            #expect(Set(writes.map { $0.headers["idempotency-key"] }).count == 1)
        }
        try await withClient(faults: faults) { client, double in
            let receipt = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(receipt.providerEventID == "usage-1")
            #expect(double.meterEvents == ["usage-1": "1200"])
        }
    }

    @Test(
        "what cannot get better is not tried again",
        arguments: [
            (.status(400, body: #"{"error":{"code":"parameter_unknown","message":"m"}}"#), ErrorCode.stripeError),
            (.status(401), .stripeAuthFailed), (.status(403), .stripeAuthFailed), (.status(404), .stripeError),
            (.status(301, headers: ["Location": "https://elsewhere.example/"]), .stripeError),
            (.status(500, headers: ["Stripe-Should-Retry": "false"]), .stripeUnavailable),
        ] as [(StripeDouble.Fault, ErrorCode)])
    func noRetry(fault: StripeDouble.Fault, code: ErrorCode) async throws {
        try await withClient(faults: [fault]) { client, double in
            let caught = await #expect(throws: StripeFault.self) { try await client.checkout() }
            #expect(caught?.code == code)
            #expect(double.requests.count == 1)
        }
    }

    @Test("three attempts, then the outcome is unavailable")
    func exhausted() async throws {
        let faults: [StripeDouble.Fault] = [.status(500), .resetBeforeCommit, .status(429), .status(500)]
        try await withClient(faults: faults) { client, double in
            let caught = await #expect(throws: StripeFault.self) { try await client.checkout() }
            #expect(caught?.code == .stripeUnavailable)
            #expect(double.requests.count == Limits.stripeAttemptsMax)
        }
    }

    @Test(
        "a silent Stripe costs no more than the caller's deadline",
        arguments: [.silence, .silentBody] as [StripeDouble.Fault])
    func silence(fault: StripeDouble.Fault) async throws {
        try await withClient(faults: [fault]) { client, double in
            let caught = await #expect(throws: StripeFault.self) {
                try await client.checkout(deadline(in: .milliseconds(300)))
            }
            #expect(caught?.code == .stripeUnavailable)
            #expect(double.requests.count == 1)
        }
        try await withClient { client, double in
            await #expect(throws: StripeFault.self) { try await client.checkout(.now) }
            #expect(double.requests.isEmpty)
        }
    }

    @Test("nobody listening is worth a retry, a connection that is not safe is not")
    func connections() async throws {
        let port = try FreePort.next()
        for (url, message) in [("http://127.0.0.1:\(port)", "could not be reached"), ("https", "no safe connection")] {
            try await StripeDouble.run { double in
                let http = HTTPClient(
                    eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
                let baseURL = url == "https" ? double.url.replacing("http:", with: "https:") : url
                let client = StripeClient(
                    http: http, key: try StripeKey(Secret("sk_test_x")), baseURL: baseURL,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                    retryDelay: { _ in .milliseconds(1) })
                let caught = await #expect(throws: StripeFault.self) { try await client.checkout() }
                #expect(caught?.message.contains(message) == true, "\(caught?.message ?? "")")
                #expect(caught?.mayRetry == (url != "https"))
                try await http.shutdown()
            }
        }
    }

    @Test("usage that Stripe already has is a success and says so")
    func duplicateMeter() async throws {
        try await withClient { client, double in
            let long = String(repeating: "k", count: 150)
            let first = try await client.recordMeterEvent(try meterRequest(long), deadline: deadline())
            #expect(!first.isDuplicate && first.providerEventID.hasPrefix("bus_"))
            double.set { $0.meterEvents["usage-2"] = "7" }
            let second = try await client.recordMeterEvent(try meterRequest("usage-2"), deadline: deadline())
            #expect(second.isDuplicate && second.providerEventID == "usage-2")
            #expect(double.meterEvents["usage-2"] == "7")
        }
    }

    @Test("prices, customers, portals and subscriptions are read and made")
    func otherCalls() async throws {
        try await withClient { client, double in
            double.set {
                $0.prices = ["k1": ("price_1", true), "k 2&": ("price_2", false)]
                $0.customers = [account: ["cus_old", "cus_new"]]
                $0.subscriptions = ["sub_1": "past_due"]
            }
            let prices = try await client.resolvePrices(["k1", "k 2&", "k3"], deadline: deadline())
            #expect(prices.map(\.id) == ["price_1", "price_2"])
            #expect(prices.map(\.isMetered) == [true, false])
            let found = try await client.findCustomers(accountID: account, deadline: deadline())
            #expect(CustomerChoice(accountID: account).candidates(found) == ["cus_old", "cus_new"])
            #expect(try await client.findCustomers(accountID: "none", deadline: deadline()) == [])
            let observed = try await client.subscription(id: "sub_1", deadline: deadline())
            #expect(observed.object.status == "past_due" && observed.object.id == "sub_1")
            #expect(observed.answeredAt == Timestamp(clampingSeconds: 1_785_600_605))
            let portal = try PortalRequest(
                try ProviderPortalRequest(JSONText(["account_id": .string(account)])), requestID: "r",
                settings: StripeRequestSettings(mode: .test))
            #expect(
                try await client.createPortalSession(portal, customerID: "cus_old", deadline: deadline()).id
                    == "bps_1")
            double.set { $0.isPortalConfigured = false }
            let other = try PortalRequest(
                try ProviderPortalRequest(JSONText(["account_id": .string(account)])), requestID: "r2",
                settings: StripeRequestSettings(mode: .test))
            let caught = await #expect(throws: StripeFault.self) {
                try await client.createPortalSession(other, customerID: "cus_old", deadline: deadline())
            }
            #expect(caught?.code == .stripeError)
            #expect(caught?.message.contains("Customer Portal") == true)
        }
    }

    @Test("a page handed out again from Stripe's memory is open, or another one is made")
    func endedPage() async throws {
        try await withClient { client, double in
            try await expectFirstPage(client)
            try await expectFirstPage(client)
            double.set { $0.endedSessions = ["cs_test_1": "complete"] }
            await #expect(throws: BusError.self) { try await client.checkout() }
            // A key that may not read the page gets it as it was.
            double.set { $0.forbidden = ["GET /v1/checkout/sessions/cs_test_1"] }
            try await expectFirstPage(client)
        }
    }
}
