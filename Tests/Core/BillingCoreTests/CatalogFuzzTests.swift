import BillingCore
import BusCore
import TestSupport
import Testing

@Suite("Catalog under random changes")
struct CatalogFuzzTests {
    private static let words: [JSONValue] = [
        .null, true, false, 0, 1, -1, 2, 1_000, .number("1.5"), .number("1e3"), .number("9223372036854775808"), "", "x",
        .number("49.00"), .number("0.0"), "jpy", "kwd", "xyz", "49.00", "exclusive", ["usd": ["unit_amount": 5]],
        "llm", "bus_llm", "llm-basic", "llm-pro", "eur", "EUR", "month", "daily", "metered", "licensed", "0.02",
        "bus_llm_tokens", "llm:proxy", "é", "e\u{301}", "sk_x", [], [:], ["x"], ["id": "x"], [[]],
    ]

    private static let members = [
        "id", "lookup_key", "name", "prices", "plans", "quotas", "meters", "products", "plan_id", "features", "window",
        "limit", "interval", "usage_type", "unit_amount_decimal", "meter_lookup_key", "units", "version", "zzz",
        "currency", "unit_amount", "tax_behavior", "nickname", "currency_options", "usd",
    ]

    /// Changes one place, chosen by going down from the root until a coin says stop.
    private func mutated(_ value: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        let stops = Int.random(in: 0..<4, using: &random) == 0
        switch value {
        case .array(var elements) where !elements.isEmpty:
            let index = Int.random(in: elements.indices, using: &random)
            if !stops {
                elements[index] = mutated(elements[index], &random)
            } else {
                switch Int.random(in: 0..<3, using: &random) {
                case 0: elements.remove(at: index)
                case 1: elements.append(elements[index])
                default: elements.swapAt(index, 0)
                }
            }
            return .array(elements)
        case .object(var members) where !members.isEmpty:
            let name = members.keys.sorted()[Int.random(in: 0..<members.count, using: &random)]
            if !stops {
                members[name] = mutated(members[name] ?? .null, &random)
            } else if Bool.random(using: &random) {
                members[name] = nil
            } else {
                let other = CatalogFuzzTests.members.randomElement(using: &random) ?? "zzz"
                members[other] = Bool.random(using: &random) ? members[name] : word(&random)
            }
            return .object(members)
        default: return word(&random)
        }
    }

    private func word(_ random: inout SeededGenerator) -> JSONValue {
        CatalogFuzzTests.words.randomElement(using: &random) ?? .null
    }

    @Test("what is accepted is accepted again from its own bytes, with equal value and every reference answered")
    func roundTrip() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        let template = try CatalogFixtures.template().edited(
            .set("prices.0.tax_behavior", "inclusive"), .set("prices.1.nickname", "Pro"),
            .set("prices.1.currency_options", ["usd": ["unit_amount": 5_500]]))
        var (accepted, refused) = (0, 0)
        var spent = Duration.zero
        for await round in Rounds(200, proof: 20_000) {
            var body = template
            for _ in 0..<Int.random(in: 1...4, using: &random) { body = mutated(body, &random) }
            let mode: Catalog.UnknownMembers = Bool.random(using: &random) ? .keep : .refuse
            let purpose: Catalog.Purpose = Bool.random(using: &random) ? .store : .sync
            let start = ContinuousClock.now
            defer { spent += ContinuousClock.now - start }
            do {
                let catalog = try Catalog(body, unknownMembers: mode, purpose: purpose)
                accepted += 1
                let again = try Catalog(parsing: catalog.body.serialized(), unknownMembers: mode, purpose: purpose)
                try #require(again == catalog && catalog.body == body, "round \(round), seed \(seed)")
                try #require(isComplete(catalog, body, purpose), "round \(round), seed \(seed)")
                try #require(catalog.prices.allSatisfy(isChargeable), "round \(round), seed \(seed)")
            } catch let faults as CatalogFaults {
                refused += 1
                let problems = faults.problems
                try #require(1...Limits.catalogProblemsMax ~= problems.count, "round \(round), seed \(seed)")
                try #require(Set(problems).count == problems.count, "round \(round), seed \(seed): \(problems)")
                let again = CatalogFixtures.problems(body, mode, purpose)
                try #require(again == problems.map(\.description), "round \(round), seed \(seed)")
            }
        }
        print("catalog changes, seed \(seed): \(accepted) accepted, \(refused) refused \(spent)")
        #expect(accepted > 5 && refused > 5)
    }

    /// Every amount is a number of Stripe's currency that can be charged, and written as whole minor units.
    private func isChargeable(_ price: Catalog.Price) -> Bool {
        guard let own = Currency(price.currency) else { return false }
        let options = price.extras.currencyOptions ?? [:]
        return (price.unitAmount.map { $0 >= 0 && $0 % own.step == 0 } ?? (price.usageType == .metered))
            && options.allSatisfy { code, option in
                guard let currency = Currency(code), code != own.code else { return false }
                return Int64(option.amount.text).map { $0 % currency.step == 0 } ?? (price.usageType == .metered)
            }
    }

    /// Looks every reference up again, without the names that the check keeps.
    private func isComplete(_ catalog: Catalog, _ body: JSONValue, _ purpose: Catalog.Purpose) -> Bool {
        let productKeys = catalog.products.map(\.lookupKey)
        let planIDs = catalog.plans.map(\.id)
        let knowsPlans = purpose == .store || body["plans"] != nil
        func isUnique(_ names: [String]) -> Bool { Set(names).count == names.count }
        return catalog.products.count == body["products"]?.elements?.count ?? 0
            && catalog.meters.count == body["meters"]?.elements?.count ?? 0
            && catalog.plans.count == body["plans"]?.elements?.count ?? 0
            && catalog.prices.count >= body["prices"]?.elements?.count ?? 0
            && isUnique(productKeys) && isUnique(catalog.products.map(\.id)) && isUnique(planIDs)
            && isUnique(catalog.meters.map(\.eventName)) && isUnique(catalog.meters.map(\.lookupKey))
            && isUnique(catalog.prices.map(\.lookupKey))
            && catalog.prices.allSatisfy { price in
                productKeys.contains(price.productLookupKey)
                    && (price.planID.map { !knowsPlans || planIDs.contains($0) } ?? true)
                    && (price.unitAmount != nil) != (price.unitAmountDecimal != nil)
                    && (price.usageType == .metered)
                        == (price.meterLookupKey.map { catalog.meters.map(\.lookupKey).contains($0) } ?? false)
            }
            && catalog.plans.allSatisfy { plan in
                catalog.products.contains { $0.id == plan.productID }
                    && plan.prices.allSatisfy { listed in
                        catalog.prices.contains {
                            $0.lookupKey == listed.lookupKey && $0.planID == plan.id && $0.currency == listed.currency
                                && $0.interval == listed.interval
                                && ($0.unitAmount == listed.unitAmount
                                    || $0.unitAmountDecimal == String(listed.unitAmount))
                        }
                    }
                    && plan.quotas.allSatisfy { quota in
                        plan.features.contains(quota.feature) && quota.limit > 0
                            && catalog.meters.contains { $0.eventName == quota.meterEventName }
                            && (quota.upgradePlanID.map { planIDs.contains($0) } ?? true)
                    }
            }
    }

    @Test("bytes changed at random never crash the check")
    func bytes() async {
        let seed = PropertySettings.seed
        print("catalog bytes, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let template = Array(CatalogTemplate.text.utf8)
        for await _ in Rounds(100, proof: 10_000) {
            var bytes = template
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? Catalog(parsing: bytes, unknownMembers: .keep)
            _ = try? QuotaFile(parsing: bytes)
        }
    }

    @Test(
        "a document made to take long is answered in time",
        arguments: [
            String(repeating: "ask_://", count: 20_000), String(repeating: "beyJ Bearer ", count: 10_000),
        ])
    func longTexts(text: String) throws {
        let body = try CatalogFixtures.template().edited(.set("products.0.description", .string(text)))
        let elapsed = ContinuousClock().measure { _ = CatalogFixtures.problems(body) }
        print("  \(text.utf8.count) bytes of near secrets \(elapsed)")
        #expect(elapsed < .seconds(20))
    }

    @Test("a thousand names and thousands of wrong references to them are answered in time")
    func manyReferences() throws {
        let name = String(repeating: "n", count: 90)
        let plans = (0..<1_000).map { index -> JSONValue in
            ["id": .string("\(name)\(index)"), "product_id": .string("\(name)\(index + 1)"), "features": ["f"]]
        }
        let body = try CatalogFixtures.template().edited(
            .set("products", .array((0..<1_000).map { ["id": .string("\(name)x\($0)"), "name": "p"] })),
            .set("plans", .array(plans)))
        let elapsed = ContinuousClock().measure { #expect(CatalogFixtures.problems(body).count == 100) }
        print("  1000 wrong references among 1000 names \(elapsed)")
        #expect(elapsed < .seconds(20))
    }
}
