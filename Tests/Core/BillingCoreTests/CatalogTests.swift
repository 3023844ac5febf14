import BillingCore
import BusCore
import TestSupport
import Testing

@Suite("Catalog")
struct CatalogTests {
    private func parse(_ text: String, _ purpose: Catalog.Purpose = .store) throws -> Catalog {
        try Catalog(parsing: Array(text.utf8), unknownMembers: .refuse, purpose: purpose)
    }

    // MARK: What is accepted

    @Test(
        "the template is a catalog for every purpose and in both modes",
        arguments: [Catalog.UnknownMembers.keep, .refuse], [Catalog.Purpose.store, .sync])
    func template(unknownMembers: Catalog.UnknownMembers, purpose: Catalog.Purpose) throws {
        let catalog = try Catalog(
            parsing: Array(CatalogTemplate.text.utf8), unknownMembers: unknownMembers, purpose: purpose)
        #expect(catalog.products.map(\.lookupKey) == ["bus_llm", "bus_container"])
        #expect(catalog.prices.map(\.unitAmount) == [1000, 4900, 1500])
        #expect(catalog.meters.map(\.unit) == ["tokens", "seconds"])
        #expect(catalog.plans.map(\.id) == ["llm-basic", "llm-pro", "container-basic"])
        let quotas = try #require(catalog.plan(id: "llm-basic")).quotas
        #expect(quotas.map(\.window) == [.minute, .month])
        #expect(quotas.map(\.limit) == [20_000, 1_000_000])
        #expect(quotas.map(\.upgradePlanID) == ["llm-pro", "llm-pro"])
        #expect(try catalog.body == CatalogFixtures.template())
    }

    @Test("the example file is the template")
    func exampleFile() throws {
        #expect(try Repository.text("Examples/catalog.json") == CatalogTemplate.text)
        #expect(CatalogTemplate.text.hasSuffix("}\n"))
    }

    @Test("the shape that only billing documents is enough; prices and names follow from it")
    func billingShape() throws {
        let catalog = try parse(
            #"""
            {"products":[{"id":"llm","name":"LLM"}],"meters":[{"name":"bus_llm_tokens","units":"tokens"}],
             "plans":[{"id":"basic","product_id":"llm","features":["llm:proxy","llm:proxy"],
               "prices":[{"currency":"EUR","unit_amount":1000,"interval":"month"},{"currency":"eur","unit_amount":99}],
               "quotas":[{"feature":"llm:proxy","meter_event_name":"bus_llm_tokens","window":"Daily","limit":5}]}]}
            """#)
        #expect(catalog.products.map(\.lookupKey) == ["llm"])
        let meter = try #require(catalog.meters.first)
        #expect(
            [meter.eventName, meter.lookupKey, meter.displayName, meter.unit]
                == ["bus_llm_tokens", "bus_llm_tokens", "bus llm tokens", "tokens"])
        #expect(meter.aggregationFormula == .sum && meter.customerMappingType == .byID)
        #expect(meter.customerMappingEventPayloadKey == "stripe_customer_id")
        #expect(meter.valueSettingsEventPayloadKey == "value")
        let plan = try #require(catalog.plans.first)
        #expect(plan.features == ["llm:proxy"])
        #expect(plan.prices.map(\.lookupKey) == ["basic-eur-month", "basic-eur-once"])
        #expect(plan.quotas.first?.window == .day)
        #expect(catalog.prices.map(\.lookupKey) == ["basic-eur-month", "basic-eur-once"])
        #expect(catalog.prices.map(\.productLookupKey) == ["llm", "llm"])
        #expect(catalog.prices.map(\.interval) == [.month, nil])
        #expect(catalog.prices(of: plan) == catalog.prices)
        #expect(CatalogFixtures.problems(catalog.body, .refuse, .sync) == [])
    }

    @Test("the shape that only sync documents is enough for sync; names follow from it")
    func syncShape() throws {
        let catalog = try parse(
            #"""
            {"products":[{"lookup_key":"bus_llm","name":"LLM"}],
             "prices":[{"lookup_key":"flat","product_lookup_key":"bus_llm","currency":"eur","unit_amount":1000},
               {"lookup_key":"used","product_lookup_key":"bus_llm","plan_id":"elsewhere","currency":"eur",
                "usage_type":"metered","unit_amount_decimal":"0.020000000001","meter_lookup_key":"tokens",
                "interval":"month","interval_count":36}],
             "meters":[{"lookup_key":"tokens","display_name":"Tokens","event_name":"bus_llm_tokens"}]}
            """#, .sync)
        #expect(catalog.products.map(\.id) == ["bus_llm"])
        #expect(catalog.meters.map(\.name) == ["bus_llm_tokens"])
        #expect(catalog.prices.map(\.usageType) == [.licensed, .metered])
        #expect(catalog.prices.map(\.unitAmountDecimal) == [nil, "0.020000000001"])
        #expect(
            CatalogFixtures.problems(catalog.body) == [
                "catalog: $.meters[0].unit: is missing; write what is counted, such as \"tokens\"",
                "catalog: $.plans: is missing; write an array of plans; it may be empty",
            ])
    }

    @Test("a plan may name its product by lookup key and lists what a price of the document belongs to")
    func equivalences() throws {
        let body = try CatalogFixtures.template().edited(
            .set("plans.0.product_id", "bus_llm"), .remove("prices.0.plan_id"), .remove("prices.1"))
        let catalog = try Catalog(body, unknownMembers: .refuse)
        #expect(catalog.plans.first?.productID == "llm")
        #expect(catalog.prices.map(\.planID) == ["llm-basic", "container-basic", "llm-pro"])
    }

    @Test("plans are found by their ids, their prices and what they sell")
    func found() throws {
        let catalog = try parse(CatalogTemplate.text)
        #expect(catalog.plans(selling: "llm:proxy").map(\.id) == ["llm-basic", "llm-pro"])
        #expect(catalog.plans(selling: "vm:run").isEmpty)
        #expect(catalog.sells("container:run") && !catalog.sells("vm:run"))
        for plan in catalog.plans {
            #expect(catalog.plan(id: plan.id) == plan)
            for price in catalog.prices(of: plan) { #expect(catalog.plan(ofPrice: price.lookupKey) == plan) }
        }
        #expect(catalog.plan(id: "LLM-basic") == nil && catalog.plan(ofPrice: "price_1") == nil)
    }

    @Test("the empty catalog is one")
    func empty() throws {
        #expect(try Catalog(Catalog.empty.body, unknownMembers: .refuse) == Catalog.empty)
    }

    @Test("unknown members are kept over the wire, and their order does not change the bytes")
    func keepsUnknownMembers() throws {
        let body = try CatalogFixtures.template().edited(
            .set("comment", "ours"), .set("plans.0.badge", ["colour": "red"]), .set("prices.0.tax", .number("1.50")))
        let catalog = try Catalog(body, unknownMembers: .keep)
        #expect(catalog.body == body)
        let bytes = catalog.body.serialized()
        #expect(try Catalog(parsing: bytes, unknownMembers: .keep).body.serialized() == bytes)
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""tax":1.50"#))
    }

    // MARK: Reports

    @Test("ten mistakes are ten problems, in the document's order")
    func tenMistakes() throws {
        let body = try CatalogFixtures.template().edited(
            .set("plans.2.quotas.0.limit", 0), .set("plans.1.quotas.0.window", "mnth"), .remove("products.0.name"),
            .set("prices.0.currency", "euro"), .set("prices.1.interval", "monht"), .set("meters.0.unti", "tokens"),
            .set("meters.1.aggregation_formula", "max"), .set("plans.0.product_id", "llmm"),
            .set("plans.0.features.0", "LLM Proxy"), .set("plans.2.prices.0.unit_amount", "1500"))
        #expect(
            CatalogFixtures.problems(body) == [
                "catalog: $.products[0].name: is missing; write what customers read, such as \"LLM access\"",
                "catalog: $.prices[0].currency: \"euro\" is no currency that Stripe takes; "
                    + "write its ISO 4217 code such as \"eur\"",
                "catalog: $.prices[1].interval: \"monht\" is unknown; did you mean \"month\"?",
                "catalog: $.meters[0].unti: is not a member that is known here; remove it",
                "catalog: $.meters[1].aggregation_formula: \"max\" is unknown; use sum, count, last",
                "catalog: $.plans[0].product_id: \"llmm\" is no product's id; did you mean \"llm\"?",
                "catalog: $.plans[0].features[0]: \"LLM Proxy\" is no feature; "
                    + "use up to 100 of a-z 0-9 : . _ -, a letter or digit first",
                "catalog: $.plans[1].quotas[0].window: \"mnth\" is unknown; did you mean \"month\"?",
                "catalog: $.plans[2].prices[0].unit_amount: is a text; write a whole number from 0 to 999999999999",
                "catalog: $.plans[2].quotas[0].limit: is out of range or no whole number; "
                    + "write a whole number from 1 to 9007199254740991",
            ])
    }

    @Test(
        "one mistake is one problem, however much depends on what it broke",
        arguments: [
            CatalogEdit.remove("products.0.name"), .set("products.0.id", 7), .set("products.0", "llm"),
            .remove("plans"), .remove("meters"), .remove("products"), .set("plans", [:]),
            .set("meters.0.event_name", 1),
            .set("plans.1.id", []), .set("plans.0.features", "llm:proxy"),
            .set("prices.0.interval", 3), .set("plans.0.prices.0.interval", 3), .set("prices.0.usage_type", "used"),
            .set("prices.0.meter_lookup_key", "bus_llm_tokens"), .set("prices.0.unit_amount", "sk_test_1"),
            .set("products.0.id", "whsec_1"), .set("plans.1.id", "rk_live_1"),
        ])
    func noNoise(edit: CatalogEdit) throws {
        let problems = CatalogFixtures.problems(try CatalogFixtures.template().edited(edit))
        #expect(problems.count == 1, "\(problems)")
    }

    @Test("a misspelled member is named once and not also missing")
    func misspelledMember() throws {
        let body = try CatalogFixtures.template().edited(
            .remove("products.0.name"), .set("products.0.nmae", "LLM"), .remove("plans.0.id"), .set("plans.0.iid", "x"))
        #expect(
            CatalogFixtures.problems(body) == [
                "catalog: $.products[0].nmae: is not a member that is known here; did you mean \"name\"?",
                "catalog: $.plans[0].iid: is not a member that is known here; did you mean \"id\"?",
            ])
    }

    @Test("a hundred problems are told, the last of them how many more there are")
    func bounded() throws {
        let many = JSONValue.array(Array(repeating: ["id": "x"], count: 1_000))
        let body = try CatalogFixtures.template().edited(.set("products", many))
        let problems = CatalogFixtures.problems(body)
        #expect(problems.count == 100)
        #expect(problems.first?.hasPrefix("catalog: $.products[0].name: is missing") == true)
        #expect(problems[98].hasPrefix("catalog: $.products[49].name"))
        // 1000 missing names, 999 repeated ids, and six references to the products that are gone; 99 of them are shown.
        #expect(problems.last == "catalog: $: 1906 more problems follow; mend these first and check again")
        #expect(problems == CatalogFixtures.problems(body))
    }

    @Test("documents that are too large, too deep or no JSON say so")
    func notDocuments() {
        func problem(_ bytes: [UInt8]) -> String? {
            do {
                _ = try Catalog(parsing: bytes, unknownMembers: .keep)
                return nil
            } catch {
                return error.problems.count == 1 ? error.problems[0].description : "\(error.problems)"
            }
        }
        #expect(
            problem([UInt8](repeating: 0x20, count: Limits.catalogBodyBytesMax + 1))
                == "catalog: $: has 1048577 bytes; at most 1048576 are allowed")
        #expect(problem(Array(#"{"plans":[}"#.utf8))?.hasPrefix("catalog: $: is not JSON at byte 10;") == true)
        #expect(problem(Array("{} {}".utf8))?.contains("goes on after the JSON value, from byte 3") == true)
        #expect(problem(Array(String(repeating: "[", count: 500).utf8))?.contains("is nested deeper than") == true)
        #expect(problem([0x22, 0xFF, 0x22])?.contains("not UTF-8") == true)
        #expect(problem(Array("[]".utf8))?.hasPrefix("catalog: $: is an array;") == true)
    }
}
