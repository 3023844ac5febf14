import AsyncHTTPClient
import BillingCore
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import StripeTestSupport
import Synchronization
import TestSupport
import Testing

/// Runs `body` with a client of a Stripe, as a process of its own would have it.
private func withClient<Value: Sendable>(
    _ stripe: LoopbackStripe, key: String = "sk_test_sync", pace: RequestPace? = nil,
    _ body: (StripeClient) async throws -> Value
) async throws -> Value {
    try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
        try await body(
            StripeClient(
                http: http, key: try StripeKey(Secret(key)), baseURL: stripe.url, pace: pace,
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, retryDelay: { _ in .milliseconds(1) }))
    }
}

/// A catalog of one product, a meter, a metered price, and so many plain ones.
private func catalog(prices count: Int = 2, amount: Int64 = 100) throws -> Catalog {
    let plain = (0..<count).map { index -> JSONValue in
        [
            "lookup_key": .string("k\(index)"), "product_lookup_key": "llm", "currency": "eur",
            "unit_amount": .integer(amount), "interval": "month",
        ]
    }
    let metered: JSONValue = [
        "lookup_key": "usage", "product_lookup_key": "llm", "currency": "eur", "unit_amount_decimal": "0.02",
        "interval": "month", "usage_type": "metered", "meter_lookup_key": "tokens",
    ]
    return try Catalog(
        [
            "products": [["lookup_key": "llm", "name": "LLM"]], "prices": .array(plain + [metered]),
            "meters": [["name": "tokens", "unit": "tokens"]],
        ], unknownMembers: .refuse, purpose: .sync)
}

extension LoopbackStripe {
    /// Plans and applies as one process does.
    @discardableResult
    fileprivate func sync(_ catalog: Catalog, prune: Bool = false) async throws -> CatalogSyncResult {
        try await withClient(self) { client in
            let sync = CatalogSync(client: client, catalog: catalog, prune: prune)
            return try await sync.apply(sync.plan())
        }
    }

    /// Makes the first price the default of its product, by hand.
    fileprivate func chooseDefault() async throws {
        let price = try await list("/v1/prices").first
        try await post("/v1/products/\(price?["product"]?.text ?? "")", "default_price=\(price?["id"]?.text ?? "")")
    }

    fileprivate var writes: Int { requests.count { $0.method == "POST" } }

    /// Key and amount of every active price that holds a key.
    fileprivate func sold() async throws -> [String] {
        try await list("/v1/prices", "active=true")
            .map { "\($0["lookup_key"]?.text ?? "-") \($0["unit_amount_decimal"]?.text ?? "-")" }.sorted()
    }
}

@Suite("Catalog sync over a socket")
struct CatalogSyncTests {
    @Test("makes everything once, says so, and has nothing left to do; a plan alone writes nothing")
    func first() async throws {
        try await LoopbackStripe.run { stripe in
            try await withClient(stripe) { client in
                let sync = CatalogSync(client: client, catalog: try catalog())
                let plan = try await sync.plan()
                #expect(plan.account == "acct_sandbox" && plan.steps.count == 5 && stripe.writes == 0)
                var seen: [String] = []
                let result = try await sync.apply(plan) { seen.append("\($0)/\($1) \($2.object.kind.rawValue)") }
                #expect(seen == ["0/5 meter", "1/5 product", "2/5 price", "3/5 price", "4/5 price"])
                #expect(result.entries.allSatisfy { $0.id != nil && $0.action == .created })
                #expect(stripe.writes == 5)
                #expect(try await sync.plan().steps.isEmpty)
                #expect(
                    stripe.requests.filter { $0.method == "POST" }.allSatisfy {
                        $0.headers["idempotency-key"]?.hasPrefix("bus-catalog-test-") == true
                    })
                #expect(try await client.readLivemode() == false)
            }
            try await stripe.sync(catalog())
            #expect(stripe.writes == 5)
        }
    }

    @Test("251 prices come in three pages")
    func pages() async throws {
        try await LoopbackStripe.run { stripe in
            try await stripe.sync(catalog(prices: 250))
            let writes = stripe.writes
            #expect(writes == 253)
            try await stripe.sync(catalog(prices: 250))
            #expect(stripe.writes == writes)
            #expect(stripe.requests.suffix(7).count { $0.path == "/v1/prices" && $0.method == "GET" } == 3)
        }
    }

    @Test(
        "is finished by another run, wherever and however a call fails for good",
        arguments: [
            [.status(401)], [.status(403)], [.status(400)], [.resetBeforeCommit], [.resetAfterCommit],
            [.resetAfterCommit, .resetAfterCommit, .resetAfterCommit], [.status(429), .status(429), .status(429)],
            [.status(500), .status(500), .status(500)], [.keptFailure],
            [.status(409, body: #"{"error":{"type":"x","code":"idempotency_key_in_use"}}"#)],
        ] as [[LoopbackStripe.Fault]])
    func faults(faults: [LoopbackStripe.Fault]) async throws {
        let before = try catalog()
        let after = try catalog(amount: 200)
        let count = try await LoopbackStripe.run { stripe in
            try await stripe.sync(before)
            let start = stripe.requests.count
            try await stripe.chooseDefault()
            try await stripe.sync(after)
            return stripe.requests.count - start
        }
        var stopped = 0
        for index in 0..<count {
            try await LoopbackStripe.run { stripe in
                try await stripe.sync(before)
                try await stripe.chooseDefault()
                let start = stripe.requests.count
                for (offset, fault) in faults.enumerated() { stripe.faultsAt[start + index + offset] = fault }
                do {
                    try await stripe.sync(after)
                } catch let error as CatalogSyncStopped {
                    stopped += 1
                    #expect(error.busError.message.contains("run the sync again to finish it"))
                } catch is StripeFault {
                    stopped += 1
                }
                try await stripe.sync(after)
                #expect(try await stripe.sold() == ["k0 200", "k1 200", "usage 0.02"], "fault at request \(index)")
                let writes = stripe.writes
                try await stripe.sync(after)
                #expect(stripe.writes == writes, "fault at request \(index)")
            }
        }
        let isHealed = faults.count == 1 && ![401, 403, 400].contains(faults[0].status)
        #expect((stopped == 0) == isHealed || faults[0].isStored, "\(stopped) of \(count) stopped")
    }

    @Test("a failure or success that Stripe keeps under the key of something that is not there is not believed")
    func memory() async throws {
        try await LoopbackStripe.run { stripe in
            // Meter, product and a price first meet a failure that stays under their key.
            let faults = ["/v1/billing/meters", "/v1/products", "/v1/prices"].map { path -> JSONValue in
                ["fault": "sticky_500", "path": .string(path), "method": "POST", "remaining": 1]
            }
            try await stripe.dial(["calls": .array(faults)])
            try await stripe.sync(catalog())
            #expect(try await stripe.sold() == ["k0 100", "k1 100", "usage 0.02"])
            let keys = stripe.requests.compactMap { $0.headers["idempotency-key"] }
            #expect(Set(keys).count == 5 + 3, "each of them was made under another key")
        }
        try await LoopbackStripe.run { stripe in
            let product = try Catalog(
                ["products": [["lookup_key": "llm", "name": "LLM"]], "prices": [], "meters": []],
                unknownMembers: .refuse, purpose: .sync)
            try await stripe.sync(product)
            // The product is gone, and within a day the same call is made again.
            try await stripe.delete("/v1/products/\(stripe.list("/v1/products")[0]["id"]?.text ?? "")")
            try await stripe.sync(product)
            #expect(try await stripe.list("/v1/products").map { $0["name"] } == ["LLM"])
            let keys = stripe.requests.compactMap { $0.headers["idempotency-key"] }
            #expect(keys.count == 3 && Set(keys).count == 2, "the first call, its replay, and another key")
        }
        try await LoopbackStripe.run { stripe in
            try await stripe.sync(catalog(prices: 1))
            // Somebody took a price over: nothing tells any more that it was ours.
            let price = try #require(try await stripe.list("/v1/prices", "lookup_keys[]=k0").first?["id"]?.text)
            try await stripe.post("/v1/prices/\(price)", "active=false&lookup_key=&metadata=")
            try await stripe.sync(catalog(prices: 1))
            #expect(try await stripe.sold() == ["k0 100", "usage 0.02"])
            let makings = stripe.requests.filter { $0.path == "/v1/prices" && $0.body.contains("lookup_key=k0") }
            #expect(makings.count == 3 && Set(makings.map { $0.headers["idempotency-key"] }).count == 2)
        }
    }

    @Test("a change that was undone by hand is made again, though Stripe remembers it")
    func undone() async throws {
        try await LoopbackStripe.run { stripe in
            try await stripe.sync(catalog())
            let product = try #require(try await stripe.list("/v1/products").first?["id"]?.text)
            for _ in 0..<2 {
                try await stripe.post("/v1/products/\(product)", "name=X")
                try await stripe.sync(catalog())
                #expect(try await stripe.get("/v1/products/\(product)")["name"] == "LLM")
            }
        }
    }

    @Test("a live key writes only what was seen and confirmed, and a key of the other mode nothing")
    func live() async throws {
        try await LoopbackStripe.run { stripe in
            stripe.isLive = true
            try await withClient(stripe, key: "sk_live_sync") { client in
                let sync = CatalogSync(client: client, catalog: try catalog())
                let plan = try await sync.plan()
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan) }
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan, live: true) }
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan, confirmed: plan.hash) }
                await #expect(throws: CatalogSyncRefusal.self) {
                    try await sync.apply(plan, live: true, confirmed: "0")
                }
                #expect(stripe.writes == 0)
                _ = try await sync.apply(sync.plan(), live: true, confirmed: plan.hash)
                #expect(stripe.writes == 5)
            }
            // Test key, live objects.
            stripe.isLive = false
            let meters = try await stripe.get("/v1/billing/meters").serialized()
            let live = String(decoding: meters, as: UTF8.self).replacing(
                #""livemode":false"#, with: #""livemode":true"#)
            stripe.faultsAt[stripe.requests.count + 1] = .status(200, body: live)
            let fault = await #expect(throws: StripeFault.self) { try await stripe.sync(catalog()) }
            #expect(fault?.message.contains("objects of the other mode") == true && stripe.writes == 5)
        }
    }

    @Test("keys without permission say what is missing, and an account that may not be read is no obstacle")
    func permissions() async throws {
        try await LoopbackStripe.run { stripe in
            stripe.faultsAt[0] = .status(403)
            try await withClient(stripe) { client in
                let plan = try await CatalogSync(client: client, catalog: try catalog()).plan()
                #expect(plan.account == nil && plan.steps.count == 5)
            }
            stripe.faultsAt[stripe.requests.count] = .status(401)
            let fault = await #expect(throws: StripeFault.self) { try await stripe.sync(catalog()) }
            #expect(fault?.code == .stripeAuthFailed && stripe.writes == 0)
        }
    }

    @Test("requests keep apart, and a thousand prices take what the limit leaves")
    func pace() async throws {
        let clock = VirtualClock()
        let pace = RequestPace(
            perSecond: Limits.stripeCatalogRequestsPerSecondMax, now: { clock.now }, sleep: { clock.advance($0) })
        try await LoopbackStripe.run { stripe in
            try await withClient(stripe, pace: pace) { client in
                let sync = CatalogSync(client: client, catalog: try catalog(prices: 999))
                _ = try await sync.apply(sync.plan())
            }
            // Five reads, then a meter, a product and a thousand prices; the first goes at once.
            #expect(stripe.requests.count == 5 + 1_002)
            let floor = Duration.milliseconds(50) * (stripe.requests.count - 1)
            #expect(clock.elapsed == floor)
            print("  first sync of 1000 prices: \(stripe.requests.count) requests, \(clock.elapsed) on a virtual clock")
        }
    }
}

/// Time that passes only while somebody sleeps.
private final class VirtualClock: Sendable {
    private let start = ContinuousClock.now
    private let passed = Mutex(Duration.zero)

    var elapsed: Duration { passed.withLock { $0 } }
    var now: ContinuousClock.Instant { start + elapsed }

    func advance(_ time: Duration) {
        passed.withLock { $0 += time }
    }
}

extension LoopbackStripe.Fault {
    fileprivate var status: Int {
        if case .status(let status, _, _) = self { status } else { 0 }
    }

    fileprivate var isStored: Bool {
        if case .keptFailure = self { true } else { false }
    }
}
