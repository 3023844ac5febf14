import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// The offline Stripe as a program: before Stripe's own package, and before our own programs.
@Suite(.timeLimit(.minutes(5))) struct SandboxJourney {
    @Test("Stripe's own package drives it as a shop does, and verifies every webhook")
    func judge() async throws {
        _ = try await Sandbox.run { sandbox in
            let driven = try await BusProcess.finish(
                Repository.judgePython, [Repository.path("Tests/Support/judge/drive_sandbox.py"), sandbox.base])
            #expect(driven.exit == .code(0), "\(driven.standardOutput)\(driven.standardError)")
            #expect(driven.standardOutput.split(separator: "\n").count == 13)
        }
    }

    @Test("it stops cleanly when it is asked to")
    func stops() async throws {
        let outcome = try await BusProcess.run(Programs.sandbox, ["--addr", "127.0.0.1:0"]) { process in
            _ = try await process.address(of: Listener.stripe)
            process.terminate()
            try await process.end()
        }
        #expect(outcome.exit == .code(0))
    }

    @Test("another site moves no clock, dials no fault, makes no call, and reads nothing through a name of its own")
    func otherSites() async throws {
        try await Sandbox.run(["--start", "2026-08-01T00:00:00Z"]) { sandbox in
            let forms: [(path: String, body: String)] = [
                ("/sandbox/clock", #"{"advance":"31d"}"#), ("/sandbox/trigger/customer.created", ""),
                ("/sandbox/events/evt_1/resend", ""), ("/v1/customers", "name=A"),
            ]
            for fields in [["Origin": "http://shop.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"]] {
                let fields = fields.merging(Sandbox.bearer) { $1 }
                for (path, body) in forms {
                    let answer = try await sandbox.post(path, Array(body.utf8), headers: fields)
                    #expect(answer.status == 403 && answer.errorType == "forbidden", "\(path) \(fields)")
                }
                let dialled = try await sandbox.put("/sandbox/faults", Array("{}".utf8), headers: fields)
                #expect(dialled.status == 403)
            }
            for path in ["/sandbox/events", "/v1/customers", "/local/stripe/checkout/cs_test_1"] {
                let rebound = try await sandbox.get(
                    path, headers: ["Host": "shop.example"].merging(Sandbox.bearer) { $1 })
                #expect(rebound.status == 403, "\(path)")
            }
            let clock = try await sandbox.get("/sandbox/clock").json
            #expect(clock?["now"] == "2026-08-01T00:00:00Z")
            #expect(try await sandbox.get("/v1/customers", headers: Sandbox.bearer).json?["data"] == [])
            // A link of another site opens a page, and a program is no browser.
            let linked = try await sandbox.get(
                "/local/stripe/checkout/cs_test_1", headers: ["Sec-Fetch-Site": "cross-site"])
            #expect(linked.status == 404 && linked.text.contains("<h1>"))
            #expect(try await sandbox.call("/v1/customers", "name=A").status == 200)
            let own = try await sandbox.post(
                "/sandbox/clock", Array(#"{"advance":"1d"}"#.utf8), headers: ["Origin": sandbox.base])
            #expect(own.status == 200)
        }
    }

    @Test("one seed and the same calls give the same bytes, another seed others")
    func seeds() async throws {
        func bytes(_ seed: String) async throws -> [[UInt8]] {
            try await Sandbox.run(["--seed", seed, "--start", "2026-08-01T00:00:00Z"]) { sandbox in
                var answers: [[UInt8]] = []
                for (path, form) in [
                    ("/v1/products", "name=Pro&id=pro"),
                    ("/v1/prices", "product=pro&currency=eur&unit_amount=900&recurring[interval]=month"),
                    ("/v1/customers", "email=a@example.com"), ("/v1/customers", "nonsense=1"),
                ] {
                    answers.append(try await sandbox.call(path, form).body)
                }
                let price = try JSONValue(parsing: answers[1])["id"]?.text ?? ""
                let customer = try JSONValue(parsing: answers[2])["id"]?.text ?? ""
                answers.append(
                    try await sandbox.call(
                        "/v1/subscription_schedules",
                        "customer=\(customer)&start_date=now&phases[0][items][0][price]=\(price)"
                            + "&phases[1][items][0][price]=\(price)&phases[1][items][0][quantity]=2"
                            + "&phases[1][metadata][a]=b"
                    ).body)
                _ = try await sandbox.post("/sandbox/clock", Array(#"{"advance":"31d"}"#.utf8))
                let later = try await sandbox.call("/v1/customers", "name=later")
                #expect(later.header("Date") == "Tue, 01 Sep 2026 00:00:00 GMT", "the world's time")
                answers.append(later.body)
                answers.append(try await sandbox.get("/v1/events", headers: Sandbox.bearer).body)
                return answers
            }
        }
        let first = try await bytes("7")
        #expect(first == (try await bytes("7")))
        #expect(zip(first, try await bytes("8")).allSatisfy { $0 != $1 } == false, "an id of our own stays")
        #expect(first.last != (try await bytes("8")).last)
    }

    @Test("from a catalog to access: sync, checkout, paying on the page, webhook, and the end of dunning")
    func access() async throws {
        try await Shop.run { shop in
            try await shop.sellAndCheckOut()
            #expect(try await shop.isAllowed() == false, "nobody has paid")
            #expect(try await shop.click("action=decline") == 303)
            #expect(try await shop.click("action=pay") == 303)
            try await eventually("the payer has access") { try await shop.isAllowed() ? true : nil }
            #expect(try await shop.click("action=pay") == 409, "paid once")

            // Somebody strips the metadata in the dashboard, and then ends the subscription: the access ends.
            let subscription = try await shop.subscription()
            _ = try await shop.sandbox.call("/v1/subscriptions/\(subscription)", "metadata=")
            let ended = try await shop.sandbox.delete(
                "/v1/subscriptions/\(subscription)", headers: Sandbox.bearer)
            #expect(ended.status == 200)
            try await eventually("the access has ended") { try await shop.isAllowed() ? nil : true }
        }
    }
}

/// A running `bus-stripe-sandbox`.
enum Sandbox {
    static let bearer = ["Authorization": "Bearer sk_test_end_to_end"]

    static func run<Value: Sendable>(
        _ arguments: [String] = [], environment: [String: String] = [:],
        _ body: @Sendable (LoopbackClient) async throws -> Value
    ) async throws -> Value {
        let address = arguments.contains("--addr") ? [] : ["--addr", "127.0.0.1:0"]
        return try await BusProcess.run(
            Programs.sandbox, address + arguments,
            environment: ["BUS_LOG_FORMAT": "json"].merging(environment) { $1 }
        ) { process in
            try await body(LoopbackClient(try await process.address(of: Listener.stripe)))
        }.value
    }
}

extension LoopbackClient {
    /// A call of Stripe's API with a form.
    func call(_ path: String, _ form: String) async throws -> Answer {
        try await post(
            path, Array(form.utf8),
            headers: Sandbox.bearer.merging(["Content-Type": "application/x-www-form-urlencoded"]) { $1 })
    }
}

/// Our programs before an offline Stripe.
private struct Shop: Sendable {
    let deployment: Deployment
    let sandbox: LoopbackClient

    static func run(_ body: @Sendable (Shop) async throws -> Void) async throws {
        let deployment = try Deployment()
        let address = "127.0.0.1:\(try FreePort.next())"
        let environment = [
            "BUS_STRIPE_SECRET_KEY": "sk_test_end_to_end", "BUS_STRIPE_API_URL": "http://\(address)",
        ]
        try await deployment.withEvents { _ in
            try await deployment.withBillingWorker { _ in
                try await deployment.withStripe(environment: environment) { ingress, _ in
                    try await Sandbox.run(
                        ["--addr", address, "--forward-to", ingress.base + SignedWebhook.path],
                        environment: ["BUS_STRIPE_WEBHOOK_SECRET": deployment.webhookSecret]
                    ) { sandbox in
                        try await body(Shop(deployment: deployment, sandbox: sandbox))
                    }
                }
            }
        }
    }

    private static let catalog = """
        {"version":1,"products":[{"id":"pro","lookup_key":"bus_pro","name":"Pro"}],
         "prices":[{"lookup_key":"bus_pro_eur_month","product_lookup_key":"bus_pro","plan_id":"pro","currency":"eur",
           "unit_amount":1000,"interval":"month"}],"meters":[],
         "plans":[{"id":"pro","product_id":"pro","features":["llm:proxy"],"quotas":[],
           "prices":[{"lookup_key":"bus_pro_eur_month","currency":"eur","unit_amount":1000,"interval":"month"}]}]}
        """

    /// Makes Stripe sell the plan, and asks for a page to pay on.
    func sellAndCheckOut() async throws {
        let commands = try CommandWorld([
            "BUS_STRIPE_SECRET_KEY": "sk_test_end_to_end", "BUS_STRIPE_API_URL": sandbox.base,
        ])
        _ = try commands.folder.write(Self.catalog, to: "catalog.json")
        // A run that a fault ended goes on where it stopped.
        try await eventually("the catalog is in Stripe", tries: 20) {
            let synced = try await commands.bus("operator stripe catalog sync --file catalog.json --format json")
            return synced.exit == .code(0) ? true : nil
        }
        let request: JSONValue = [
            "account_id": .string(Deployment.account), "price_lookup_key": "bus_pro_eur_month", "plan_id": "pro",
            "feature": "llm:proxy",
        ]
        try await eventually("there is a page to pay on", tries: 20) {
            let answer = try await ask("bus.stripe.checkout_session.create", request)
            return answer["session_id"]?.text
        }
    }

    /// Clicks on the page of the only open session, or of the last one.
    func click(_ form: String) async throws -> Int {
        let session = try await newest("/v1/checkout/sessions")
        return try await sandbox.submit("/local/stripe/checkout/\(session)", form).status
    }

    func subscription() async throws -> String { try await newest("/v1/subscriptions") }

    private func newest(_ path: String) async throws -> String {
        try await eventually("Stripe has one of \(path)") {
            let found = try? await sandbox.get(path, headers: Sandbox.bearer).json
            return found?["data"]?.elements?.first?["id"]?.text
        }
    }

    func isAllowed() async throws -> Bool {
        let answer = try await ask(
            "bus.billing.entitlement.check", ["account_id": .string(Deployment.account), "scope": "llm:proxy"])
        return answer["allowed"] == true
    }

    /// Publishes a request and waits for its response's payload; an error is an empty one.
    private func ask(_ name: String, _ payload: JSONValue) async throws -> JSONValue {
        let id = "ask-\(UInt64.random(in: .min ... .max))"
        try await deployment.publish(
            name + ".request", [(id, payload)], scope: Deployment.billingScopes + " billing:provider")
        let response = try await eventually("\(name) is answered") {
            try await deployment.stored(name + ".response", scope: Deployment.billingScopes + " billing:provider")
                .first { $0["correlationId"]?.text == id }
        }
        return response["payload"] ?? .null
    }
}
