import AsyncHTTPClient
import BillingCore
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import Synchronization
import TestSupport
import Testing

/// Runs `body` with a client of a double, as a process of its own would have it.
private func withClient<Value: Sendable>(
    _ double: StripeDouble, key: String = "sk_test_double", pace: RequestPace? = nil,
    _ body: (StripeClient) async throws -> Value
) async throws -> Value {
    let http = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
    let client = StripeClient(
        http: http, key: try StripeKey(Secret(key)), baseURL: double.url, pace: pace,
        logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, retryDelay: { _ in .milliseconds(1) })
    do {
        let value = try await body(client)
        try await http.shutdown()
        return value
    } catch {
        try await http.shutdown()
        throw error
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

extension StripeDouble {
    /// Plans and applies as one process does.
    @discardableResult
    fileprivate func sync(_ catalog: Catalog, prune: Bool = false) async throws -> CatalogSyncResult {
        try await withClient(self) { client in
            let sync = CatalogSync(client: client, catalog: catalog, prune: prune)
            return try await sync.apply(sync.plan())
        }
    }

    fileprivate var writes: Int { requests.count { $0.method == "POST" } }

    /// Key and amount of every active price that holds a key.
    fileprivate var sold: [String] {
        snapshot.catalog.objects[StripeCatalogModel.prices, default: []]
            .filter { $0["active"] == true }
            .map { "\($0["lookup_key"]?.text ?? "-") \($0["unit_amount_decimal"]?.text ?? "-")" }.sorted()
    }
}

@Suite("Catalog sync over a socket")
struct CatalogSyncTests {
    @Test("makes everything once, says so, and has nothing left to do; a plan alone writes nothing")
    func first() async throws {
        try await StripeDouble.run { double in
            try await withClient(double) { client in
                let sync = CatalogSync(client: client, catalog: try catalog())
                let plan = try await sync.plan()
                #expect(plan.account == "acct_double" && plan.steps.count == 5 && double.writes == 0)
                var seen: [String] = []
                let result = try await sync.apply(plan) { seen.append("\($0)/\($1) \($2.object.kind.rawValue)") }
                #expect(seen == ["0/5 meter", "1/5 product", "2/5 price", "3/5 price", "4/5 price"])
                #expect(result.entries.allSatisfy { $0.id != nil && $0.action == .created })
                #expect(double.writes == 5)
                #expect(try await sync.plan().steps.isEmpty)
                #expect(
                    double.requests.filter { $0.method == "POST" }.allSatisfy {
                        $0.headers["idempotency-key"]?.hasPrefix("bus-catalog-test-") == true
                    })
                #expect(try await client.readLivemode() == false)
            }
            try await double.sync(catalog())
            #expect(double.writes == 5)
        }
    }

    @Test("250 prices come in pages of ten")
    func pages() async throws {
        try await StripeDouble.run { double in
            double.set { $0.catalog.pageObjectsMax = 10 }
            try await double.sync(catalog(prices: 250))
            let writes = double.writes
            #expect(writes == 253)
            try await double.sync(catalog(prices: 250))
            #expect(double.writes == writes)
            #expect(double.requests.suffix(30).count { $0.path == "/v1/prices" && $0.method == "GET" } == 26)
        }
    }

    @Test(
        "is finished by another run, wherever and however a call fails for good",
        arguments: [
            [.status(401)], [.status(403)], [.status(400)], [.resetBeforeCommit], [.resetAfterCommit],
            [.resetAfterCommit, .resetAfterCommit, .resetAfterCommit], [.status(429), .status(429), .status(429)],
            [.status(500), .status(500), .status(500)], [.storedStatus(500)],
            [.status(409, body: #"{"error":{"type":"x","code":"idempotency_key_in_use"}}"#)],
        ] as [[StripeDouble.Fault]])
    func faults(faults: [StripeDouble.Fault]) async throws {
        let before = try catalog()
        let after = try catalog(amount: 200)
        let count = try await StripeDouble.run { double in
            try await double.sync(before)
            let start = double.requests.count
            double.set { world in
                let prices = world.catalog.objects[StripeCatalogModel.prices] ?? []
                _ = world.work(
                    "POST", "/v1/products/prod_test_2", "default_price=\(prices[0]["id"]?.text ?? "")", key: nil)
            }
            try await double.sync(after)
            return double.requests.count - start - 1
        }
        var stopped = 0
        for index in 0..<count {
            try await StripeDouble.run { double in
                try await double.sync(before)
                double.set { world in
                    let prices = world.catalog.objects[StripeCatalogModel.prices] ?? []
                    _ = world.work(
                        "POST", "/v1/products/prod_test_2", "default_price=\(prices[0]["id"]?.text ?? "")", key: nil)
                    for (offset, fault) in faults.enumerated() {
                        world.faultsAt[world.requests.count + index + offset] = fault
                    }
                }
                do {
                    try await double.sync(after)
                } catch let error as CatalogSyncStopped {
                    stopped += 1
                    #expect(error.busError.message.contains("run the sync again to finish it"))
                } catch is StripeFault {
                    stopped += 1
                }
                try await double.sync(after)
                #expect(double.sold == ["k0 200", "k1 200", "usage 0.02"], "fault at request \(index)")
                let writes = double.writes
                try await double.sync(after)
                #expect(double.writes == writes, "fault at request \(index)")
            }
        }
        let isHealed = faults.count == 1 && ![401, 403, 400].contains(faults[0].status)
        #expect((stopped == 0) == isHealed || faults[0].isStored, "\(stopped) of \(count) stopped")
    }

    @Test("a failure or success that Stripe keeps under the key of something that is not there is not believed")
    func memory() async throws {
        try await StripeDouble.run { double in
            // Meter, product and each price first meet a failure that stays under their key.
            double.set { world in
                for index in [5, 13, 21] { world.faultsAt[index] = .storedStatus(500) }
            }
            try await double.sync(catalog())
            #expect(double.sold == ["k0 100", "k1 100", "usage 0.02"])
        }
        try await StripeDouble.run { double in
            try await double.sync(catalog())
            // The product and its prices are gone, and within a day the same calls are made again.
            double.set { world in
                world.catalog.objects[StripeCatalogModel.products] = []
                world.catalog.objects[StripeCatalogModel.prices] = []
            }
            try await double.sync(catalog())
            #expect(double.sold == ["k0 100", "k1 100", "usage 0.02"])
            #expect(double.snapshot.catalog.objects[StripeCatalogModel.products]?.count == 1)
        }
    }

    @Test("a change that was undone by hand is made again, though Stripe remembers it")
    func undone() async throws {
        try await StripeDouble.run { double in
            try await double.sync(catalog())
            for _ in 0..<2 {
                double.set { _ = $0.work("POST", "/v1/products/prod_test_2", "name=X", key: nil) }
                try await double.sync(catalog())
                #expect(double.snapshot.catalog.objects[StripeCatalogModel.products]?[0]["name"] == "LLM")
            }
        }
    }

    @Test("a live key writes only what was seen and confirmed, and a key of the other mode nothing")
    func live() async throws {
        try await StripeDouble.run { double in
            double.set { $0.catalog.isLive = true }
            try await withClient(double, key: "sk_live_double") { client in
                let sync = CatalogSync(client: client, catalog: try catalog())
                let plan = try await sync.plan()
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan) }
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan, live: true) }
                await #expect(throws: CatalogSyncRefusal.self) { try await sync.apply(plan, confirmed: plan.hash) }
                await #expect(throws: CatalogSyncRefusal.self) {
                    try await sync.apply(plan, live: true, confirmed: "0")
                }
                #expect(double.writes == 0)
                _ = try await sync.apply(sync.plan(), live: true, confirmed: plan.hash)
                #expect(double.writes == 5)
            }
            // Test key, live objects.
            double.set { $0.catalog.isLive = false }
            let fault = await #expect(throws: StripeFault.self) { try await double.sync(catalog()) }
            #expect(fault?.message.contains("objects of the other mode") == true && double.writes == 5)
        }
    }

    @Test("keys without permission say what is missing, and an account that may not be read is no obstacle")
    func permissions() async throws {
        try await StripeDouble.run { double in
            double.set { $0.faultsAt[0] = .status(403) }
            try await withClient(double) { client in
                let plan = try await CatalogSync(client: client, catalog: try catalog()).plan()
                #expect(plan.account == nil && plan.steps.count == 5)
            }
            double.set { $0.faultsAt[$0.requests.count] = .status(401) }
            let fault = await #expect(throws: StripeFault.self) { try await double.sync(catalog()) }
            #expect(fault?.code == .stripeAuthFailed && double.writes == 0)
        }
    }

    @Test("requests keep apart, and a thousand prices take what the limit leaves")
    func pace() async throws {
        let clock = VirtualClock()
        let pace = RequestPace(
            perSecond: Limits.stripeCatalogRequestsPerSecondMax, now: { clock.now }, sleep: { clock.advance($0) })
        try await StripeDouble.run { double in
            try await withClient(double, pace: pace) { client in
                let sync = CatalogSync(client: client, catalog: try catalog(prices: 999))
                _ = try await sync.apply(sync.plan())
            }
            // Five reads, then a meter, a product and a thousand prices; the first goes at once.
            #expect(double.requests.count == 5 + 1_002)
            let floor = Duration.milliseconds(50) * (double.requests.count - 1)
            #expect(clock.elapsed == floor)
            print("  first sync of 1000 prices: \(double.requests.count) requests, \(clock.elapsed) on a virtual clock")
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

extension StripeDouble.Fault {
    fileprivate var status: Int {
        if case .status(let status, _, _) = self { status } else { 0 }
    }

    fileprivate var isStored: Bool {
        if case .storedStatus = self { true } else { false }
    }
}
