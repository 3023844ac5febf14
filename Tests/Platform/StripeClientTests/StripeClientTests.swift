import AsyncHTTPClient
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

let account = "6c0e7f6a-0000-4000-8000-000000000001"

/// A client of an offline Stripe that has a price, a meter and a customer.
struct ClientBench {
    let client: StripeClient
    let stripe: LoopbackStripe
    let price: String
    let customer: String

    /// Opens the Checkout page of request 1.
    func checkout(_ deadline: ContinuousClock.Instant = deadline()) async throws -> StripeSession {
        let request = try CheckoutRequest(
            ProviderCheckoutRequest(accountID: account, features: [], lines: [.init(.id(price))]),
            requestID: "request-1", settings: StripeRequestSettings(mode: .test))
        let lines = request.lines.map { CheckoutLine($0, price: ResolvedPrice(id: $0.price.text, isMetered: false)) }
        let creation = try await client.createCheckoutSession(
            request, lines: lines, customerID: nil, deadline: deadline)
        switch creation {
        case .open(let session): return session
        case .ended(let id): throw BusError(.conflict, "\(id) has ended")
        }
    }

    /// The sessions that came to be.
    var sessions: [String] {
        get async throws { try await stripe.list("/v1/checkout/sessions").compactMap { $0["id"]?.text } }
    }

    /// 1200 tokens of the customer.
    func meterRequest(_ key: String = "usage-1") throws -> MeterRequest {
        var usage = MeterEventRequest(accountID: account, meterEventName: "tokens", quantity: 1_200)
        usage.customerID = customer
        usage.idempotencyKey = key
        return try MeterRequest(usage, mode: .test, now: Timestamp(clampingSeconds: 0))
    }

    /// The tokens that were counted.
    var usage: Int64 {
        get async throws { try await stripe.usage(of: "tokens", by: customer) }
    }
}

/// Runs `body` with a client of a Stripe that fails as told; waits between attempts are as good as none.
func withClient<Value: Sendable>(
    faults: [LoopbackStripe.Fault] = [], key: String = "sk_test_client", apiVersion: String? = nil,
    logger: Logger? = nil, _ body: (ClientBench) async throws -> Value
) async throws -> Value {
    try await LoopbackStripe.run(faults: faults) { stripe in
        try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
            let client = StripeClient(
                http: http, key: try StripeKey(Secret(key)), baseURL: stripe.url, apiVersion: apiVersion,
                logger: logger ?? Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                retryDelay: { _ in .milliseconds(1) })
            let price = try await stripe.sell()
            try await stripe.sellUse()
            let customer = try await stripe.addCustomer()
            return try await body(ClientBench(client: client, stripe: stripe, price: price, customer: customer))
        }
    }
}

func deadline(in time: Duration = .seconds(60)) -> ContinuousClock.Instant { .now.advanced(by: time) }

struct StripeClientTests {
    @Test("a call carries its headers, its form, and a version only when one is set")
    func request() async throws {
        try await withClient(apiVersion: "2026-07-29.dahlia") { bench in
            let session = try await bench.checkout()
            #expect(try await bench.sessions == [session.id])
            #expect(session.url == "\(bench.stripe.url)/local/stripe/checkout/\(session.id)#fid")
            // A day after the customer was made, one second after the start.
            #expect(session.expiresAt == Timestamp(clampingSeconds: 1_785_687_006))
            let request = try #require(bench.stripe.requests.first)
            #expect(request.method == "POST")
            #expect(request.path == "/v1/checkout/sessions")
            #expect(request.headers["authorization"] == "Bearer sk_test_client")
            #expect(request.headers["content-type"] == "application/x-www-form-urlencoded")
            #expect(request.headers["stripe-version"] == "2026-07-29.dahlia")
            #expect(request.headers["user-agent"]?.hasPrefix("bus-integration-stripe") == true)
            #expect(request.headers["idempotency-key"]?.hasPrefix("bus-checkout-test-") == true)
            #expect(request.body.hasPrefix("mode=subscription&line_items[0][price]=\(bench.price)&"))
        }
        try await withClient { bench in
            _ = try await bench.checkout()
            #expect(bench.stripe.requests.first?.headers["stripe-version"] == nil)
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
        ] as [[LoopbackStripe.Fault]])
    func exactlyOnce(faults: [LoopbackStripe.Fault]) async throws {
        try await withClient(faults: faults) { bench in
            let session = try await bench.checkout()
            #expect(try await bench.sessions == [session.id])
            let writes = bench.stripe.requests.filter { $0.method == "POST" }
            #expect(writes.count == faults.count + 1)
            #expect(Set(writes.map(\.body)).count == 1)
            #expect(Set(writes.map { $0.headers["idempotency-key"] }).count == 1)
        }
        try await withClient(faults: faults) { bench in
            let receipt = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(receipt.providerEventID == "usage-1")
            #expect(try await bench.usage == 1_200)
        }
    }

    @Test(
        "what cannot get better is not tried again",
        arguments: [
            (.status(400, body: #"{"error":{"code":"parameter_unknown","message":"m"}}"#), ErrorCode.stripeError),
            (.status(401), .stripeAuthFailed), (.status(403), .stripeAuthFailed), (.status(404), .stripeError),
            (.status(301, headers: ["Location": "https://elsewhere.example/"]), .stripeError),
            (.status(500, headers: ["Stripe-Should-Retry": "false"]), .stripeUnavailable),
        ] as [(LoopbackStripe.Fault, ErrorCode)])
    func noRetry(fault: LoopbackStripe.Fault, code: ErrorCode) async throws {
        try await withClient(faults: [fault]) { bench in
            let caught = await #expect(throws: StripeFault.self) { try await bench.checkout() }
            #expect(caught?.code == code)
            #expect(bench.stripe.requests.count == 1)
        }
    }

    @Test("three attempts, then the outcome is unavailable")
    func exhausted() async throws {
        let faults: [LoopbackStripe.Fault] = [.status(500), .resetBeforeCommit, .status(429), .status(500)]
        try await withClient(faults: faults) { bench in
            let caught = await #expect(throws: StripeFault.self) { try await bench.checkout() }
            #expect(caught?.code == .stripeUnavailable)
            #expect(bench.stripe.requests.count == Limits.stripeAttemptsMax)
        }
    }

    @Test(
        "a silent Stripe costs no more than the caller's deadline",
        arguments: [.silence, .silentBody] as [LoopbackStripe.Fault])
    func silence(fault: LoopbackStripe.Fault) async throws {
        try await withClient(faults: [fault]) { bench in
            let caught = await #expect(throws: StripeFault.self) {
                try await bench.checkout(deadline(in: .milliseconds(300)))
            }
            #expect(caught?.code == .stripeUnavailable)
            #expect(bench.stripe.requests.count == 1)
        }
        try await withClient { bench in
            await #expect(throws: StripeFault.self) { try await bench.checkout(.now) }
            #expect(bench.stripe.requests.isEmpty)
        }
    }

    @Test("nobody listening is worth a retry, a connection that is not safe is not")
    func connections() async throws {
        let port = try FreePort.next()
        for (url, message) in [("http://127.0.0.1:\(port)", "could not be reached"), ("https", "no safe connection")] {
            try await withClient { bench in
                try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
                    let baseURL = url == "https" ? bench.stripe.url.replacing("http:", with: "https:") : url
                    let client = StripeClient(
                        http: http, key: try StripeKey(Secret("sk_test_x")), baseURL: baseURL,
                        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                        retryDelay: { _ in .milliseconds(1) })
                    let other = ClientBench(
                        client: client, stripe: bench.stripe, price: bench.price, customer: bench.customer)
                    let caught = await #expect(throws: StripeFault.self) { try await other.checkout() }
                    #expect(caught?.message.contains(message) == true, "\(caught?.message ?? "")")
                    #expect(caught?.mayRetry == (url != "https"))
                }
            }
        }
    }

    @Test("usage that Stripe already has is a success and says so")
    func duplicateMeter() async throws {
        try await withClient { bench in
            let long = String(repeating: "k", count: 150)
            let first = try await bench.client.recordMeterEvent(try bench.meterRequest(long), deadline: deadline())
            #expect(!first.isDuplicate && first.providerEventID.hasPrefix("bus_"))
            try await bench.stripe.post(
                "/v1/billing/meter_events",
                "event_name=tokens&identifier=usage-2&payload[stripe_customer_id]=\(bench.customer)&payload[value]=7")
            let second = try await bench.client.recordMeterEvent(
                try bench.meterRequest("usage-2"), deadline: deadline())
            #expect(second.isDuplicate && second.providerEventID == "usage-2")
            #expect(try await bench.usage == 1_207)
        }
    }

    @Test("prices, customers, portals and subscriptions are read and made")
    func otherCalls() async throws {
        try await withClient { bench in
            let (client, stripe) = (bench.client, bench.stripe)
            let use = try await stripe.sellUse("lookup_key=k1")
            let plain = try await stripe.sell("lookup_key=k%202%26")
            let customers = [try await stripe.addCustomer(of: account), try await stripe.addCustomer(of: account)]
            let prices = try await client.resolvePrices(["k1", "k 2&", "k3"], deadline: deadline())
            #expect(Set(prices.map(\.id)) == [use, plain] && prices.count == 2)
            #expect(prices.filter(\.isMetered).map(\.id) == [use])
            let found = try await client.findCustomers(accountID: account, deadline: deadline())
            #expect(CustomerChoice(accountID: account).candidates(found) == customers)
            #expect(try await client.findCustomers(accountID: "none", deadline: deadline()) == [])
            let made = try await stripe.post(
                "/v1/subscriptions",
                "customer=\(bench.customer)&items[0][price]=\(bench.price)&payment_behavior=default_incomplete")
            let id = try #require(made["id"]?.text)
            let observed = try await client.subscription(id: id, deadline: deadline())
            #expect(observed.object.status == "incomplete" && observed.object.id == id)
            // Three customers were made since, one in a second.
            #expect(observed.answeredAt == Timestamp(clampingSeconds: 1_785_600_608))
            func open(_ request: String) async throws -> StripeSession {
                let portal = try PortalRequest(
                    try ProviderPortalRequest(JSONText(["account_id": .string(account)])), requestID: request,
                    settings: StripeRequestSettings(mode: .test))
                return try await client.createPortalSession(portal, customerID: bench.customer, deadline: deadline())
            }
            let portal = try await open("r")
            #expect(portal.url == "\(stripe.url)/local/stripe/portal/\(portal.id)")
            try await stripe.dial(["portal_unconfigured": true])
            let caught = await #expect(throws: StripeFault.self) { try await open("r2") }
            #expect(caught?.code == .stripeError)
            #expect(caught?.message.contains("Customer Portal") == true)
        }
    }

    @Test("a page handed out again from Stripe's memory is open, or another one is made")
    func endedPage() async throws {
        try await withClient { bench in
            let first = try await bench.checkout().id
            #expect(try await bench.checkout().id == first)
            try await bench.stripe.post("/v1/checkout/sessions/\(first)/expire")
            await #expect(throws: BusError.self) { try await bench.checkout() }
            // A key that may not read the page gets it as it was.
            try await bench.stripe.dial(["calls": [["fault": "403", "path": "/v1/checkout", "method": "GET"]]])
            #expect(try await bench.checkout().id == first)
        }
    }
}
