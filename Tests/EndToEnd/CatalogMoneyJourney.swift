import BillingCore
import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// What a file says about money, through the commands: refused before anybody is asked, shown as people write it.
@Suite(.timeLimit(.minutes(5))) struct CatalogMoneyJourney {
    private static let sync = "operator stripe catalog sync --file catalog.json"
    private static let put = "operator billing catalog put --file catalog.json"
    /// Nobody listens there: what fails without asking fails with another message.
    private static let nowhere = ["BUS_API_BASE_URL": "http://127.0.0.1:1", "BUS_API_TOKEN": "x"]

    private static func write(_ text: String, in world: CommandWorld) throws {
        _ = try world.folder.write(text, to: "catalog.json")
    }

    @Test(
        "an amount that would mean other money is refused by both commands before the first call",
        arguments: [
            ("4900", "49.00", "has a point, and minor units have none; write 4900 for 49.00 EUR"),
            ("\"eur\"", "\"isk\"", "write 4900 for 49 ISK"), ("\"eur\"", "\"xyz\"", "is no currency that Stripe takes"),
        ])
    func refused(old: String, new: String, says: String) async throws {
        try await LoopbackStripe.run { stripe in
            let world = try CommandWorld(before: stripe)
            // 4950 is no amount of whole ISK.
            let text = CatalogTemplate.text.replacing(old, with: new)
            try Self.write(new == "\"isk\"" ? text.replacing("4900", with: "4950") : text, in: world)
            for command in ["\(Self.sync) --dry-run", Self.sync, Self.put] {
                let result = try await world.bus(command, with: Self.nowhere)
                #expect(result.exit == .code(1) && result.standardOutput.isEmpty, "\(command)")
                #expect(result.standardError.contains("ERROR catalog: $.prices[1]."), "\(result.standardError)")
                #expect(result.standardError.contains(says), "\(result.standardError)")
                #expect(!result.standardError.contains("was not reached"))
            }
            #expect(stripe.requests.isEmpty)
        }
    }

    @Test("a byte order mark is skipped, and UTF-16 is named, by both commands and by the API")
    func encodings() async throws {
        try await LoopbackStripe.run { stripe in
            try await CommandWorld.withLocal { local in
                var world = local
                world.environment["BUS_STRIPE_SECRET_KEY"] = CommandWorld.stripeKey
                world.environment["BUS_STRIPE_API_URL"] = stripe.url
                try Self.write("\u{FEFF}" + CatalogTemplate.text, in: world)
                #expect(try await world.bus(Self.sync).exit == .code(0))
                let stored = try await world.bus(Self.put)
                #expect(stored.exit == .code(0), "\(stored.standardError)")
                #expect(stored.standardOutput.hasPrefix("{\"meters\":"))
                let before = stripe.requests.count
                try Self.write(CatalogTemplate.text.map { "\($0)\0" }.joined(), in: world)
                for command in [Self.sync, Self.put] {
                    let result = try await world.bus(command)
                    #expect(result.exit == .code(1))
                    #expect(result.standardError == "ERROR catalog: $: is UTF-16 text; save it as UTF-8\n")
                }
                #expect(stripe.requests.count == before)
            }
        }
    }

    @Test("a free plan is synced and put")
    func free() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try CommandWorld(before: stripe)
            try Self.write(CatalogTemplate.text.replacing("1500", with: "0"), in: world)
            let plan = try await world.bus("\(Self.sync) --dry-run --format text")
            #expect(
                plan.standardOutput.contains(
                    "created price bus_container_basic_eur_month: 0.00 EUR / month, product bus_container\n"))
            #expect(try await world.bus(Self.sync).exit == .code(0))
            #expect(try await stripe.sold().contains("bus_container_basic_eur_month 0"))
        }
        try await CommandWorld.withLocal { world in
            try Self.write(CatalogTemplate.text.replacing("1500", with: "0"), in: world)
            let put = try await world.bus(Self.put)
            #expect(put.exit == .code(0) && put.standardOutput.contains(#""unit_amount":0"#), "\(put.standardError)")
        }
    }

    private static let portals = "/v1/billing_portal/configurations"

    /// The form of a portal in which customers may change to a price.
    private static func offer(of price: String, in stripe: LoopbackStripe) async throws -> String {
        let product = try await stripe.get("/v1/prices/\(price)")["product"]?.text ?? ""
        let update = "features[subscription_update]"
        return "\(update)[enabled]=true&\(update)[default_allowed_updates][0]=price"
            + "&\(update)[products][0][product]=\(product)&\(update)[products][0][prices][0]=\(price)"
    }

    /// Somebody who synced the template, set everything on a price by hand, and now wants another amount.
    private static func changed(_ stripe: LoopbackStripe) async throws -> (world: CommandWorld, old: String) {
        let world = try CommandWorld(before: stripe)
        try write(CatalogTemplate.text, in: world)
        try #require(try await world.bus(sync).exit == .code(0))
        let old = try #require(try await stripe.price(holding: "bus_llm_pro_eur_month"))
        let other = try #require(try await stripe.price(holding: "bus_llm_basic_eur_month"))
        try await stripe.post(
            "/v1/prices/\(old)",
            "tax_behavior=exclusive&nickname=Pro&currency_options[usd][unit_amount]=5500&metadata[team]=a")
        let archived = try await stripe.post(portals, try await offer(of: old, in: stripe))["id"]?.text ?? ""
        try await stripe.post("\(portals)/\(archived)", "active=false")
        try await stripe.post(portals, try await offer(of: other, in: stripe))
        let ordinary = try await stripe.list(portals, "is_default=true").first?["id"]?.text ?? ""
        try await stripe.post("\(portals)/\(ordinary)", try await offer(of: old, in: stripe))
        try write(CatalogTemplate.text.replacing("4900", with: "5900"), in: world)
        return (world, old)
    }

    @Test("a replaced price keeps what was set by hand, and the portal that still offers the old one is named")
    func takenOver() async throws {
        try await LoopbackStripe.run { stripe in
            let (world, old) = try await Self.changed(stripe)
            let portals = try await stripe.list(Self.portals)
            #expect(portals.map { $0["active"] } == [true, false, true])
            let ordinary = try #require(portals.first { $0["is_default"] == true }?["id"]?.text)
            let dry = try await world.bus("\(Self.sync) --dry-run")
            #expect(
                dry.standardError.contains(
                    "WARN the Customer Portal (\(ordinary), the default) still offers price bus_llm_pro_eur_month (\(old))"
                ), "\(dry.standardError)")
            #expect(dry.standardError.matches(of: /bpc_/).count == 1, "not the archived one, and not the other one")
            let result = try await world.bus("\(Self.sync) --format text")
            #expect(result.exit == .code(0), "\(result.standardError)")
            try expectGolden(withoutPlan(result.standardOutput), "catalog-sync-taken-over.txt")
            let new = try await stripe.list("/v1/prices", "expand[]=data.currency_options").last
            #expect(new?["lookup_key"] == "bus_llm_pro_eur_month" && new?["tax_behavior"] == "exclusive")
            #expect(new?["nickname"] == "Pro" && new?["metadata"]?["team"] == "a")
            #expect(new?["currency_options"]?["usd"]?["unit_amount"] == 5500)
            // Nothing is archived now, so no configuration is read.
            let before = stripe.requests.count
            let second = try await world.bus(Self.sync)
            #expect(second.exit == .code(0) && !second.standardError.contains("WARN"), "\(second.standardError)")
            #expect(!stripe.requests.dropFirst(before).contains { $0.path == Self.portals })
        }
    }

    @Test(
        "portal configurations that cannot be read are a warning and never stop a sync",
        arguments: [[.status(403)], [.status(500), .status(500), .status(500)]] as [[LoopbackStripe.Fault]])
    func portalUnread(faults: [LoopbackStripe.Fault]) async throws {
        try await LoopbackStripe.run { stripe in
            let (world, _) = try await Self.changed(stripe)
            for (offset, fault) in faults.enumerated() {
                stripe.faultsAt[stripe.requests.count + CatalogSyncFaults.lists + offset] = fault
            }
            let result = try await world.bus("\(Self.sync) --format text")
            #expect(result.exit == .code(0), "\(result.standardError)")
            #expect(
                result.standardOutput.contains(
                    "\nWARN whether the Customer Portal still offers an archived price is not known: "))
            #expect(try await stripe.sold().contains("bus_llm_pro_eur_month 5900"))
        }
    }
}
