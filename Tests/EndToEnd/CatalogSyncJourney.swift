import BillingCore
import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// `bus operator stripe` before a Stripe that fails, in processes that are killed.
@Suite(.timeLimit(.minutes(10))) struct CatalogSyncJourney {
    static let sync = "operator stripe catalog sync --file catalog.json"

    /// Somebody with the template as `catalog.json`.
    static func operatorWithTemplate(
        _ stripe: LoopbackStripe, key: String = CommandWorld.stripeKey
    ) throws -> CommandWorld {
        let world = try CommandWorld(before: stripe, key: key)
        _ = try world.folder.write(CatalogTemplate.text, to: "catalog.json")
        return world
    }

    @Test func keyIsTested() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try CommandWorld(before: stripe)
            let tested = try await world.bus("operator stripe test")
            #expect(tested.exit == .code(0))
            #expect(tested.standardOutput == #"{"ok":true,"livemode":false,"mode":"test"}"# + "\n")
            try expectGolden(tested.standardOutput, "stripe-test.json")
            let text = try await world.bus("operator stripe test --format text")
            #expect(text.standardOutput == "the Stripe key works, in test mode\n")
            _ = try world.folder.write(" sk_test_from_a_file\n", to: "key")
            let file = try await world.bus(
                "operator stripe test --api-key-file key --stripe-api-version 2026-07-29.dahlia")
            #expect(file.exit == .code(0))
            let last = try #require(stripe.requests.last)
            #expect(last.path == "/v1/balance" && last.headers["authorization"] == "Bearer sk_test_from_a_file")
            #expect(last.headers["stripe-version"] == "2026-07-29.dahlia")
            #expect(stripe.requests.allSatisfy { $0.method == "GET" })

            stripe.isLive = true
            let refused = try await world.bus("operator stripe test")
            #expect(refused.exit == .code(1) && refused.standardError.contains("check BUS_STRIPE_SECRET_KEY"))
            stripe.isLive = false
            stripe.faultsAt[stripe.requests.count] = .status(403)
            let restricted = try await world.bus("operator stripe test")
            #expect(restricted.exit == .code(1) && restricted.standardError.contains("may not read the balance"))
        }
    }

    @Test func firstSyncMakesEverythingAndTheSecondNothing() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            let dry = try await world.bus("\(Self.sync) --dry-run")
            #expect(dry.exit == .code(0) && stripe.writes == 0)
            #expect(dry.standardError.contains("INFO test mode, account acct_sandbox: 7 writes"))
            #expect(
                dry.standardError.contains("nothing was written; to apply it, run the same command without --dry-run"))
            try expectGolden(dry.standardOutput, "catalog-sync-dry-run.json")
            try expectGolden(
                try await world.bus("\(Self.sync) --dry-run -f text").standardOutput, "catalog-sync-plan.txt")

            let first = try await world.bus(Self.sync)
            #expect(first.exit == .code(0) && stripe.writes == 7, "\(first.standardError)")
            #expect(first.standardError.contains("next: bus operator billing catalog put --file catalog.json"))
            #expect(!first.standardError.contains("\r") && !first.standardError.contains("#"), "no bar in a pipe")
            try expectGolden(first.standardOutput, "catalog-sync-first.json")
            let second = try await world.bus("\(Self.sync) --format json")
            #expect(second.exit == .code(0) && stripe.writes == 7)
            try expectGolden(second.standardOutput, "catalog-sync-second.json")
            // What was planned is what was done.
            let plan = try JSONValue(parsing: Array(dry.standardOutput.utf8))["plan"]
            #expect(try JSONValue(parsing: Array(first.standardOutput.utf8))["plan"] == plan)
        }
    }

    @Test func changedPriceIsReplacedInTheSafeOrder() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            #expect(try await world.bus(Self.sync).exit == .code(0))
            let old = try #require(try await stripe.price(holding: "bus_llm_pro_eur_month"))
            try await stripe.sellByDefault(old)
            _ = try world.folder.write(CatalogTemplate.text.replacing("4900", with: "5900"), to: "catalog.json")
            let before = stripe.requests.count
            let result = try await world.bus("\(Self.sync) --format text")
            #expect(result.exit == .code(0), "\(result.standardError)")
            try expectGolden(withoutPlan(result.standardOutput), "catalog-sync-replaced.txt")
            let writes = stripe.requests.dropFirst(before).filter { $0.method == "POST" }
            let new = try #require(try await stripe.price(holding: "bus_llm_pro_eur_month"))
            #expect(new != old && writes.count == 3)
            #expect(writes[0].path == "/v1/prices" && writes[0].body.contains("transfer_lookup_key=true"))
            #expect(writes[1].path.hasPrefix("/v1/products/") && writes[1].body == "default_price=\(new)")
            #expect(writes[2].path == "/v1/prices/\(old)" && writes[2].body == "active=false")
        }
    }

    /// What a person did to Stripe meanwhile.
    @Test func handsOnStripeAreMended() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            #expect(try await world.bus(Self.sync).exit == .code(0))
            let sold = try await stripe.sold()
            let price = try #require(try await stripe.price(holding: "bus_llm_pro_eur_month"))
            let meter = try await stripe.list("/v1/billing/meters")[0]["id"]?.text ?? ""
            let product = try await stripe.list("/v1/products")[0]["id"]?.text ?? ""
            try await stripe.post("/v1/prices/\(price)", "active=false")
            try await stripe.post("/v1/billing/meters/\(meter)/deactivate")
            try await stripe.post("/v1/products/\(product)", "name=Edited&metadata[theirs]=kept")
            let result = try await world.bus(Self.sync)
            #expect(result.exit == .code(0), "\(result.standardError)")
            for action in ["reactivated meter", "updated product", "reactivated price"] {
                #expect(result.standardError.contains(action), "\(result.standardError)")
            }
            #expect(try await stripe.sold() == sold)
            let edited = try await stripe.get("/v1/products/\(product)")
            #expect(edited["name"]?.text == "LLM access" && edited["metadata"]?["theirs"]?.text == "kept")
        }
    }

    @Test func pruneArchivesOnlyWhatIsOurs() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            #expect(try await world.bus(Self.sync).exit == .code(0))
            try await stripe.post("/v1/products", "name=Theirs")
            _ = try world.folder.write(
                #"{"products":[{"lookup_key":"bus_llm","name":"LLM access"}],"prices":[{"lookup_key":"#
                    + #""bus_llm_pro_eur_month","product_lookup_key":"bus_llm","currency":"eur","unit_amount":4900,"#
                    + #""interval":"month"}]}"#, to: "catalog.json")
            let kept = try await world.bus(Self.sync)
            #expect(kept.exit == .code(0) && kept.standardError.contains("archive it with --prune"))
            #expect(try await stripe.sold().count == 3)
            let pruned = try await world.bus("\(Self.sync) --prune")
            #expect(pruned.exit == .code(0), "\(pruned.standardError)")
            #expect(try await stripe.sold() == ["bus_llm_pro_eur_month 4900"])
            let active = try await stripe.list("/v1/products", "active=true")
            #expect(active.compactMap { $0["name"]?.text } == ["LLM access", "Theirs"])
        }
    }

    /// Twice as many prices as one answer holds, and no more requests than pages.
    @Test func longListsAreReadToTheirEnd() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            let theirs = try await stripe.post("/v1/products", "name=Theirs")["id"]?.text ?? ""
            for index in 0..<250 {
                try await stripe.post(
                    "/v1/prices", "product=\(theirs)&currency=eur&unit_amount=1&lookup_key=theirs_\(index)")
            }
            // The oldest of all holds a key that the file wants, and is archived.
            let oldest = try #require(try await stripe.price(holding: "theirs_0"))
            try await stripe.post("/v1/prices/\(oldest)", "lookup_key=bus_llm_pro_eur_month&active=false")
            let before = stripe.requests.count
            let started = ContinuousClock.now
            let result = try await world.bus(Self.sync)
            #expect(result.exit == .code(0), "\(result.standardError)")
            // A lower bound: a slow machine only takes longer.
            let pauses = stripe.requests.count - before - 1
            #expect(ContinuousClock.now - started >= .milliseconds(50) * pauses, "20 requests a second")
            #expect(stripe.requests.count { $0.path == "/v1/prices" && $0.method == "GET" } == 3)
            #expect(try await stripe.price(holding: "bus_llm_pro_eur_month") != oldest)
            #expect(try await stripe.price(holding: "theirs_249") != nil)
        }
    }

    /// A plan that nobody can have seen is not carried out, and nobody is told that it was.
    @Test func planWithoutAReaderIsNotCarriedOut() async throws {
        let unread = """
            import os, subprocess, sys
            end, start = os.pipe()
            os.close(end)
            sys.exit(subprocess.run(sys.argv[1:], stdout=start).returncode)
            """
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            let words = "\(Self.sync) --format text".split(separator: " ").map { String($0) }
            let result = try await BusProcess.finish(
                "/usr/bin/python3", ["-c", unread, Products.path(of: "bus")] + words, environment: world.environment,
                in: world.folder)
            #expect(result.exit == .code(1) && stripe.writes == 0)
            #expect(
                result.standardError == "ERROR the reader of the results has gone; run it again and read all of them\n")
        }
    }

    // MARK: The third party's judgement

    /// Every form that left the process is known to Stripe's own package, parameter by parameter.
    @Test func officialPackageKnowsEveryFormSent() async throws {
        try await LoopbackStripe.run { stripe in
            let world = try Self.operatorWithTemplate(stripe)
            #expect(try await world.bus("operator stripe test").exit == .code(0))
            #expect(try await world.bus(Self.sync).exit == .code(0))
            let meters = try await stripe.list("/v1/billing/meters").compactMap { $0["id"]?.text }
            try await stripe.post("/v1/billing/meters/\(meters[0])/deactivate")
            try await stripe.post("/v1/billing/meters/\(meters[1])", "display_name=X")
            let price = try #require(try await stripe.price(holding: "bus_llm_pro_eur_month"))
            let traits = "tax_behavior=inclusive&nickname=Pro&metadata[a]=b&currency_options[jpy][unit_amount]=7"
            try await stripe.post("/v1/prices/\(price)", traits)
            _ = try world.folder.write(
                CatalogTemplate.text.replacing("4900", with: "5900").replacing("LLM access", with: "LLM"),
                to: "catalog.json")
            #expect(try await world.bus(Self.sync).exit == .code(0))
            var lines: [String] = []
            for request in stripe.requests where !["/v1/account", "/v1/balance"].contains(request.path) {
                let name = try #require(Self.call(request), "\(request.method) \(request.path)")
                lines.append(
                    #"{"call":"\#(name)","form":"\#(request.method == "GET" ? request.query : request.body)"}"#)
            }
            #expect(Set(lines).count > 15 && lines.contains { $0.contains("currency_options[jpy][unit_amount]=7") })
            let answers = try await Judge.run("check_forms", lines: lines)
            #expect(answers.count == lines.count)
            for (line, answer) in zip(lines, answers) { #expect(answer == #"{"faults": []}"#, "\(line)") }
        }
    }

    /// The judge's name of a call.
    private static func call(_ request: LoopbackStripe.Request) -> String? {
        let parts = request.path.split(separator: "/").dropFirst().map { String($0) }
        let isGet = request.method == "GET"
        switch parts.first {
        case "products": return isGet ? "product_list" : parts.count == 1 ? "product_create" : "product_update"
        case "prices": return isGet ? "prices" : parts.count == 1 ? "price_create" : "price_update"
        case "billing_portal": return "portal_list"
        case "billing" where parts.dropFirst().first == "meters":
            if isGet { return "meter_list" }
            return parts.count == 2 ? "meter_create" : parts.count == 3 ? "meter_update" : "meter_reactivate"
        default: return nil
        }
    }
}

extension LoopbackStripe {
    /// Writes that arrived.
    var writes: Int { requests.count { $0.method == "POST" } }

    /// The id of the price that holds a lookup key.
    func price(holding key: String) async throws -> String? {
        try await list("/v1/prices", "lookup_keys[]=\(key)").first?["id"]?.text
    }

    /// Key and amount of every active price: a price without a key that can still be bought is an orphan.
    func sold() async throws -> [String] {
        try await list("/v1/prices", "active=true")
            .map { "\($0["lookup_key"]?.text ?? "orphan") \($0["unit_amount_decimal"]?.text ?? "-")" }.sorted()
    }

    /// Makes a price the default one of its product.
    func sellByDefault(_ price: String) async throws {
        let product = try await get("/v1/prices/\(price)")["product"]?.text ?? ""
        try await post("/v1/products/\(product)", "default_price=\(price)")
    }
}
