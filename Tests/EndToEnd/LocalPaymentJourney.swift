import BusCore
import TestSupport
import Testing

/// What somebody does in the first five minutes: buy on the laptop, wait a month, come back the next day.
@Suite(.timeLimit(.minutes(5))) struct LocalPaymentJourney {
    @Test func aPaymentIsMadeRenewedAndKept() async throws {
        let folder = try TemporaryFolder()
        let before = try await Laptop.run(in: folder) { laptop in
            let url = try await laptop.bus("billing setup --feature llm:proxy").standardOutput
            #expect(url.contains("/local/stripe/checkout/cs_local_"))
            #expect(
                try await laptop.bus("billing setup --feature llm:proxy").standardOutput == url, "same input, same URL")
            #expect(try await laptop.status()["status"] == "missing")

            let page = try await laptop.follow(url)
            #expect(page.hasPrefix("/local/stripe/checkout/cs_test_"))
            #expect(try await laptop.client.get(page).text.contains("LLM access"))
            #expect(try await laptop.form(page, "action=pay", from: "http://shop.example").status == 403)
            let paid = try await laptop.form(page, "action=pay")
            #expect(paid.status == 303 && paid.header("location") == "\(laptop.client.base)/", "\(paid.text)")
            try await laptop.becomes("active")
            #expect(try await laptop.form(page, "action=pay").status >= 400, "nothing is charged twice")

            let end = try await laptop.status()["current_period_end"]?.text
            let moved = try await laptop.client.post("/sandbox/clock", Array(#"{"advance":"31d"}"#.utf8))
            #expect(moved.status == 200)
            try await eventually("the subscription renews") {
                try await laptop.status()["current_period_end"]?.text == end ? nil : true
            }
            // Reads in the page's words what Stripe knows.
            let portal = try await laptop.follow(try await laptop.bus("billing portal").standardOutput)
            #expect(portal.hasPrefix("/local/stripe/portal/bps_"))
            return try await laptop.subscriptions()
        }
        try await Laptop.run(in: folder) { laptop in
            #expect(try await laptop.status()["status"] == "active")
            #expect(try await laptop.subscriptions() == before, "the offline Stripe is the one of yesterday")
            let now = unixNow()
            let clock = try await laptop.client.get("/sandbox/clock").json
            #expect((clock?["unix"]?.integer ?? 0) >= now + 31 * 86_400, "its clock too")
            let page = try await laptop.follow(try await laptop.bus("billing portal").standardOutput)
            let id = try #require(before.firstMatch(of: #/sub_\w+/#)?.output)
            #expect(try await laptop.form(page, "action=cancel-now&subscription=\(id)").status < 400)
            try await laptop.becomes("canceled")
        }
    }

    /// The power goes between the payment and its webhook: whoever has paid has access after the next start.
    @Test func aStopBetweenPaymentAndWebhookLosesNothing() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder, isKilled: true) { laptop in
            let page = try await laptop.follow(try await laptop.bus("billing setup --feature llm:proxy").standardOutput)
            let dialled = try await laptop.client.put(
                "/sandbox/faults", Array(#"{"webhooks":{"delay":"60s"}}"#.utf8))
            #expect(dialled.status == 200)
            #expect(try await laptop.form(page, "action=pay").status == 303)
        }
        try await Laptop.run(in: folder) { laptop in
            try await laptop.becomes("active")
            let sent = try await laptop.client.get("/sandbox/events").json?["events"]?.elements ?? []
            #expect(sent.contains { $0["type"] == "checkout.session.completed" })
        }
    }

    /// Without a catalog there is nothing to show, and the answer is that of local mode all the same.
    @Test func localModeAnswersWithoutACatalog() async throws {
        try await Laptop.run(in: try TemporaryFolder(), catalog: false) { laptop in
            let path = "/local/stripe/checkout/cs_local_e5eef92ad86afbfa0f4b9c8b"
            let url = try await laptop.bus("billing setup --feature llm:proxy").standardOutput
            #expect(url == "\(laptop.client.base)\(path)\n")
            #expect(try await laptop.client.get(path).status == 404)
        }
    }

    @Test func aCatalogIsStoredOnlyWhereThereIsNone() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            let catalog = try await laptop.bus("operator billing catalog get")
            #expect(catalog.standardOutput.contains("bus_llm_basic_eur_month"))
            let other = try folder.write(
                catalog.standardOutput.replacing("LLM access", with: "Access of mine"), to: "other.json")
            #expect(try await laptop.bus("operator billing catalog put --file \(other)").exit == .code(0))
        }
        try await Laptop.run(in: folder) { laptop in
            let catalog = try await laptop.bus("operator billing catalog get").standardOutput
            #expect(catalog.contains("Access of mine"))
        }
        let wrong = try await BusProcess.finish(
            "bus-local", ["--addr", "127.0.0.1:0", "--data", "\(folder.path)/new", "--catalog", "/nowhere.json"])
        #expect(wrong.exit == .code(2) && wrong.standardError.contains("/nowhere.json cannot be read"))
    }
}

/// `bus-local` as `make run` starts it, and a person with its tokens.
struct Laptop: Sendable {
    let client: LoopbackClient
    let person: CommandWorld

    @discardableResult
    static func run<Value: Sendable>(
        in folder: TemporaryFolder, catalog: Bool = true, isKilled: Bool = false,
        _ body: @Sendable (Laptop) async throws -> Value
    ) async throws -> Value {
        let arguments =
            ["--addr", "127.0.0.1:0", "--data", "data"]
            + (catalog ? ["--catalog", Repository.path("Examples/catalog.json")] : [])
        let outcome = try await BusProcess.run(
            "bus-local", arguments,
            environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"], in: folder
        ) { local in
            let address = "http://\(try await local.address(of: Listener.events))"
            let person = try CommandWorld(
                [
                    "BUS_API_BASE_URL": address, "BUS_EVENTS_API_URL": address,
                    "BUS_API_TOKEN_FILE": "\(folder.path)/data/billing.token",
                    "BUS_OPERATOR_TOKEN_FILE": "\(folder.path)/data/operator.token",
                ], folder: folder)
            let value = try await body(Laptop(client: LoopbackClient(address), person: person))
            if isKilled { local.kill() } else { local.interrupt() }
            try await local.end()
            return value
        }
        #expect(isKilled || outcome.exit == .code(0), "Ctrl-C stops it cleanly")
        return outcome.value
    }

    func bus(_ line: String) async throws -> CommandWorld.Result { try await person.bus(line) }

    func status() async throws -> JSONValue {
        try JSONValue(parsing: Array(try await bus("billing status").standardOutput.utf8))
    }

    func becomes(_ word: String) async throws {
        try await eventually("the account is \(word)") { try await status()["status"]?.text == word ? true : nil }
    }

    /// Where the address of local mode leads.
    func follow(_ url: String) async throws -> String {
        let path = String(url.dropFirst(client.base.count).prefix { $0 != "\n" })
        let answer = try await client.get(path)
        return try #require(answer.header("location"), "\(answer.status) \(answer.text)")
    }

    /// Sends a form as a browser does from our own page, with the page's hidden token where it has one.
    func form(_ path: String, _ body: String, from site: String? = nil) async throws -> LoopbackClient.Answer {
        let token = try await client.get(path).text.firstMatch(of: #/name="token" value="(\w+)"/#)?.1
        let whole = token.map { "\(body)&token=\($0)" } ?? body
        return try await client.post(
            path, Array(whole.utf8),
            headers: ["Content-Type": "application/x-www-form-urlencoded", "Origin": site ?? client.base])
    }

    /// What the offline Stripe answers about all subscriptions.
    func subscriptions() async throws -> String {
        try await client.get("/v1/subscriptions", headers: ["Authorization": "Bearer sk_test_laptop"]).text
    }
}
