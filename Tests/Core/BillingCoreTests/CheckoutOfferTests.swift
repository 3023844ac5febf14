import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

@Suite("Checkout offers")
struct CheckoutOfferTests {
    private typealias Fixtures = AccessFixtures

    private static func request(_ members: JSONValue) throws -> CheckoutSessionRequest {
        guard case .object(var fields) = members else { throw FieldFault.invalid("not an object") }
        fields["account_id"] = .string(Fixtures.account)
        return try CheckoutSessionRequest(JSONText(.object(fields)))
    }

    private static func offer(_ members: JSONValue, _ edits: CatalogEdit...) throws -> CheckoutOffer {
        let catalog = try Catalog(CatalogFixtures.template().edited(edits), unknownMembers: .refuse)
        return try CheckoutOffer(request(members), catalog: catalog, provider: "stripe")
    }

    private static func refusal(_ members: JSONValue, _ edits: CatalogEdit...) throws -> String {
        let catalog = try Catalog(CatalogFixtures.template().edited(edits), unknownMembers: .refuse)
        let request = try request(members)
        do throws(FieldFault) {
            _ = try CheckoutOffer(request, catalog: catalog, provider: "stripe")
            return "sold"
        } catch {
            #expect(error.code == .invalidRequest)
            return error.message
        }
    }

    @Test("the default plan goes before the first that sells what is wanted, and all of it is sold by its plan")
    func choice() throws {
        #expect(try Self.offer([:]).planID == "llm-basic")
        #expect(try Self.offer([:], .set("plans.1.default", true)).planID == "llm-pro")
        let container = try Self.offer(["features": ["container:run", "container:read"]])
        #expect(container.planID == "container-basic")
        #expect(container.features == ["container:read", "container:run", "container:delete"])
        #expect(container.priceLookupKeys == ["bus_container_basic_eur_month"])
        #expect(try Self.offer(["plan_id": "llm-pro"]).priceLookupKeys == ["bus_llm_pro_eur_month"])
    }

    @Test("a plan and a rhythm can be named, and the price of that rhythm is sold")
    func rhythm() throws {
        let yearly: JSONValue = [
            "lookup_key": "pro_year", "currency": "eur", "unit_amount": 49_000, "interval": "year",
        ]
        let offer = try Self.offer(
            ["plan_id": "llm-pro", "interval": "year"], .set("plans.1.prices.1", yearly))
        #expect(offer.priceLookupKeys == ["pro_year"])
        let monthly = try Self.offer(["plan_id": "llm-pro", "interval": "month"], .set("plans.1.prices.1", yearly))
        #expect(monthly.priceLookupKeys == ["bus_llm_pro_eur_month"])
        #expect(
            try Self.refusal(["plan_id": "llm-pro", "interval": "day"], .set("plans.1.prices.1", yearly))
                == "interval day has no price in the plan llm-pro; it has month, year")
    }

    @Test("what a plan does not sell cannot be bought with it")
    func notSold() throws {
        #expect(
            try Self.refusal(["feature": "container:run", "plan_id": "llm-basic"])
                == "feature container:run is not sold by the plan llm-basic; it is sold by container-basic")
        #expect(
            try Self.refusal(["feature": "vm:run"])
                == "feature vm:run is not sold by any plan; "
                + "for sale are llm:proxy, container:read, container:run, container:delete")
        #expect(try Self.refusal(["feature": "vm:run", "plan_id": "llm-pro"]).contains("for sale are llm:proxy"))
        #expect(
            try Self.refusal(["features": ["llm:proxy", "container:run"]])
                == "feature names what no plan sells together; buy one after the other: llm:proxy, container:run")
        #expect(
            try Self.refusal(["plan_id": "llm-Pro"])
                == "plan_id names no plan of the catalog; it has llm-basic, llm-pro, container-basic")
    }

    @Test("a plan without a price cannot be bought, and another one that sells the feature is taken")
    func noPrice() throws {
        let free: [CatalogEdit] = [.remove("prices.0"), .remove("plans.0.prices")]
        let catalog = try Catalog(CatalogFixtures.template().edited(free), unknownMembers: .refuse)
        func offer(_ members: JSONValue) throws -> CheckoutOffer {
            try CheckoutOffer(Self.request(members), catalog: catalog, provider: "stripe")
        }
        #expect(try offer([:]).planID == "llm-pro")
        #expect(
            throws: FieldFault.invalid("plan_id names a plan without a price; add a price to llm-basic in the catalog")
        ) {
            try offer(["plan_id": "llm-basic"])
        }
    }

    @Test("without a catalog the request is taken as it is")
    func noCatalog() throws {
        let request = try Self.request(["features": ["a:b", "c:d"], "plan_id": "mine"])
        let offer = try CheckoutOffer(request, catalog: .empty, provider: "stripe")
        #expect(offer.planID == "mine" && offer.features == ["a:b", "c:d"] && offer.priceLookupKeys.isEmpty)
        #expect(throws: FieldFault.self) {
            try CheckoutOffer(Self.request(["interval": "year"]), catalog: .empty, provider: "stripe")
        }
    }

    @Test(
        "who has a plan that sells it already is sent to the portal, unless a second one is meant",
        arguments: [SubscriptionStatus.active, .pastDue])
    func alreadySubscribed(_ status: SubscriptionStatus) throws {
        let tariff = Tariff(try Fixtures.catalog())
        let access = Fixtures.access(
            [Fixtures.subscription("subscription:sub_1", status, prices: ["bus_llm_basic_eur_month"])], tariff)
        for members in [[:], ["plan_id": "llm-pro"], ["feature": "llm:proxy"]] as [JSONValue] {
            let offer = try CheckoutOffer(Self.request(members), catalog: tariff.catalog, provider: "stripe")
            let error = try #require(throws: BusError.self) { try offer.check(against: access) }
            #expect(error.code == .alreadySubscribed && error.command == "bus billing portal")
            #expect(error.message.hasPrefix("the account has llm-basic (\(status.rawValue)), which sells llm:proxy"))
        }
        let meant = try Self.request(["additional": true])
        try CheckoutOffer(meant, catalog: tariff.catalog, provider: "stripe").check(against: access)
        let other = try Self.request(["feature": "container:run"])
        try CheckoutOffer(other, catalog: tariff.catalog, provider: "stripe").check(against: access)
    }

    @Test("what has ended, or never began, can be bought again", arguments: [SubscriptionStatus.canceled, .incomplete])
    func again(_ status: SubscriptionStatus) throws {
        let tariff = Tariff(try Fixtures.catalog())
        let access = Fixtures.access([Fixtures.subscription("subscription:sub_1", status, plan: "llm-basic")], tariff)
        try CheckoutOffer(Self.request([:]), catalog: tariff.catalog, provider: "stripe").check(against: access)
    }

    /// Nothing that a person asks for leads to a feature or a quota beyond what its price sells.
    @Test("no request buys more than its prices sell")
    func noGift() async throws {
        let seed = PropertySettings.seed
        print("checkout requests, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(3_000, proof: 100_000) {
            let catalog = try RandomCatalog.make(&random)
            let request = try RandomCatalog.request(&random)
            guard let offer = try? CheckoutOffer(request, catalog: catalog, provider: "stripe") else { continue }
            var bought = Fixtures.subscription(
                plan: offer.planID, features: offer.features, prices: offer.priceLookupKeys)
            let sold = offer.priceLookupKeys.compactMap(catalog.plan(ofPrice:))
            let plan = try #require(sold.first)
            try #require(!offer.priceLookupKeys.isEmpty && sold.allSatisfy { $0.id == plan.id })
            let tariff = Tariff(catalog)
            // Before the word of the prices comes, the metadata alone grants the same.
            for prices in [bought.prices, []] {
                bought.prices = prices
                let access = Fixtures.access([bought], tariff)
                try #require(Set(access.features) == Set(plan.features), "\(request)")
                for grant in access.grants {
                    try #require(grant.quotas == plan.quotas && grant.planID == plan.id, "\(request)")
                }
            }
        }
    }
}
