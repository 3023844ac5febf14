import BillingCore
import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

/// Random catalogs, random meddling, and a kill at every point (issue: the piece operators fear most).
@Suite("A catalog sync, killed anywhere")
struct CatalogSyncModelTests {
    private static let productKeys = ["p0", "p1", "p2"]

    private func catalog(_ random: inout SeededGenerator) throws -> Catalog {
        let products = Self.productKeys.filter { _ in Int.random(in: 0..<4, using: &random) > 0 }
        let meters = ["m0", "m1"].filter { _ in Bool.random(using: &random) }
        var prices: [JSONValue] = []
        for index in 0..<4 where Int.random(in: 0..<4, using: &random) > 0 {
            guard let product = products.randomElement(using: &random) else { continue }
            let amount = Int64.random(in: 0...3, using: &random) * 100
            var price: [String: JSONValue] = [
                "lookup_key": .string("k\(index)"), "product_lookup_key": .string(product), "currency": "eur",
                "unit_amount": .integer(amount),
            ]
            if Bool.random(using: &random) { price["interval"] = "month" }
            if let meter = meters.randomElement(using: &random), Bool.random(using: &random) {
                price["interval"] = "month"
                price["usage_type"] = "metered"
                price["meter_lookup_key"] = .string(meter)
                price["unit_amount"] = nil
                price["unit_amount_decimal"] = .string("0.0\(amount + 1)")
            }
            addExtras(to: &price, &random)
            prices.append(.object(price))
        }
        return try Catalog.forSync([
            "products": .array(
                products.map { key in
                    ["lookup_key": .string(key), "name": .string("\(key) v\(Int.random(in: 0...1, using: &random))")]
                }),
            "prices": .array(prices),
            "meters": .array(
                meters.map { name in
                    [
                        "name": .string(name),
                        "display_name": .string("\(name) v\(Int.random(in: 0...1, using: &random))"),
                    ]
                }),
        ])
    }

    private func addExtras(to price: inout [String: JSONValue], _ random: inout SeededGenerator) {
        if Int.random(in: 0..<4, using: &random) == 0 { price["currency"] = "jpy" }
        if Int.random(in: 0..<3, using: &random) == 0 {
            price["tax_behavior"] = ["inclusive", "exclusive", "unspecified"].randomElement(using: &random)
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            price["nickname"] = .string("n\(Int.random(in: 0...1, using: &random))")
        }
        if Int.random(in: 0..<3, using: &random) == 0 {
            let codes = ["usd", "gbp"].filter { _ in Bool.random(using: &random) }
            let options = codes.map { ($0, ["unit_amount": .integer(.random(in: 1...2, using: &random))] as JSONValue) }
            price["currency_options"] = .object(Dictionary(options, uniquingKeysWith: { first, _ in first }))
        }
    }

    /// Somebody changes things in the dashboard.
    private func meddle(_ world: inout WorldHand, _ random: inout SeededGenerator) throws {
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let list = [WorldHand.products, WorldHand.prices, WorldHand.meters].randomElement(using: &random)
            guard let list, let object = try world.all(list).randomElement(using: &random),
                let id = object["id"]?.text
            else { continue }
            let product = object["product"]?.text ?? "none"
            let (path, form) =
                switch (list, Int.random(in: 0..<9, using: &random)) {
                case (WorldHand.prices, 5): ("\(list)/\(id)", "tax_behavior=exclusive")
                case (WorldHand.prices, 6): ("\(list)/\(id)", "nickname=hand")
                case (WorldHand.prices, 7): ("\(list)/\(id)", "currency_options[gbp][unit_amount]=1")
                case (WorldHand.prices, 8): ("\(list)/\(id)", "metadata[team]=\(id)")
                case (WorldHand.meters, 0...2): ("\(list)/\(id)/deactivate", "")
                case (WorldHand.meters, _): ("\(list)/\(id)", "display_name=by%20hand")
                case (WorldHand.products, 0): ("\(list)/\(id)", "name=by%20hand")
                case (_, 0): ("\(list)/\(id)", "lookup_key=other\(Int.random(in: 0...9, using: &random))")
                case (_, 1): ("\(list)/\(id)", "active=false")
                case (_, 2): ("\(list)/\(id)", "active=true")
                case (WorldHand.prices, 3): ("/v1/products/\(product)", "default_price=\(id)")
                case (WorldHand.prices, _): ("\(list)/\(id)", "metadata[bus_catalog]=live")
                default: ("\(list)/\(id)", "description=by%20hand")
                }
            // Some changes are refused, as in the dashboard.
            _ = try? world.post(path, form)
        }
        if Bool.random(using: &random), let product = try world.all(WorldHand.products).last?["id"] {
            let key = "k\(Int.random(in: 0..<4, using: &random))"
            _ = try? world.post(
                WorldHand.prices,
                "product=\(product.text ?? "")&currency=eur&unit_amount=100&lookup_key=\(key)&transfer_lookup_key=true")
        }
    }

    @Test("ends, from every point at which it can stop, where an undisturbed run ends, and then writes nothing")
    func killedAnywhere() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        var (runs, kills) = (0, 0)
        for await round in Rounds(5, proof: 2_000) {
            runs += Self.generations
            kills += try killEverywhere(&random, "seed \(seed), round \(round)")
        }
        print("catalog sync, seed \(seed): \(runs) runs, \(kills) kills")
        #expect(kills > runs)
    }

    private static let generations = 4

    /// Kills each of a few syncs after each of its steps; answers how many kills there were.
    private func killEverywhere(_ random: inout SeededGenerator, _ place: String) throws -> Int {
        var kills = 0
        var world = WorldHand()
        for generation in 0..<Self.generations {
            let wanted = try catalog(&random)
            let prune = Bool.random(using: &random)
            try meddle(&world, &random)
            let steps = try world.plan(wanted, prune: prune).steps.count
            let start = world
            try world.sync(wanted, prune: prune, run: "\(generation)")
            let note: Comment = "\(place), generation \(generation)"
            try #require(try world.plan(wanted, prune: prune).steps.isEmpty, note)
            let sold = try world.sold()
            try checkEnd(sold, wanted, note)
            try checkTraits(of: world, after: start, wanted, note)
            for kill in 0..<steps {
                var killed = start
                #expect(throws: Killed.self) {
                    try killed.sync(wanted, prune: prune, run: "\(generation) killed", killAfter: kill)
                }
                try killed.sync(wanted, prune: prune, run: "\(generation) again")
                try #require(try killed.sold() == sold, "\(note), killed after \(kill)")
                try #require(try killed.plan(wanted, prune: prune).steps.isEmpty, note)
                kills += 1
            }
        }
        return kills
    }

    /// Every price of the file is sold once under its key, and no other price of ours holds one of the file's names.
    private func checkEnd(_ sold: [String], _ wanted: Catalog, _ note: Comment) throws {
        for price in wanted.prices {
            let mine = sold.filter { $0.split(separator: " ")[1] == price.lookupKey }
            try #require(mine.count == 1, "\(note): \(price.lookupKey) in \(sold)")
            let words = mine[0].split(separator: " ").map(String.init)
            try #require(words[0] == price.lookupKey && words[2] == price.productLookupKey, "\(note): \(mine)")
            try #require(!mine[0].contains("not sold"), "\(note): \(mine)")
        }
    }

    /// Every price has what the file says of it, else what the price had that held its key before.
    private func checkTraits(
        of world: WorldHand, after start: WorldHand, _ wanted: Catalog, _ note: Comment
    ) throws {
        func traits(_ world: WorldHand, _ key: String) throws -> PriceTraits? {
            try world.listed().prices.first { $0.lookupKey == key }?.traits
        }
        func specified(_ text: String?) -> String? { text == "unspecified" ? nil : text }
        for price in wanted.prices {
            let (old, extras) = (try traits(start, price.lookupKey), price.extras)
            let new = try #require(try traits(world, price.lookupKey), note)
            let tax = extras.taxBehavior ?? old?.taxBehavior
            let mayHaveMore = old == nil  // A price that held the key in an earlier generation may come back.
            try #require(new.taxBehavior == specified(tax) || mayHaveMore && tax == nil, "\(note): \(price), \(new)")
            let nickname = extras.nickname ?? old?.nickname
            try #require(nickname == nil || new.nickname == nickname, "\(note): \(price), \(new)")
            for (key, value) in old?.metadata ?? [:] { try #require(new.metadata[key] == value, note) }
            if let options = extras.currencyOptions {
                try #require(new.currencyOptions.mapValues(\.amount) == options.mapValues(\.amount), note)
            } else if var options = old?.currencyOptions {
                options[price.currency] = nil
                try #require(new.currencyOptions == options, "\(note): \(price), \(new)")
            }
        }
    }

    @Test("a thousand prices are planned in moderate time, and a second time without a write")
    func thousand() throws {
        let wanted = try Catalog.forSync([
            "products": [["lookup_key": "p", "name": "P"]],
            "prices": .array(
                (0..<1_000).map { index in
                    [
                        "lookup_key": .string("k\(index)"), "product_lookup_key": "p", "currency": "eur",
                        "unit_amount": .integer(Int64(index + 1)), "interval": "month",
                    ]
                }),
        ])
        let elapsed = ContinuousClock().measure { _ = try? WorldHand().plan(wanted) }
        let mark: JSONValue = ["bus_catalog": "test", "bus_lookup_key": "p"]
        let product = try #require(
            StripeCatalog.Product(["id": "prod_1", "name": "P", "active": true, "metadata": mark]))
        let prices = wanted.prices.compactMap { price in
            StripeCatalog.Price([
                "id": .string("price_\(price.lookupKey)"), "active": true, "currency": "eur", "product": "prod_1",
                "unit_amount": .integer(price.unitAmount ?? 0), "lookup_key": .string(price.lookupKey),
                "recurring": ["interval": "month"],
                "metadata": ["bus_catalog": "test", "bus_lookup_key": .string(price.lookupKey)],
            ])
        }
        let stripe = StripeCatalog(products: [product], prices: prices)
        let again = ContinuousClock().measure {
            let plan = try? CatalogSyncPlan(wanted, stripe: stripe, mode: .test)
            #expect(plan?.steps.isEmpty == true)
        }
        print("  planning 1000 new prices \(elapsed)\n  planning 1000 existing prices \(again)")
        #expect(elapsed < .seconds(10) && again < .seconds(10))
    }
}
