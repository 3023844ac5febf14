import BusCore
import TestSupport
import Testing

/// From a catalog to a quota that is used up and a subscription that ends, through four real processes.
@Suite(.timeLimit(.minutes(5))) struct BillingJourney {
    private static let plan = "llm-basic"
    private static let meter = "bus_llm_tokens"
    private static let limit: Int64 = 1_000

    @Test func anAccountBuysUsesExhaustsAndLosesAccess() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withStripe { ingress, _ in
                try await deployment.withBillingWorker { _ in
                    try await deployment.withBillingAPI { api, _ in
                        let journey = Steps(deployment: deployment, ingress: ingress, api: api)
                        try await journey.setUp()
                        try await journey.buy()
                        try await journey.exhaust()
                        try await journey.end()
                    }
                }
            }
        }
    }

    private struct Steps {
        let deployment: Deployment
        let ingress: LoopbackClient
        let api: LoopbackClient
        let story = StripeCheckoutStory(
            account: Deployment.account, plan: BillingJourney.plan, second: unixNow() - 10)

        func setUp() async throws {
            let put = try await api.put(
                "/api/internal/billing/catalog", BillingJourney.catalog.serialized(),
                headers: deployment.bearer("operator", "billing:catalog:write", audience: "ai.hg.fi/internal"))
            #expect(put.status == 200, "\(put.text)")
            let missing = try await status()
            #expect(missing["status"] == "missing" && missing["setup_required"] == true)
            #expect(try await entitlement()["reason"] == "billing_required")

            let checkout = try await api.post(
                "/api/v1/billing/checkout-session", Array(#"{"feature":"llm:proxy"}"#.utf8),
                headers: deployment.bearer(Deployment.account, "billing:setup"))
            #expect(checkout.status == 200, "\(checkout.text)")
            #expect(checkout.json?["url"]?.text?.hasPrefix("http") == true)
            #expect(checkout.json?["provider"] == "stripe")
            // A page that nobody has paid on grants nothing.
            #expect(try await entitlement()["reason"] == "billing_required")
        }

        func buy() async throws {
            for body in try story.checkout() { try await deliver(body) }
            let allowed = try await eventually("access is granted") {
                let answer = try await entitlement()
                return answer["allowed"] == true ? answer : nil
            }
            #expect(allowed == ["allowed": true, "reason": "billing_active", "plan_id": .string(BillingJourney.plan)])
            try await results(3)
            // Only now is every event of that second known; the last to arrive must not have taken access away.
            #expect(try await entitlement() == allowed)
            let status = try await status()
            #expect(status["status"] == "active" && status["features"] == ["llm:proxy"])
            #expect(try used(status) == 0)
        }

        func exhaust() async throws {
            for (index, expected) in [Int64(400), 800, 1_200].enumerated() {
                let payload: JSONValue = [
                    "account_id": .string(Deployment.account), "event_id": .string("use-\(index)"),
                    "meter_event_name": .string(BillingJourney.meter), "quantity": 400,
                ]
                #expect(try await entitlement()["allowed"] == true)
                // Told twice, as a usage worker that lost the answer does; it counts once.
                try await deployment.publish(BillingEvent.export, [("c-\(index)", payload), ("d-\(index)", payload)])
                let answers = try await eventually("usage \(index) is exported") {
                    let stored = try await deployment.stored(BillingEvent.exported)
                    return stored.count == 2 * (index + 1) ? stored.suffix(2) : nil
                }
                #expect(answers.allSatisfy { $0["payload"]?["exported"] == true }, "\(answers)")
                #expect(try used(try await status()) == expected)
            }
            let denied = try await entitlement()
            #expect(denied["allowed"] == false && denied["reason"] == "quota_exceeded", "\(denied)")
            #expect(denied["recommended_plan"] == "llm-pro")
            #expect(denied["usage"]?["limit"]?.integer == BillingJourney.limit)
            let status = try await status()
            #expect(status["upgrade_required"] == true && status["setup_required"] == false)
            #expect(status["recommended_plan"] == "llm-pro" && status["next_action"] == "upgrade_plan")
        }

        func end() async throws {
            try await deliver(try story.end())
            let denied = try await eventually("access ended") {
                let answer = try await entitlement()
                return answer["reason"] == "billing_required" ? answer : nil
            }
            #expect(denied["allowed"] == false && denied["command"] == "bus billing setup")
            try await results(4)
            #expect(try await status()["status"] == "canceled")
        }

        /// Signed by Stripe's own package, as the ingress hears it from Stripe.
        private func deliver(_ body: [UInt8]) async throws {
            let judged = try await StripeJudge.sign(body, secret: deployment.webhookSecret)
            let answer = try await ingress.post(
                SignedWebhook.path, body, headers: ["Stripe-Signature": judged.header])
            #expect(answer.status == 200 && answer.json?["emitted"] == true, "\(judged.eventID): \(answer.text)")
        }

        /// Every update was answered once.
        private func results(_ count: Int) async throws {
            let stored = try await eventually("\(count) updates are applied") {
                let stored = try await deployment.stored(BillingEvent.result)
                return stored.count >= count ? stored : nil
            }
            #expect(stored.count == count)
            #expect(stored.allSatisfy { $0["error"] == nil && $0["payload"]?["undecided"] == nil })
        }

        private func entitlement() async throws -> JSONValue {
            let body: JSONValue = ["account_id": .string(Deployment.account), "scope": "llm:proxy"]
            let answer = try await api.post(
                "/api/internal/billing/entitlement-check", body.serialized(),
                headers: deployment.bearer("llm-api", "billing:entitlement:check", audience: "ai.hg.fi/internal"))
            guard answer.status == 200, let json = answer.json else { throw UnexpectedAnswer(text: answer.text) }
            return json
        }

        private func status() async throws -> JSONValue {
            let answer = try await api.get(
                "/api/v1/billing/status", headers: deployment.bearer(Deployment.account, "billing:read"))
            guard answer.status == 200, let json = answer.json else { throw UnexpectedAnswer(text: answer.text) }
            return json
        }

        private func used(_ status: JSONValue) throws -> Int64 {
            try #require(status["usage"]?.elements?.first?["used"]?.integer)
        }
    }

    /// One window that never turns over while the test runs.
    private static let catalog: JSONValue = [
        "version": 1, "products": [["id": "llm", "name": "LLM"]],
        "meters": [["name": .string(meter), "unit": "tokens"]],
        "plans": [
            [
                "id": .string(plan), "product_id": "llm", "features": ["llm:proxy"],
                "prices": [["currency": "eur", "unit_amount": 1000, "interval": "month"]],
                "quotas": [
                    [
                        "feature": "llm:proxy", "meter_event_name": .string(meter), "window": "total",
                        "limit": .integer(limit), "upgrade_plan_id": "llm-pro",
                    ]
                ],
            ],
            [
                "id": "llm-pro", "product_id": "llm", "features": ["llm:proxy"],
                "prices": [["currency": "eur", "unit_amount": 4900, "interval": "month"]], "quotas": [],
            ],
        ],
    ]
}
