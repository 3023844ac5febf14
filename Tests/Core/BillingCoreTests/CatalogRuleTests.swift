import BillingCore
import BusCore
import TestSupport
import Testing

/// One way to break the template and the one problem that tells of it.
struct BrokenCatalog: Sendable, CustomTestStringConvertible {
    let problem: String
    let edits: [CatalogEdit]

    init(_ problem: String, _ edits: CatalogEdit...) {
        self.problem = problem
        self.edits = edits
    }

    var testDescription: String { problem }
}

@Suite("Catalog rules")
struct CatalogRuleTests {
    static let metered: JSONValue = [
        "lookup_key": "used", "product_lookup_key": "bus_llm", "plan_id": "llm-basic", "currency": "eur",
        "usage_type": "metered", "unit_amount_decimal": "0.02", "interval": "month",
        "meter_lookup_key": "bus_llm_tokens",
    ]

    private func check(_ broken: BrokenCatalog) throws {
        let body = try CatalogFixtures.template().edited(broken.edits)
        #expect(CatalogFixtures.problems(body) == ["catalog: " + broken.problem])
    }

    @Test("inside a product", arguments: products)
    func product(broken: BrokenCatalog) throws { try check(broken) }

    static let products = [
        BrokenCatalog("$.version: is not 1; write 1 or leave it out", .set("version", 2)),
        BrokenCatalog("$.products: is an object; write an array", .set("products", [:])),
        BrokenCatalog("$.products[2]: is a text; write {\"id\": …}", .set("products.2", "llm")),
        BrokenCatalog(
            "$.products[2].id: is missing; name the product, such as \"llm\"", .set("products.2", ["name": "x"])),
        BrokenCatalog("$.products[0].name: is empty; write a text or leave it out", .set("products.0.name", "")),
        BrokenCatalog(
            "$.products[0].name: has 5001 characters; shorten it to at most 5000",
            .set("products.0.name", .string(String(repeating: "é", count: 5_001)))),
        BrokenCatalog("$.products[0].description: is a number; write a text", .set("products.0.description", 1)),
        BrokenCatalog(
            "$.products[2].id: \"b c\" has blanks or other than printable ASCII; use letters, digits, - and _",
            .set("products.2", ["id": "b c", "name": "x"])),
        BrokenCatalog(
            "$.products[2].id: \"llm\" already names $.products[0]; give each product its own",
            .set("products.2", ["id": "llm", "lookup_key": "other", "name": "x"])),
        BrokenCatalog(
            "$.products[2].lookup_key: \"llm\" already names $.products[0]; give each product its own",
            .set("products.2", ["lookup_key": "llm", "name": "x"])),
    ]

    @Test("inside a price and between prices", arguments: prices)
    func price(broken: BrokenCatalog) throws { try check(broken) }

    static let prices = [
        BrokenCatalog(
            "$.prices[3].lookup_key: \"bus_llm_basic_eur_month\" already names $.prices[0]; give each price its own",
            .set("prices.3", metered), .set("prices.3.lookup_key", "bus_llm_basic_eur_month"),
            .remove("plans.0.prices.0")),
        BrokenCatalog(
            "$.prices[3].lookup_key: has 201 characters; shorten it to at most 200", .set("prices.3", metered),
            .set("prices.3.lookup_key", .string(String(repeating: "k", count: 201)))),
        BrokenCatalog(
            "$.prices[0].product_lookup_key: \"bus_lm\" is no product's lookup_key; did you mean \"bus_llm\"?",
            .set("prices.0.product_lookup_key", "bus_lm")),
        BrokenCatalog(
            "$.prices[0].product_lookup_key: \"llm\" is another name of $.products[0]; write its lookup_key \"bus_llm\"",
            .set("prices.0.product_lookup_key", "llm")),
        BrokenCatalog(
            "$.prices[3].plan_id: \"llm-basics\" is no plan's id; did you mean \"llm-basic\"?",
            .set("prices.3", metered),
            .set("prices.3.plan_id", "llm-basics")),
        BrokenCatalog(
            "$.prices[0].currency: is missing; write three letters such as \"eur\"", .remove("prices.0.currency")),
        BrokenCatalog(
            "$.prices[0].unit_amount: is out of range or no whole number; write a whole number from 0 to 999999999999",
            .set("prices.0.unit_amount", -1)),
        BrokenCatalog(
            "$.prices[0].unit_amount: is missing; write the price in minor units, such as 1000 for 10.00 EUR",
            .remove("prices.0.unit_amount")),
        BrokenCatalog(
            "$.prices[0].unit_amount_decimal: is for metered prices; write unit_amount",
            .remove("prices.0.unit_amount"), .set("prices.0.unit_amount_decimal", "10")),
        BrokenCatalog(
            "$.prices[0].meter_lookup_key: is for metered prices; set usage_type to \"metered\" or remove it",
            .set("prices.0.meter_lookup_key", "bus_llm_tokens")),
        BrokenCatalog(
            "$.prices[0].usage_type: \"licenced\" is unknown; did you mean \"licensed\"?",
            .set("prices.0.usage_type", "licenced")),
        BrokenCatalog(
            "$.prices[0].interval_count: is out of range or no whole number; write a whole number from 1 to 36",
            .set("prices.0.interval_count", 37)),
        BrokenCatalog(
            "$.prices[3].interval: is missing; say how often usage is charged, such as \"month\"",
            .set("prices.3", metered), .remove("prices.3.interval")),
        BrokenCatalog(
            "$.prices[3].interval_count: counts intervals, but there is no interval; write one or remove the count",
            .set(
                "prices.3",
                [
                    "lookup_key": "once", "product_lookup_key": "bus_llm", "currency": "eur", "unit_amount": 1,
                    "interval_count": 2,
                ])),
        BrokenCatalog(
            "$.prices[3].meter_lookup_key: is missing; write the lookup_key of the meter that is charged",
            .set("prices.3", metered), .remove("prices.3.meter_lookup_key")),
        BrokenCatalog(
            "$.prices[3].meter_lookup_key: \"bus_llm_token\" is no meter's lookup_key; did you mean \"bus_llm_tokens\"?",
            .set("prices.3", metered), .set("prices.3.meter_lookup_key", "bus_llm_token")),
        BrokenCatalog(
            "$.prices[3].unit_amount_decimal: is given beside unit_amount; keep one of the two",
            .set("prices.3", metered), .set("prices.3.unit_amount", 1)),
        BrokenCatalog(
            "$.prices[3].unit_amount: is missing; write the price in minor units, or unit_amount_decimal such as \"0.02\"",
            .set("prices.3", metered), .remove("prices.3.unit_amount_decimal")),
    ]

    @Test(
        "a decimal price has at most twelve digits and twelve decimals",
        arguments: ["-1", "1.", ".5", "1e2", "0,02", "0.0000000000001", "1234567890123", "1.2.3"])
    func decimals(text: String) throws {
        let line =
            "$.prices[3].unit_amount_decimal: \"\(text)\" is no price; "
            + "write a number of at most 12 decimals such as \"0.02\""
        try check(
            BrokenCatalog(
                line, .set("prices.3", CatalogRuleTests.metered), .set("prices.3.unit_amount_decimal", .string(text))))
    }

    @Test(
        "a payment covers three years at most",
        arguments: [("day", 1095), ("week", 156), ("month", 36), ("year", 3)] as [(String, Int64)])
    func intervalCounts(interval: String, most: Int64) throws {
        let body = try CatalogFixtures.template().edited(
            .set("prices.3", CatalogRuleTests.metered), .set("prices.3.interval", .string(interval)))
        #expect(CatalogFixtures.problems(body.edited(.set("prices.3.interval_count", .integer(most)))) == [])
        #expect(CatalogFixtures.problems(body.edited(.set("prices.3.interval_count", .integer(most + 1)))).count == 1)
    }

    @Test("inside a meter", arguments: meters)
    func meter(broken: BrokenCatalog) throws { try check(broken) }

    static let meters = [
        BrokenCatalog(
            "$.meters[2].name: is missing; name the meter, such as \"bus_llm_tokens\"",
            .set("meters.2", ["unit": "x", "lookup_key": "x"])),
        BrokenCatalog(
            "$.meters[0].unit: is missing; write what is counted, such as \"tokens\"", .remove("meters.0.unit")),
        BrokenCatalog(
            "$.meters[2].event_name: \"bus_llm_tokens\" already names $.meters[0]; give each meter its own",
            .set("meters.2", ["name": "x", "event_name": "bus_llm_tokens", "unit": "x"])),
        BrokenCatalog(
            "$.meters[0].display_name: has 251 characters; shorten it to at most 250",
            .set("meters.0.display_name", .string(String(repeating: "x", count: 251)))),
        BrokenCatalog(
            "$.meters[0].customer_mapping_type: \"by_key\" is unknown; use by_id",
            .set("meters.0.customer_mapping_type", "by_key")),
    ]

    @Test("inside a plan and between plans", arguments: plans)
    func plan(broken: BrokenCatalog) throws { try check(broken) }

    static let plans = [
        BrokenCatalog("$.plans[2].id: is missing; name the plan, such as \"llm-basic\"", .remove("plans.2.id")),
        BrokenCatalog(
            "$.plans[3].id: \"llm-pro\" already names $.plans[1]; give each plan its own",
            .set("plans.3", ["id": "llm-pro", "product_id": "llm", "features": []])),
        BrokenCatalog(
            "$.plans[0].product_id: is missing; write the id of the product that is sold", .remove("plans.0.product_id")
        ),
        BrokenCatalog(
            "$.plans[0].product_id: \"vm\" is no product's id; add that product or correct the name",
            .set("plans.0.product_id", "vm")),
        BrokenCatalog(
            "$.plans[0].features: is missing; list what the plan sells, such as [\"llm:proxy\"]",
            .remove("plans.0.features")),
        BrokenCatalog("$.plans[0].default: is a text; write true or false", .set("plans.0.default", "yes")),
        BrokenCatalog(
            "$.plans[1].default: makes a second default for \"llm:proxy\" beside $.plans[0]; keep one",
            .set("plans.0.default", true), .set("plans.1.default", true), .set("plans.2.default", true)),
        BrokenCatalog(
            "$.plans[0].prices[0].unit_amount: is 900 here and 1000 in $.prices[0] under the same lookup_key; "
                + "make them equal", .set("plans.0.prices.0.unit_amount", 900)),
        BrokenCatalog(
            "$.plans[0].prices[0].currency: is usd here and eur in $.prices[0] under the same lookup_key; make them equal",
            .set("plans.0.prices.0.currency", "USD")),
        BrokenCatalog(
            "$.plans[0].prices[0].interval: is absent here and month in $.prices[0] under the same lookup_key; "
                + "make them equal", .remove("plans.0.prices.0.interval")),
        BrokenCatalog(
            "$.plans[0].prices[1]: has the lookup_key \"llm-basic-eur-once\" of $.plans[0].prices[0]; "
                + "give each price its own",
            .set("plans.0.prices.0", ["currency": "eur", "unit_amount": 1]),
            .set("plans.0.prices.1", ["currency": "EUR", "unit_amount": 2])),
        BrokenCatalog(
            "$.plans[0].prices[0].lookup_key: belongs to the plan \"llm-pro\" in $.prices[0]; give each plan its own price",
            .set("prices.0.plan_id", "llm-pro")),
    ]

    @Test("inside a quota and between quotas", arguments: quotas)
    func quota(broken: BrokenCatalog) throws { try check(broken) }

    static let quotas = [
        BrokenCatalog(
            "$.plans[0].quotas[0].meter_event_name: \"bus_llm_tokns\" is no meter's event_name; "
                + "did you mean \"bus_llm_tokens\"?", .set("plans.0.quotas.0.meter_event_name", "bus_llm_tokns")),
        BrokenCatalog(
            "$.plans[0].quotas[0].meter_event_name: \"key\" is another name of $.meters[2]; write its event_name \"event\"",
            .set("meters.2", ["name": "name", "event_name": "event", "lookup_key": "key", "unit": "x"]),
            .set("plans.0.quotas.0.meter_event_name", "key"), .set("plans.0.quotas.1.meter_event_name", "event")),
        BrokenCatalog(
            "$.prices[3].meter_lookup_key: \"event\" is another name of $.meters[2]; write its lookup_key \"key\"",
            .set("meters.2", ["name": "name", "event_name": "event", "lookup_key": "key", "unit": "x"]),
            .set("prices.3", metered), .set("prices.3.meter_lookup_key", "event")),
        BrokenCatalog(
            "$.plans[0].quotas[0].feature: \"llm:prxy\" is not sold by this plan; did you mean \"llm:proxy\"?",
            .set("plans.0.quotas.0.feature", "llm:prxy")),
        BrokenCatalog(
            "$.plans[0].quotas[0].window: \"year\" is unknown; use minute, hour, day, week, month, period, total",
            .set("plans.0.quotas.0.window", "year")),
        BrokenCatalog(
            "$.plans[0].quotas[0].limit: is missing; write how many units the window allows",
            .remove("plans.0.quotas.0.limit")),
        BrokenCatalog(
            "$.plans[0].quotas[1]: has the feature, meter and window of $.plans[0].quotas[0]; keep one of the two",
            .set("plans.0.quotas.1.window", "MINUTELY")),
        BrokenCatalog(
            "$.plans[0].quotas[0].upgrade_plan_id: \"llm-por\" is no plan's id; did you mean \"llm-pro\"?",
            .set("plans.0.quotas.0.upgrade_plan_id", "llm-por")),
        BrokenCatalog(
            "$.plans[0].quotas[0].upgrade_plan_id: is the plan itself; name a plan that allows more, or remove it",
            .set("plans.0.quotas.0.upgrade_plan_id", "llm-basic")),
    ]

    @Test("an array has a thousand entries at most")
    func entries() throws {
        let plan: JSONValue = ["id": "x", "product_id": "llm", "features": []]
        try check(
            BrokenCatalog(
                "$.plans[0].features: has 1001 entries; at most 1000 are allowed",
                .set("plans.0.features", .array(Array(repeating: "a", count: 1_001)))))
        try check(
            BrokenCatalog(
                "$.plans: has 1001 entries; at most 1000 are allowed",
                .set("plans", .array(Array(repeating: plan, count: 1_001)))))
    }

    @Test("sync needs prices, of the document or of its plans")
    func syncNeedsPrices() throws {
        let body = try CatalogFixtures.template().edited(.remove("prices"))
        #expect(CatalogFixtures.problems(body, .refuse, .sync) == [])
        let bare = body.edited(.remove("plans"))
        #expect(
            CatalogFixtures.problems(bare, .refuse, .sync)
                == ["catalog: $.prices: is missing; write an array of prices, or prices inside of plans"])
    }
}
