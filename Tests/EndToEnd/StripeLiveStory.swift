import BusCore
import Foundation
import StripeTestSupport
import TestSupport
import Testing

/// One story in Stripe's test mode, from a catalog to billed usage.
///
/// It runs before the offline Stripe at every test run, and before Stripe itself when `BUS_STRIPE_LIVE_E2E=1` and
/// `BUS_STRIPE_SECRET_KEY` (of test mode) are set. Stripe keeps the objects it makes; another run finds the catalog
/// there and makes a customer of its own.
@Suite(.timeLimit(.minutes(10))) struct StripeLiveStory {
    private static let variables = ProcessInfo.processInfo.environment

    @Test func beforeTheOfflineStripe() async throws {
        try await LoopbackStripe.run(start: LoopbackStripe.present) { stripe in
            try await Steps(key: "sk_test_live_story", url: stripe.url).tell()
            let customers = try await stripe.list("/v1/customers").compactMap { $0["id"]?.text }
            #expect(customers.count == 1, "the session is the customer's")
            #expect(try await stripe.usage(of: Steps.meter, by: customers.first ?? "") == 42)
            #expect(stripe.made("/v1/billing/meter_events") == 1)
            #expect(try await stripe.list("/v1/checkout/sessions").map { $0["customer"]?.text } == customers)
        }
    }

    @Test(.enabled(if: variables["BUS_STRIPE_LIVE_E2E"] == "1", "asked for by BUS_STRIPE_LIVE_E2E=1"))
    func beforeStripe() async throws {
        let key = try #require(
            Self.variables["BUS_STRIPE_SECRET_KEY"], "set BUS_STRIPE_SECRET_KEY to a key of test mode")
        try #require(key.hasPrefix("sk_test_") || key.hasPrefix("rk_test_"), "the key is not one of test mode")
        try await Steps(key: key, url: nil).tell()
    }

    private struct Steps {
        let key: String
        /// The offline Stripe's address; nil is Stripe.
        let url: String?
        let account = UUID().uuidString.lowercased()
        let deployment: Deployment

        private static let price = "bus_live_story_eur_month"
        static let meter = "bus_live_story_tokens"
        private static let plan = "live-story"

        init(key: String, url: String?) throws {
            self.key = key
            self.url = url
            deployment = try Deployment()
        }

        private var environment: [String: String] {
            var variables = ["BUS_STRIPE_SECRET_KEY": key]
            variables["BUS_STRIPE_API_URL"] = url
            return variables
        }

        func tell() async throws {
            try await makeCatalog()
            let customer = try await makeCustomer()
            try await deployment.withEvents { _ in
                try await deployment.withStripe(environment: environment) { ingress, _ in
                    try await deployment.withBillingWorker { _ in
                        try await checkOut(customer)
                        try await subscribe(customer, ingress)
                        try await use()
                    }
                }
            }
        }

        /// Products, prices and a meter, made once and found afterwards.
        private func makeCatalog() async throws {
            let world = try CommandWorld(environment)
            let tested = try await world.bus("operator stripe test --format json")
            #expect(tested.exit == .code(0), "\(tested.standardError)")
            try #require(try JSONValue(parsing: Array(tested.standardOutput.utf8))["livemode"] == false)
            let catalog: JSONValue = [
                "version": 1,
                "products": [["id": "live-story", "lookup_key": "bus_live_story", "name": "Bus live story"]],
                "prices": [
                    [
                        "lookup_key": .string(Self.price), "product_lookup_key": "bus_live_story",
                        "plan_id": .string(Self.plan), "currency": "eur", "unit_amount": 1000, "interval": "month",
                    ]
                ],
                "meters": [
                    [
                        "name": .string(Self.meter), "unit": "tokens", "lookup_key": .string(Self.meter),
                        "display_name": "Bus live story tokens", "event_name": .string(Self.meter),
                        "aggregation_formula": "sum", "customer_mapping_type": "by_id",
                        "customer_mapping_event_payload_key": "stripe_customer_id",
                        "value_settings_event_payload_key": "value",
                    ]
                ],
                "plans": [
                    [
                        "id": .string(Self.plan), "product_id": "live-story", "features": ["llm:proxy"],
                        "prices": [
                            [
                                "lookup_key": .string(Self.price), "currency": "eur", "unit_amount": 1000,
                                "interval": "month",
                            ]
                        ], "quotas": [],
                    ]
                ],
            ]
            _ = try world.folder.write(String(decoding: catalog.serialized(), as: UTF8.self), to: "catalog.json")
            for _ in 1...2 {
                let synced = try await world.bus("operator stripe catalog sync --file catalog.json --format json")
                #expect(synced.exit == .code(0), "\(synced.standardError)")
            }
            let found = try await stripe("GET", "/v1/prices?lookup_keys%5B%5D=\(Self.price)&active=true")
            #expect(found["data"]?.elements?.first?["livemode"] == false)
        }

        private func makeCustomer() async throws -> String {
            let made = try await stripe(
                "POST", "/v1/customers", "metadata[bus_account_id]=\(account)&name=Bus+live+story")
            try #require(made["livemode"] == false)
            return try #require(made["id"]?.text)
        }

        private func checkOut(_ customer: String) async throws {
            let session = try await ask(
                "bus.stripe.checkout_session.create",
                [
                    "account_id": .string(account), "price_lookup_key": .string(Self.price),
                    "plan_id": .string(Self.plan), "feature": "llm:proxy", "provider_customer_id": .string(customer),
                ])
            #expect(session["livemode"] == false && session["stripe_mode"] == "test", "\(session)")
            // The offline Stripe has its pages on this machine.
            #expect(session["url"]?.text?.hasPrefix(url == nil ? "https://" : "http") == true)
            #expect(session["session_id"]?.text?.hasPrefix("cs_test_") == true)
        }

        /// Nobody pays on the page, so the webhook of the paid subscription is ours, about the real customer.
        private func subscribe(_ customer: String, _ ingress: LoopbackClient) async throws {
            #expect(try await entitlement()["allowed"] == false)
            let template = deployment.template.replacing(Deployment.account, with: account).replacing(
                "cus_demo", with: customer)
            let webhook = SignedWebhook(
                eventID: "evt_live_story", secret: deployment.webhookSecret, now: unixNow(), template: template)
            let answer = try await webhook.send(to: ingress)
            #expect(answer.status == 200 && answer.json?["emitted"] == true, "\(answer.text)")
            let update = try #require(try await deployment.storedUpdates().first?["payload"])
            #expect(update["livemode"] == false && update["provider_customer_id"] == .string(customer))
            try await eventually("access is granted") { try await entitlement()["allowed"] == true ? true : nil }
        }

        private func use() async throws {
            let exported = try await ask(
                "bus.billing.usage.export",
                [
                    "account_id": .string(account), "event_id": .string("use-\(account)"),
                    "meter_event_name": .string(Self.meter), "quantity": 42,
                ])
            #expect(exported["exported"] == true, "\(exported)")
        }

        private func entitlement() async throws -> JSONValue {
            try await ask(
                "bus.billing.entitlement.check", ["account_id": .string(account), "scope": "llm:proxy"])
        }

        /// Publishes a request and waits for its response's payload.
        private func ask(_ name: String, _ payload: [String: JSONValue]) async throws -> JSONValue {
            let id = UUID().uuidString.lowercased()
            let bearer = deployment.bearer(
                Deployment.Subject.requester, Deployment.billingScopes + " billing:provider")
            let api = LoopbackClient(deployment.eventsAddress)
            let request: JSONValue = [
                "name": .string(name + ".request"), "correlationId": .string(id), "payload": .object(payload),
            ]
            let published = try await api.post("/api/v1/events", request.serialized(), headers: bearer)
            guard published.status == 202 else { throw UnexpectedAnswer(text: published.text) }
            let response = try await eventually("\(name) is answered") {
                try await api.get(
                    "/api/v1/events/stream?name=\(name).response&replay=true&follow=false", headers: bearer
                ).lines.first { $0["correlationId"]?.text == id }
            }
            if let error = response["error"] { throw UnexpectedAnswer(text: "\(error)") }
            return try #require(response["payload"])
        }

        /// A call to Stripe that our own client has no need of.
        private func stripe(_ method: String, _ path: String, _ form: String = "") async throws -> JSONValue {
            let client = LoopbackClient(url ?? "https://api.stripe.com")
            let answer =
                method == "GET"
                ? try await client.get(path, headers: ["Authorization": "Bearer \(key)"])
                : try await client.post(
                    path, Array(form.utf8),
                    headers: [
                        "Authorization": "Bearer \(key)", "Content-Type": "application/x-www-form-urlencoded",
                    ])
            guard answer.status == 200, let json = answer.json else { throw UnexpectedAnswer(text: answer.text) }
            return json
        }
    }
}
