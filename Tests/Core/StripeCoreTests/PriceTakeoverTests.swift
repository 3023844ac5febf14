import BillingCore
import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

@Suite("What a new price takes over")
struct PriceTakeoverTests {
    private func lines(_ plan: CatalogSyncPlan) -> [String] { plan.steps.map(\.text) }

    /// What the price that holds the key `month` has beside its terms.
    private func traits(_ world: WorldHand) throws -> PriceTraits {
        try #require(try world.listed().prices.first { $0.lookupKey == "month" }).traits
    }

    private func byHand(_ form: String) throws -> WorldHand {
        var world = try WorldHand.synced()
        try world.post("/v1/prices/\(world.id(WorldHand.prices))", form)
        return world
    }

    private static let everything =
        "tax_behavior=exclusive&nickname=Pro&currency_options[usd][unit_amount]=1100&metadata[team]=a%20b"

    @Test("a replaced price keeps tax behaviour, nickname, other currencies and metadata, and the plan says so")
    func takenOver() throws {
        var world = try byHand(Self.everything)
        let before = try traits(world)
        #expect(try world.plan(smallCatalog()).steps.isEmpty)
        let plan = try world.plan(smallCatalog(amount: 1_200))
        #expect(
            lines(plan).first == "replaced price month: 10.00 EUR / month -> 12.00 EUR / month, "
                + "keeps tax_behavior exclusive, nickname Pro, currency_options 11.00 USD, metadata team")
        #expect(plan.warnings == [])
        let json = String(decoding: plan.json(result: plan.entries).bytes, as: UTF8.self)
        #expect(json.contains(#""differences":[{"field":"unit_amount","from":"1000","to":"1200"}]"#), "\(json)")
        try world.sync(smallCatalog(amount: 1_200), run: "2")
        #expect(try traits(world) == before && before.metadata == ["team": "a b"])
        #expect(try world.plan(smallCatalog(amount: 1_200)).steps.isEmpty)
    }

    @Test("what the file says wins over the price before")
    func fileWins() throws {
        var world = try byHand(Self.everything)
        let wanted = try smallCatalog(
            amount: 1_200,
            extras: [
                "tax_behavior": "inclusive", "nickname": "New",
                "currency_options": ["gbp": ["unit_amount": 900, "tax_behavior": "inclusive"]],
            ])
        #expect(
            lines(try world.plan(wanted)).first == "replaced price month: 10.00 EUR / month -> 12.00 EUR / month, "
                + "tax_behavior exclusive -> inclusive, nickname Pro -> New, "
                + "currency_options 11.00 USD -> 9.00 GBP inclusive, keeps metadata team")
        try world.sync(wanted, run: "2")
        let after = try traits(world)
        #expect(after.taxBehavior == "inclusive" && after.nickname == "New" && after.metadata == ["team": "a b"])
        #expect(after.currencyOptions == ["gbp": .init(amount: MinorUnits(900), taxBehavior: "inclusive")])
        #expect(try world.plan(wanted).steps.isEmpty)
    }

    @Test("an archived price that is taken again gets what the one in between had")
    func takenAgain() throws {
        var world = try WorldHand.synced()
        try world.sync(smallCatalog(amount: 1_200), run: "2")
        let held = try #require(try world.listed().prices.first { $0.lookupKey == "month" })
        try world.post("/v1/prices/\(held.id)", Self.everything)
        let before = try traits(world)
        let made = try world.all(WorldHand.prices).count
        let old = try world.id(WorldHand.prices)
        #expect(
            lines(try world.plan(smallCatalog())).first?.contains("(\(old)): 12.00 EUR / month -> 10.00") == true)
        try world.sync(smallCatalog(), run: "3")
        #expect(try traits(world) == before)
        #expect(try world.all(WorldHand.prices).count == made, "no third price")
        // One whose tax behaviour is set to the other value cannot be taken again.
        try world.sync(smallCatalog(amount: 1_200, extras: ["tax_behavior": "inclusive"]), run: "4")
        try world.sync(smallCatalog(), run: "5")
        #expect(try traits(world).taxBehavior == "inclusive")
        #expect(try world.all(WorldHand.prices).count == made + 2)
    }

    @Test(
        "what Stripe can set is set on the price, and what it cannot change makes a new price",
        arguments: [
            ("", ["tax_behavior": "exclusive"], "updated price month (ID): tax_behavior exclusive"),
            ("", ["nickname": "N"], "updated price month (ID): nickname N"),
            ("nickname=N", ["nickname": "M"], "updated price month (ID): nickname N -> M"),
            (
                "", ["currency_options": ["usd": ["unit_amount": 5]]],
                "updated price month (ID): currency_options 0.05 USD"
            ),
            (
                "currency_options[usd][unit_amount]=5",
                ["currency_options": ["usd": ["unit_amount": 5], "jpy": ["unit_amount": 7]]],
                "updated price month (ID): currency_options 0.05 USD -> 7 JPY, 0.05 USD"
            ),
            (
                "tax_behavior=exclusive", ["tax_behavior": "inclusive"],
                "replaced price month: tax_behavior exclusive -> inclusive"
            ),
            (
                "tax_behavior=exclusive", ["tax_behavior": "unspecified"],
                "replaced price month: tax_behavior exclusive -> none"
            ),
            (
                "currency_options[usd][unit_amount]=5", ["currency_options": ["usd": ["unit_amount": 6]]],
                "replaced price month: currency_options 0.05 USD -> 0.06 USD"
            ),
            (
                "currency_options[usd][unit_amount]=5", ["currency_options": [:]],
                "replaced price month: currency_options 0.05 USD -> none"
            ),
        ] as [(String, [String: JSONValue], String)])
    func changes(hand: String, extras: [String: JSONValue], line: String) throws {
        var world = hand.isEmpty ? try WorldHand.synced() : try byHand(hand)
        let wanted = try smallCatalog(extras: extras)
        #expect(try lines(world.plan(wanted)).first == line.replacing("ID", with: world.id(WorldHand.prices)))
        try world.sync(wanted, run: "2")
        #expect(try world.plan(wanted).steps.isEmpty)
        let said = try #require(wanted.prices.first).extras
        let after = try traits(world)
        #expect(said.nickname == nil || after.nickname == said.nickname)
        #expect(said.currencyOptions == nil || after.currencyOptions == said.currencyOptions)
        let isUnspecified = said.taxBehavior == nil || said.taxBehavior == "unspecified"
        #expect(after.taxBehavior == (isUnspecified ? nil : said.taxBehavior))
    }

    @Test("another currency of the price before that becomes its own is not sent again")
    func ownCurrency() throws {
        var world = try byHand("currency_options[usd][unit_amount]=1100&currency_options[jpy][unit_amount]=1500")
        let wanted = try smallCatalog(amount: 1_300, extras: ["currency": "usd"])
        try world.sync(wanted, run: "2")
        #expect(try traits(world).currencyOptions.keys.sorted() == ["jpy"])
        #expect(try world.plan(wanted).steps.isEmpty)
    }

    @Test("a free plan is sent as 0 and shown as 0.00 EUR")
    func free() throws {
        var world = WorldHand()
        let wanted = try smallCatalog(amount: 0)
        #expect(lines(try world.plan(wanted)).contains("created price month: 0.00 EUR / month, product llm"))
        try world.sync(wanted, run: "1")
        #expect(try world.all(WorldHand.prices).map { $0["unit_amount"] } == [0, nil])
        #expect(try world.plan(wanted).steps.isEmpty)
    }

    // MARK: What is lost

    @Test(
        "what no catalog can describe is named in a warning",
        arguments: [
            (["billing_scheme": "tiered", "unit_amount": .null, "unit_amount_decimal": .null], "tiers"),
            (["transform_quantity": ["divide_by": 1_000, "round": "up"]], "transform_quantity"),
            (
                ["custom_unit_amount": ["minimum": 1], "unit_amount": .null, "unit_amount_decimal": .null],
                "custom_unit_amount"
            ),
            (
                [
                    "unit_amount": 7, "unit_amount_decimal": "7",
                    "recurring": ["interval": "month", "interval_count": 1, "trial_period_days": 14],
                ], "trial_period_days"
            ),
            (
                [
                    "unit_amount": 7, "unit_amount_decimal": "7",
                    "currency_options": ["eur": ["unit_amount": 7], "usd": ["unit_amount": .null]],
                ], "currency_options[usd]"
            ),
        ] as [([String: JSONValue], String)])
    func lost(members: [String: JSONValue], name: String) throws {
        let world = try WorldHand.synced()
        let id = try world.id(WorldHand.prices)
        let stripe = try world.listed { prices in
            prices.map { price in
                guard price["id"]?.text == id, case .object(let old) = price else { return price }
                return .object(old.merging(members) { $1 })
            }
        }
        let plan = try CatalogSyncPlan(smallCatalog(), stripe: stripe, mode: .test)
        #expect(
            plan.warnings == ["price month: \(name) of \(id) cannot be taken over; it will cost 10.00 EUR / month"])
        #expect(plan.text.dropLast().last == "WARN \(plan.warnings[0])" && plan.text.last == "plan \(plan.hash)")
        #expect(lines(plan)[0].hasPrefix("replaced price month: "))
    }

    @Test(
        "a price of another scheme is shown as what it is, warned of once, and replaced",
        arguments: [
            (
                "billing_scheme=tiered&tiers_mode=graduated&tiers[0][up_to]=inf&tiers[0][unit_amount]=5",
                "EUR (tiered) / month", "tiers"
            ),
            (
                "unit_amount=1000&transform_quantity[divide_by]=1000&transform_quantity[round]=up",
                "10.00 EUR (transform_quantity) / month", "transform_quantity"
            ),
        ])
    func otherSchemes(terms: String, shown: String, name: String) throws {
        // No price of the catalog's own terms is there to be taken again.
        var world = WorldHand()
        try world.sync(smallCatalog(amount: 900), run: "1")
        let ours = try world.id(WorldHand.prices)
        let form = "currency=eur&recurring[interval]=month&lookup_key=month&transfer_lookup_key=true&\(terms)"
        let mark = "metadata[bus_catalog]=test&metadata[bus_lookup_key]=month"
        let product = try world.id(WorldHand.products)
        let held = try #require(try world.post(WorldHand.prices, "product=\(product)&\(form)&\(mark)")["id"]?.text)
        try world.post("\(WorldHand.prices)/\(ours)", "active=false&metadata=")
        let plan = try world.plan(smallCatalog())
        let line = lines(plan).first ?? ""
        #expect(line.hasPrefix("replaced price month: \(shown) -> 10.00 EUR / month"), "\(line)")
        #expect(plan.warnings.count == 1 && plan.warnings[0].contains("\(name) of \(held) cannot be taken over"))
        try world.sync(smallCatalog(), run: "2")
        let end = try world.plan(smallCatalog())
        #expect(end.warnings == [] && end.steps.isEmpty)
    }

    @Test(
        "money is shown with its rhythm",
        arguments: [
            (["currency": "jpy", "unit_amount": 4_900], "4 900 JPY once"),
            (["currency": "eur", "unit_amount": 4_900, "recurring": ["interval": "month"]], "49.00 EUR / month"),
            (
                ["currency": "kwd", "unit_amount": 5_120, "recurring": ["interval": "year", "interval_count": 2]],
                "5.120 KWD / 2 years"
            ),
            (
                [
                    "currency": "eur", "unit_amount_decimal": "0.02",
                    "recurring": ["interval": "day", "usage_type": "metered"],
                ], "0.0002 EUR per unit / day"
            ),
            (["currency": "eek", "unit_amount": 5], "5 minor units of EEK once"),
        ] as [([String: JSONValue], String)])
    func money(members: [String: JSONValue], shown: String) throws {
        let price = JSONValue.object(["id": "price_1", "active": true, "product": "prod_1"].merging(members) { $1 })
        #expect(try #require(StripeCatalog.Price(price)).terms.money == shown)
    }

    // MARK: The Customer Portal

    @Test("a portal configuration that offers an archived price is named, with the price")
    func portal() throws {
        let world = try WorldHand.synced()
        let old = try world.id(WorldHand.prices)
        var plan = try world.plan(smallCatalog(amount: 1_200))
        #expect(plan.archivedPrices.map(\.id) == [old])
        func portal(_ id: String, _ prices: JSONValue, enabled: JSONValue = true) throws -> PortalConfiguration {
            let update: JSONValue = ["enabled": enabled, "products": [["product": "prod_1", "prices": prices]]]
            return try #require(
                PortalConfiguration(["id": .string(id), "features": ["subscription_update": update]]))
        }
        let hash = plan.hash
        plan.warn(of: [
            try portal("bpc_1", ["price_x", .string(old)]), try portal("bpc_2", ["price_x"]),
            try portal("bpc_3", [.string(old)], enabled: false),
        ])
        #expect(
            plan.warnings == [
                "the Customer Portal (bpc_1) still offers price month (\(old)), which is archived; "
                    + "change its list in Stripe's dashboard"
            ])
        #expect(plan.hash == hash, "a confirmation stands for the writes")
        #expect(PortalConfiguration(["id": "bpc_1"]) == nil)
        #expect(try world.plan(smallCatalog()).archivedPrices.isEmpty)
    }
}
