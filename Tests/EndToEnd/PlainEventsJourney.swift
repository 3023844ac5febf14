import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// From a checkout to the end of access beside an Events API that has none of our additions and that filters by
/// subject, so all services share one.
@Suite(.timeLimit(.minutes(5))) struct PlainEventsJourney {
    private static let warnings = [
        "subscription without Bus metadata", "unheard subscription not read again",
        "Stripe refused usage that it had taken", "paid plan unknown, smallest quotas count",
    ]

    @Test func everythingWorksWithoutAnyAdditionOfOurs() async throws {
        try await LoopbackStripe.run(start: LoopbackStripe.present) { shop in
            let price = try await shop.sell("lookup_key=llm_basic_month")
            try await shop.sellUse()
            try await PlainWorld.run { world in
                let deployment = world.deployment
                // Nothing was heard of it for 40 days, so the worker of the next start asks about it.
                let quiet = try await deployment.withBillingWorker(environment: world.environment) { worker in
                    try await world.publish(BillingEvent.update, "quiet", PlainEventsJourney.quiet)
                    try await world.stored(BillingEvent.result, count: 1)
                    return worker
                }
                try await deployment.withStripe(before: shop, environment: world.environment) { ingress, stripe in
                    try await deployment.withBillingWorker(environment: world.environment) { billing in
                        try await deployment.withBillingAPI(environment: world.environment) { client, api in
                            let steps = try PlainSteps(world: world, shop: shop, ingress: ingress, api: client)
                            try await steps.checkout(of: price)
                            try await steps.pay()
                            try await steps.use()
                            try await steps.hearOfMany()
                            try await steps.hearOfStrangers()
                            try await eventually("a subscription that cannot be read again is told of") {
                                billing.output.standardError.contains("unheard subscription not read") ? true : nil
                            }
                            try await steps.end()
                            try await world.isReady([
                                (stripe, Listener.webhook), (billing, Listener.operations), (api, Listener.billing),
                            ])
                            for process in [quiet, stripe, billing, api] { expectQuiet(process) }
                        }
                    }
                }
                let unknown = world.front.unknown
                #expect(unknown.names.isEmpty && unknown.items.isEmpty, "asked for: \(unknown)")
                // Each publisher learns from one answer for each batch under way that there are no batches.
                #expect(unknown.paths.allSatisfy { $0 == "POST batch" }, "asked for: \(unknown.paths)")
                #expect(unknown.paths.count <= 4 * Limits.publishBatchesInFlightMax)
            }
        }
    }

    /// No error, and only warnings that the operator's handbook explains, each once.
    private func expectQuiet(_ process: BusProcess) {
        let entries = process.output.standardError.split(separator: "\n").compactMap {
            try? JSONValue(parsing: Array($0.utf8))
        }
        #expect(!entries.isEmpty)
        let loud = entries.filter { ["warning", "error", "critical"].contains($0["level"]?.text) }
        #expect(loud.allSatisfy { $0["level"] == "warning" }, "\(loud)")
        for (message, lines) in Dictionary(grouping: loud, by: { $0["message"]?.text ?? "" }) {
            #expect(Self.warnings.contains(message) && Set(lines).count == lines.count && lines.count < 4, "\(lines)")
        }
    }

    private static let quiet: JSONValue = [
        "event_id": "evt_quiet", "account_id": "00000000-0000-4000-8000-00000000beef", "provider": "stripe",
        "status": "active", "features": ["llm:proxy"], "provider_subscription_id": "sub_quiet",
        "occurred_at": .string(Timestamp(clampingSeconds: unixNow() - 40 * 86_400).rfc3339),
    ]
}

/// The real Events API behind a front that takes our additions away, and one subject for all services.
private struct PlainWorld: Sendable {
    let deployment: Deployment
    let front: PlainEvents

    private static let subject = "00000000-0000-4000-8000-00000000000f"

    static func run(_ body: @Sendable (PlainWorld) async throws -> Void) async throws {
        let deployment = try Deployment()
        _ = try await BusProcess.run(
            "bus-api-provider-events",
            ["--addr", "127.0.0.1:0", "--events-sqlite-path", "\(deployment.folder.path)/events.sqlite"],
            environment: deployment.eventsEnvironment
        ) { server in
            try await PlainEvents.run(
                at: deployment.eventsAddress, before: try await server.address(of: Listener.events)
            ) { try await body(PlainWorld(deployment: deployment, front: $0)) }
        }
    }

    /// What differs for every program.
    var environment: [String: String] {
        ["BUS_API_TOKEN": token, "BUS_EVENTS_LISTENER_REQUIRED": "1", "BUS_BILLING_PROVIDER_TIMEOUT": "10s"]
    }

    private var token: String {
        deployment.serviceToken(Self.subject, Deployment.billingScopes + " billing:provider")
    }

    func publish(_ name: String, _ id: String, _ payload: JSONValue) async throws {
        let event: JSONValue = ["name": .string(name), "correlationId": .string(id), "payload": payload]
        let answer = try await LoopbackClient(deployment.eventsAddress).post(
            "/api/v1/events", event.serialized(), headers: ["Authorization": "Bearer \(token)"])
        guard answer.status == 202 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
    }

    /// All events of one name, once there are as many.
    @discardableResult
    func stored(_ name: String, count: Int) async throws -> [JSONValue] {
        let events = LoopbackClient(deployment.eventsAddress)
        return try await eventually("\(count) times \(name) is stored") {
            let answer = try await events.get(
                "/api/v1/events/stream?name=\(name)&replay=true&follow=false",
                headers: ["Authorization": "Bearer \(token)"])
            guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
            return answer.lines.count >= count ? answer.lines : nil
        }
    }

    func isReady(_ listeners: [(process: BusProcess, listener: String)]) async throws {
        for (process, listener) in listeners {
            let answer = try await LoopbackClient(try await process.address(of: listener)).get("/readyz")
            #expect(answer.status == 200, "\(listener): \(answer.text)")
        }
    }
}

/// What one account does, and what Stripe says of others.
private struct PlainSteps {
    let world: PlainWorld
    let shop: LoopbackStripe
    let ingress: LoopbackClient
    let api: LoopbackClient
    private let user: CommandWorld
    private let story = StripeCheckoutStory(account: Deployment.account, plan: "llm-basic", second: unixNow() - 10)

    init(world: PlainWorld, shop: LoopbackStripe, ingress: LoopbackClient, api: LoopbackClient) throws {
        (self.world, self.shop, self.ingress, self.api) = (world, shop, ingress, api)
        user = try CommandWorld([
            "BUS_API_BASE_URL": api.base,
            "BUS_API_TOKEN": world.deployment.serviceToken(Deployment.account, "billing:read billing:setup"),
        ])
    }

    func checkout(of price: String) async throws {
        let put = try await api.put(
            "/api/internal/billing/catalog", Self.catalog.serialized(),
            headers: world.deployment.bearer("operator", "billing:catalog:write", audience: "ai.hg.fi/internal"))
        #expect(put.status == 200, "\(put.text)")
        #expect(try await status().contains("\"status\":\"missing\""))
        let page = try await user.bus("billing setup --plan llm-basic --return-url https://shop.example/done")
        let sessions = try await shop.list("/v1/checkout/sessions")
        // The page is where the worker found Stripe.
        let pages = sessions.map { "\(shop.url)/local/stripe/checkout/\($0["id"]?.text ?? "")#fid\n" }
        #expect(pages == [page.standardOutput], "\(page)")
        let lines = try await shop.list("/v1/checkout/sessions/\(sessions.first?["id"]?.text ?? "")/line_items")
        #expect(lines.map { $0["price"]?["id"]?.text } == [price])
    }

    func pay() async throws {
        let customers = try await shop.list("/v1/customers").compactMap { $0["id"]?.text }
        #expect(customers.count == 1)
        let events = try story.checkout().map { body in
            Array(
                String(decoding: body, as: UTF8.self).replacing("cus_BusFixture00001", with: customers.first ?? "").utf8
            )
        }
        for body in events { try await deliver(body, "emitted", true) }
        // Stripe's repetition: stored again without a key, and applied once.
        try await deliver(events[0], "emitted", true)
        let results = try await world.stored(BillingEvent.result, count: 5)
        #expect(results.count == 5 && results.allSatisfy { $0["error"] == nil }, "\(results)")
        try await world.stored(BillingEvent.update, count: 5)
        #expect(try await allowed() == true)
        #expect(try await status().contains("\"status\":\"active\""))
        let page = try await user.bus("billing portal --return-url https://shop.example/account")
        let url = page.standardOutput.dropLast().description
        #expect(url.hasPrefix("\(shop.url)/local/stripe/portal/bps_"), "\(page)")
        #expect(shop.made("/v1/billing_portal/sessions") == 1)
        let shown = try await LoopbackClient(url).get("")
        #expect(shown.status == 200, "\(shown.text)")
        let asked = shop.requests.last { $0.path == "/v1/billing_portal/sessions" }
        #expect(asked?.body.contains("customer=\(customers.first ?? "-")") == true)
    }

    func use() async throws {
        let usage: JSONValue = [
            "account_id": .string(Deployment.account), "event_id": "use-1", "meter_event_name": "tokens",
            "quantity": 400,
        ]
        for (id, count) in [("u-1", 1), ("u-2", 2)] {
            try await world.publish(BillingEvent.export, id, usage)
            let answers = try await world.stored(BillingEvent.exported, count: count)
            #expect(answers.allSatisfy { $0["payload"]?["exported"] == true }, "\(answers)")
        }
        let customer = try await shop.list("/v1/customers").first?["id"]?.text ?? ""
        #expect(try await shop.usage(of: "tokens", by: customer) == 400, "told twice, counted once")
    }

    /// So many webhooks at once that they would share batches.
    func hearOfMany() async throws {
        let template = String(decoding: try StripeFixture.event("customer.subscription.updated"), as: UTF8.self)
            .replacing("sub_BusFixture", with: "sub_Many")
        try await withThrowingTaskGroup { group in
            for number in 1...40 {
                let body = template.replacing(/"id": "evt_[A-Za-z0-9]+"/, with: "\"id\": \"evt_many_\(number)\"")
                group.addTask { try await deliver(Array(body.utf8), "emitted", true) }
            }
            try await group.waitForAll()
        }
        #expect(try await world.stored(BillingEvent.result, count: 45).count == 45)
    }

    /// Facts for which such a server has no names.
    func hearOfStrangers() async throws {
        let stranger = String(decoding: try StripeFixture.event("customer.subscription.updated"), as: UTF8.self)
            .replacing("bus_", with: "other_").replacing("sub_BusFixture", with: "sub_Stranger")
        let unlinked = try await deliver(Array(stranger.utf8), "ignored_reason", "missing_bus_metadata")
        #expect(unlinked["emitted"] != true, "\(unlinked)")
        let gone =
            #"{"id":"evt_gone","object":"event","type":"customer.deleted","livemode":false,"created":1,"#
            + #""data":{"object":{"id":"cus_gone","object":"customer","metadata":{}}}}"#
        try await deliver(Array(gone.utf8), "received", true)
        shop.faults = [.status(200, body: Self.refusedUsage)]
        try await deliver(Array(Self.report.utf8), "ignored_reason", "meter_error_report")
    }

    func end() async throws {
        try await deliver(try story.end(), "emitted", true)
        try await eventually("access ended") { try await allowed() ? nil : true }
        #expect(try await status().contains("\"status\":\"canceled\""))
    }

    @discardableResult
    private func deliver(_ body: [UInt8], _ member: String, _ value: JSONValue) async throws -> JSONValue {
        let webhook = SignedWebhook(eventID: "", body: body, secret: world.deployment.webhookSecret, now: unixNow())
        let answer = try await webhook.send(to: ingress)
        #expect(answer.status == 200 && answer.json?[member] == value, "\(answer.text)")
        return answer.json ?? .null
    }

    private func status() async throws -> String {
        let result = try await user.bus("billing status --format json")
        #expect(result.exit == .code(0), "\(result.standardError)")
        return result.standardOutput
    }

    private func allowed() async throws -> Bool {
        let body: JSONValue = ["account_id": .string(Deployment.account), "scope": "llm:proxy"]
        let answer = try await api.post(
            "/api/internal/billing/entitlement-check", body.serialized(),
            headers: world.deployment.bearer("llm-api", "billing:entitlement:check", audience: "ai.hg.fi/internal"))
        guard let allowed = answer.json?["allowed"]?.flag else { throw UnexpectedAnswer(text: answer.text) }
        return allowed
    }

    private static let report = """
        {"id":"evt_report","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","livemode":false,
        "created":"2026-08-01T16:00:00.000Z","context":null}
        """
    private static let refusedUsage =
        #"{"data":{"reason":{"error_count":1,"error_types":[{"code":"no_meter","sample_errors":["#
        + #"{"request":{"identifier":"use-1"}}]}]}}}"#
    private static let catalog: JSONValue = [
        "version": 1, "products": [["id": "llm", "name": "LLM"]], "meters": [["name": "tokens", "unit": "tokens"]],
        "plans": [
            [
                "id": "llm-basic", "product_id": "llm", "features": ["llm:proxy"], "quotas": [],
                "prices": [
                    [
                        "lookup_key": "llm_basic_month", "currency": "eur", "unit_amount": 1000, "interval": "month",
                    ]
                ],
            ]
        ],
    ]
}
