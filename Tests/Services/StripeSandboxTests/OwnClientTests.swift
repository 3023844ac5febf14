import BillingCore
import BusContract
import BusCore
import StripeClient
import StripeCore
import TestSupport
import Testing

/// Our own client, catalog sync and all, before the offline Stripe.
@Suite(.timeLimit(.minutes(2))) struct OwnClientTests {
    private static func catalog(amount: Int64) throws -> Catalog {
        try Catalog(
            [
                "products": [["lookup_key": "llm", "name": "LLM"]],
                "prices": [
                    [
                        "lookup_key": "base", "product_lookup_key": "llm", "currency": "eur",
                        "unit_amount": .integer(amount), "interval": "month",
                    ],
                    [
                        "lookup_key": "usage", "product_lookup_key": "llm", "currency": "eur",
                        "unit_amount_decimal": "0.02", "interval": "month", "usage_type": "metered",
                        "meter_lookup_key": "tokens",
                    ],
                ], "meters": [["name": "tokens", "unit": "tokens"]],
            ], unknownMembers: .refuse, purpose: .sync)
    }

    @Test func catalogSyncComesToAnEnd() async throws {
        try await SandboxBench.run { bench in
            for (amount, writes) in [(2_000, 4), (2_000, 0), (2_500, 2), (2_500, 0)] as [(Int64, Int)] {
                let sync = CatalogSync(client: try bench.ourClient(), catalog: try Self.catalog(amount: amount))
                let plan = try await sync.plan()
                #expect(plan.steps.count == writes, "\(plan.text)")
                _ = try await sync.apply(plan)
            }
        }
    }

    @Test func checkoutCustomersAndUsage() async throws {
        try await SandboxBench.run { bench in
            let client = try bench.ourClient()
            let sync = CatalogSync(client: client, catalog: try Self.catalog(amount: 2_000))
            _ = try await sync.apply(sync.plan())
            let deadline = ContinuousClock.now + .seconds(20)
            #expect(try await client.readLivemode() == false)
            let account = StripeFixture.accountID
            let made = try await client.createCustomer(CustomerChoice(accountID: account), deadline: deadline)
            let again = try await client.createCustomer(CustomerChoice(accountID: account), deadline: deadline)
            #expect(made.id == again.id && !made.isReplay && again.isReplay)
            #expect(try await client.findCustomers(accountID: account, deadline: deadline).map(\.id) == [made.id])
            #expect(try await client.isLiving(made.id, deadline: deadline))
            #expect(try await !client.isLiving("cus_none", deadline: deadline))

            let prices = try await client.resolvePrices(["base", "usage", "none"], deadline: deadline)
            #expect(prices.count == 2)
            let message = ProviderCheckoutRequest(
                accountID: account, features: ["llm:proxy"], lines: [.init(.lookupKey("base"))])
            let request = try CheckoutRequest(
                message, requestID: "r1", settings: StripeRequestSettings(mode: .test, returnURL: "https://a.example/"))
            // The licensed price first, as a plan lists it.
            let lines = prices.sorted { !$0.isMetered && $1.isMetered }.map { price in
                CheckoutLine(.init(.id(price.id)), price: price)
            }
            let created = try await client.createCheckoutSession(
                request, lines: lines, customerID: made.id, deadline: deadline)
            guard case .open(let session) = created else { return #expect(Bool(false), "\(created)") }
            #expect(session.url.contains("/local/stripe/checkout/\(session.id)"))
            let replayed = try await client.createCheckoutSession(
                request, lines: lines, customerID: made.id, deadline: deadline)
            #expect(replayed == created)
            #expect(try await bench.click(session.id, "action=pay") == 303)
            let ended = try await client.createCheckoutSession(
                request, lines: lines, customerID: made.id, deadline: deadline)
            #expect(ended == .ended(id: session.id), "the page under this key was paid")
            let read = try await bench.control("GET", "/sandbox/clock")
            let subscription = try #require(
                try await bench.list("/v1/subscriptions").first?["id"]?.text)
            let observed = try await client.subscription(id: subscription, deadline: deadline)
            #expect(abs((observed.answeredAt?.seconds ?? 0) - (read["unix"]?.integer ?? 0)) < 60)
        }
    }

    @Test func usageIsRecordedOnce() async throws {
        try await SandboxBench.run { bench in
            let client = try bench.ourClient()
            let deadline = ContinuousClock.now + .seconds(20)
            var usage = MeterEventRequest(
                accountID: StripeFixture.accountID, meterEventName: "tokens", quantity: 7)
            usage.customerID = "cus_none"
            usage.idempotencyKey = "u1"
            let request = try MeterRequest(usage, mode: .test, now: Timestamp(clampingSeconds: 0))
            #expect(try await !client.recordMeterEvent(request, deadline: deadline).isDuplicate)
            // The key replays the answer; another key with the same identifier is a duplicate.
            #expect(try await !client.recordMeterEvent(request, deadline: deadline).isDuplicate)
            try await bench.control(
                "PUT", "/sandbox/faults",
                ["calls": [["fault": "sticky_500", "path": "/v1/billing/meter_events", "remaining": 1]]])
            usage.idempotencyKey = "u2"
            let failing = try MeterRequest(usage, mode: .test, now: Timestamp(clampingSeconds: 0))
            #expect(try await !client.recordMeterEvent(failing, deadline: deadline).isDuplicate, "under a renewed key")
            #expect(try await client.readAccount() == "acct_sandbox")
        }
    }

    @Test(arguments: ["reset_before", "reset_after", "broken_json", "500", "409"])
    func brokenAnswersAreAskedAgain(_ fault: String) async throws {
        try await SandboxBench.run { bench in
            try await bench.control(
                "PUT", "/sandbox/faults",
                ["calls": [["fault": .string(fault), "path": "/v1/customers", "remaining": 1]]])
            let made = try await bench.ourClient().createCustomer(
                CustomerChoice(accountID: StripeFixture.accountID), deadline: .now + .seconds(20))
            #expect(try await bench.list("/v1/customers").map { $0["id"]?.text } == [made.id], "done once")
        }
    }

    @Test func refusalsKeepTheirWords() async throws {
        try await SandboxBench.run { bench in
            let client = try bench.ourClient()
            try await bench.control("PUT", "/sandbox/faults", ["portal_unconfigured": true])
            let made = try await client.createCustomer(
                CustomerChoice(accountID: StripeFixture.accountID), deadline: .now + .seconds(20))
            let settings = StripeRequestSettings(mode: .test, returnURL: "https://a.example/")
            let portal = try PortalRequest(
                ProviderPortalRequest(accountID: StripeFixture.accountID), requestID: "r1", settings: settings)
            let fault = await #expect(throws: StripeFault.self) {
                try await client.createPortalSession(portal, customerID: made.id, deadline: .now + .seconds(20))
            }
            #expect(
                "\(String(describing: fault))".contains("configure the Customer Portal"), "\(String(describing: fault))"
            )
        }
    }
}
