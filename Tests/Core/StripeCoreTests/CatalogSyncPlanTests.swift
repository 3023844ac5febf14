import BillingCore
import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

/// A product, a metered and a licensed price, and a meter; members can be replaced.
func smallCatalog(
    amount: Int64 = 1_000, product: [String: JSONValue] = [:], meter: [String: JSONValue] = [:],
    extras: [String: JSONValue] = [:], prices: [JSONValue]? = nil
) throws -> Catalog {
    let terms: [String: JSONValue] = [
        "lookup_key": "month", "product_lookup_key": "llm", "currency": "eur", "unit_amount": .integer(amount),
        "interval": "month",
    ]
    let month = JSONValue.object(terms.merging(extras) { $1 })
    let usage: JSONValue = [
        "lookup_key": "usage", "product_lookup_key": "llm", "currency": "eur", "unit_amount_decimal": "0.020",
        "interval": "month", "usage_type": "metered", "meter_lookup_key": "tokens",
    ]
    let products = ["lookup_key": "llm", "name": "LLM"].merging(product) { $1 }
    let meters = ["name": "tokens", "display_name": "Tokens"].merging(meter) { $1 }
    return try Catalog.forSync([
        "products": [.object(products)], "prices": .array(prices ?? [month, usage]), "meters": [.object(meters)],
    ])
}

extension WorldHand {
    /// A world in which the small catalog was synced.
    static func synced() throws -> WorldHand {
        var world = WorldHand()
        try world.sync(smallCatalog(), run: "first")
        return world
    }
}

struct CatalogSyncPlanTests {
    private func lines(_ plan: CatalogSyncPlan) -> [String] { plan.steps.map(\.text) }

    @Test("a first sync makes meters, then products, then prices, and a second one nothing")
    func first() throws {
        var world = WorldHand()
        let plan = try world.plan(smallCatalog())
        #expect(
            lines(plan) == [
                "created meter tokens: event_name tokens, display_name Tokens", "created product llm: name LLM",
                "created price month: 10.00 EUR / month, product llm",
                "created price usage: 0.0002 EUR per unit / month, product llm, meter tokens",
            ])
        let result = try world.sync(smallCatalog(), run: "1")
        let product = try world.id(WorldHand.products)
        let (month, usage) = (try world.id(WorldHand.prices), try world.id(WorldHand.prices, 1))
        let meter = try world.id(WorldHand.meters)
        let json = String(decoding: plan.json(result: result.entries).bytes, as: UTF8.self)
        #expect(json.hasPrefix(#"{"livemode":false,"mode":"test","plan":"\#(plan.hash)","steps":[{"kind":"meter""#))
        #expect(
            json.hasSuffix(
                #""leftovers":[],"products":[{"lookup_key":"llm","id":"\#(product)","action":"created"}],"#
                    + #""prices":[{"lookup_key":"month","id":"\#(month)","action":"created"},"#
                    + #"{"lookup_key":"usage","id":"\#(usage)","action":"created"}],"#
                    + #""meters":[{"lookup_key":"tokens","id":"\#(meter)","action":"created"}]}"#))
        #expect(
            try world.plan(smallCatalog()).text.prefix(2) == [
                "test mode: nothing to do", "4 entries are already as the file says",
            ])
    }

    @Test("a changed amount: new price with the key, then the default, then the old one is archived")
    func replaced() throws {
        var world = try WorldHand.synced()
        let product = try world.id(WorldHand.products)
        let old = try world.id(WorldHand.prices)
        try world.post("/v1/products/\(product)", "default_price=\(old)")
        let plan = try world.plan(smallCatalog(amount: 1_200))
        #expect(
            lines(plan) == [
                "replaced price month: 10.00 EUR / month -> 12.00 EUR / month",
                "updated product llm (\(product)): default_price \(old) -> the new month",
                "archived price month (\(old)): sold no more, running subscriptions keep it",
            ])
        try world.sync(smallCatalog(amount: 1_200), run: "2")
        #expect(try world.sold().first == "month month llm LLM eur 1200 month 1 licensed - default sold")
        // Back again: the archived price has the right terms and is taken instead of a third one.
        try world.sync(smallCatalog(), run: "3")
        #expect(try world.all(WorldHand.prices).count == 3)
        #expect(try world.sold().first == "month month llm LLM eur 1000 month 1 licensed - default sold")
    }

    @Test("a lookup key held by an archived price of somebody else moves, and that price stays as it is")
    func heldByArchived() throws {
        var world = WorldHand()
        let product = try world.post("/v1/products", "name=Other")["id"]?.text ?? ""
        let form = "product=\(product)&currency=usd&unit_amount=5&lookup_key=month"
        let price = try world.post("/v1/prices", form)["id"]?.text ?? ""
        try world.post("/v1/prices/\(price)", "active=false")
        try world.sync(smallCatalog(), run: "1")
        let other = try #require(try world.all(WorldHand.prices).first)
        #expect(other["lookup_key"] == nil && other["active"] == false && other["metadata"] == [:])
        #expect(try world.sold().count == 2)
        #expect(try world.plan(smallCatalog()).steps.isEmpty)
    }

    @Test("a price of somebody else that has the key is taken over when equal, and replaced and archived when not")
    func heldByForeign() throws {
        var world = try WorldHand.synced()
        let product = try world.id(WorldHand.products)
        try world.post(
            "/v1/prices", "product=\(product)&currency=eur&unit_amount=7&lookup_key=month&transfer_lookup_key=true")
        let foreign = try #require(try world.all(WorldHand.prices).last?["id"]?.text)
        let plan = try world.plan(smallCatalog())
        #expect(lines(plan).first == "updated price month (\(foreign)): metadata test/month")
        #expect(lines(plan).last == "archived price month (\(foreign)): sold no more, running subscriptions keep it")
        try world.sync(smallCatalog(), run: "2")
        #expect(try world.sold().count == 2)
    }

    @Test(
        "what was changed by hand is brought back",
        arguments: [
            (WorldHand.meters, "/deactivate", "", "reactivated meter tokens"),
            (WorldHand.meters, "", "display_name=X", "updated meter tokens"),
            (WorldHand.products, "", "name=X", "updated product llm"),
            (WorldHand.products, "", "active=false", "reactivated product llm"),
            (WorldHand.products, "", "metadata[bus_catalog]=live", "updated product llm"),
            (WorldHand.prices, "", "active=false", "reactivated price month"),
            (WorldHand.prices, "", "lookup_key=other", "updated price month"),
            (WorldHand.prices, "", "metadata[bus_lookup_key]=other", "updated price month"),
        ])
    func byHand(list: String, call: String, form: String, line: String) throws {
        var world = try WorldHand.synced()
        let sold = try world.sold()
        try world.post("\(list)/\(world.id(list))\(call)", form)
        let steps = try lines(world.plan(smallCatalog()))
        #expect(steps.count == 1 && steps[0].hasPrefix(line), "\(steps)")
        try world.sync(smallCatalog(), run: "2")
        #expect(try world.sold() == sold)
    }

    @Test("what Stripe cannot change, or what is not clear, stops before the first write")
    func problems() throws {
        func problems(_ world: WorldHand, _ catalog: Catalog) throws -> [String] {
            try #require(throws: CatalogSyncFaults.self) { _ = try world.plan(catalog) }.problems
        }
        var world = try WorldHand.synced()
        let meter = try problems(world, smallCatalog(meter: ["aggregation_formula": "count"]))
        let id = try world.id(WorldHand.meters)
        #expect(meter.count == 1 && meter[0].contains("aggregation_formula is sum in Stripe (\(id)) and count"))
        let unknown = try problems(world, smallCatalog(product: ["stripe_product_id": "prod_x"]))
        #expect(unknown.count == 1 && unknown[0].contains("prod_x is no product of this account in test mode"))
        let product = try world.id(WorldHand.products)
        try world.post("/v1/products", "name=Copy&metadata[bus_lookup_key]=llm")
        let twice = try problems(world, smallCatalog())
        #expect(twice.count == 1 && twice[0].contains("write the stripe_product_id of the right one"))
        let named = try smallCatalog(product: ["stripe_product_id": .string(product)])
        #expect(try world.plan(named).steps.isEmpty)
    }

    @Test("what the file no longer names stays, unless asked for, and nothing unmarked is ever archived")
    func prune() throws {
        var world = try WorldHand.synced()
        let product = try world.id(WorldHand.products)
        let (month, usage) = (try world.id(WorldHand.prices), try world.id(WorldHand.prices, 1))
        try world.post("/v1/prices", "product=\(product)&currency=eur&unit_amount=7")
        try world.post("/v1/products/\(product)", "default_price=\(month)")
        let empty = try Catalog.forSync(["products": [], "prices": [], "meters": []])
        let kept = try world.plan(empty)
        #expect(kept.steps.isEmpty && kept.leftovers.count == 3)
        #expect(kept.text.contains("price month is not in the file and stays; archive it with --prune"))
        let plan = try world.plan(empty, prune: true)
        #expect(
            lines(plan).map { $0.prefix { $0 != ":" } } == [
                "archived price usage (\(usage))", "updated product llm (\(product))",
                "archived price month (\(month))", "archived product llm (\(product))",
            ])
        try world.sync(empty, prune: true, run: "2")
        #expect(try world.sold() == ["- - llm LLM eur 7 - - - - - not sold"])
        #expect(try world.plan(empty, prune: true).steps.isEmpty)
    }

    @Test("live writes need both words, the hash names exactly these writes, and keys contain the mode")
    func live() throws {
        let world = WorldHand()
        func plan(_ mode: StripeMode, _ amount: Int64 = 1_000, _ account: String? = "acct_1") throws -> CatalogSyncPlan
        {
            try CatalogSyncPlan(smallCatalog(amount: amount), stripe: try world.listed(), mode: mode, account: account)
        }
        let live = try plan(.live)
        #expect(throws: CatalogSyncRefusal.self) { try live.permit(keyMode: .live, live: false, confirmed: live.hash) }
        #expect(throws: CatalogSyncRefusal.self) { try live.permit(keyMode: .live, live: true, confirmed: nil) }
        #expect(throws: CatalogSyncRefusal.self) {
            try live.permit(keyMode: .live, live: true, confirmed: plan(.live, 1_001).hash)
        }
        #expect(throws: CatalogSyncRefusal.self) {
            try live.permit(keyMode: .live, live: true, confirmed: plan(.live, 1_000, "acct_2").hash)
        }
        try live.permit(keyMode: .live, live: true, confirmed: plan(.live).hash)
        #expect(throws: CatalogSyncRefusal.self) {
            try live.permit(keyMode: .test, live: true, confirmed: live.hash)
        }
        try plan(.test).permit(keyMode: .test, live: false, confirmed: nil)
        let run = CatalogSyncRun(live, run: "1")
        let call = try run.call(for: live.steps[0])
        #expect(call.idempotencyKey?.hasPrefix("bus-catalog-live-meter-") == true)
        #expect(try CatalogSyncRun(plan(.live), run: "2").call(for: live.steps[0]) == call)
    }

    @Test("an amount is compared as a number", arguments: [("0.020", "0.02"), ("012.50", "12.5"), ("100", "100.0")])
    func amounts(left: String, right: String) throws {
        func terms(_ amount: String) throws -> PriceTerms {
            try #require(
                StripeCatalog.Price([
                    "id": "price_1", "active": true, "currency": "eur", "product": "prod_1",
                    "unit_amount_decimal": .string(amount),
                ])
            ).terms
        }
        #expect(try terms(left) == terms(right))
    }
}
