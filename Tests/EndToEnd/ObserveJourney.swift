import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// Subscriptions read again by the real worker, for webhooks and on request.
@Suite(.timeLimit(.minutes(5))) struct ObserveJourney {
    /// Somebody subscribed and has still to pay.
    private static func subscribe(in stripe: LoopbackStripe) async throws -> (id: String, invoice: String) {
        let product = try await stripe.post("/v1/products", "name=Pro")["id"]?.text ?? ""
        let price = try await stripe.post(
            "/v1/prices", "product=\(product)&currency=eur&unit_amount=4900&recurring[interval]=month")
        let customer = try await stripe.post("/v1/customers", "email=a@example.com")["id"]?.text ?? ""
        let subscription = try await stripe.post(
            "/v1/subscriptions",
            "customer=\(customer)&items[0][price]=\(price["id"]?.text ?? "")&payment_behavior=default_incomplete"
                + "&metadata[bus_account_id]=\(StripeRequester.account)&metadata[bus_feature]=llm:proxy")
        return (subscription["id"]?.text ?? "", subscription["latest_invoice"]?.text ?? "")
    }

    @Test func twoReadingsInOneSecondAndARepetitionEndWithWhatStripeSaidLast() async throws {
        let second = unixNow() - 60
        let story = StripeCheckoutStory(account: StripeRequester.account, plan: "llm-pro", second: second)
        let events = try story.checkout()
        try await StripeRequester.run(environment: ["BUS_STRIPE_WEBHOOK_REFETCH": "1"]) { requester in
            let (subscription, invoice) = try await Self.subscribe(in: requester.stripe)
            // `checkout()` lists the update first and the creation last; the second round is Stripe's repetition.
            for (round, body) in [events[2], events[0], events[0]].enumerated() {
                if round == 1 {
                    try await requester.stripe.post("/v1/invoices/\(invoice)/pay", "paid_out_of_band=true")
                }
                let text = String(decoding: body, as: UTF8.self).replacing("sub_BusFixture0000001", with: subscription)
                let webhook = SignedWebhook(
                    eventID: "", body: Array(text.utf8), secret: requester.deployment.webhookSecret, now: unixNow())
                let answer = try await webhook.send(to: LoopbackClient(requester.ingress))
                #expect(answer.status == 200 && answer.json?["emitted"]?.flag == true, "\(answer.text)")
            }
            let answer = try await requester.ask(
                "subscription.observe",
                [
                    "account_id": .string(StripeRequester.account),
                    "provider_subscription_id": .string(subscription),
                ], id: "observe-1")
            #expect(answer["payload"]?["status"]?.text == "active", "\(answer)")
            let stored = try await requester.deployment.storedUpdates().compactMap { $0["payload"] }
            #expect(stored.map { $0["kind"]?.text } == Array(repeating: "observed", count: 4))
            #expect(stored.map { $0["provider_status"]?.text } == ["incomplete", "active", "active", "active"])
            let times = stored.compactMap { $0["occurred_at"]?.text }
            #expect(times.allSatisfy { $0.hasPrefix("2026-08-01T16:10:05.") }, "Stripe's second: \(times)")
            let read = times.compactMap(Timestamp.init(rfc3339:))
            #expect(read.count == 4 && zip(read, read.dropFirst()).allSatisfy { $0 < $1 })
        }
    }

    @Test func aReportOfRefusedUsageReachesBillingOnlyWithATokenForUsage() async throws {
        let report = """
            {"id":"evt_report","object":"v2.core.event","type":"v1.billing.meter.error_report_triggered","livemode":false,
            "created":"2026-08-01T16:00:00.000Z","context":null}
            """
        let details =
            #"{"data":{"reason":{"error_count":1,"error_types":[{"code":"no_meter","sample_errors":["#
            + #"{"request":{"identifier":"use-1"}}]}]}}}"#
        for (scopes, names) in [("", [String]()), (" billing:usage:export", ["use-1"])] {
            let secret = try Deployment().jwtSecret
            let token = TestTokens(secret: secret).token(
                scope: "billing:provider billing:subscription:write" + scopes, now: unixNow())
            try await StripeRequester.run(environment: ["BUS_API_TOKEN": token]) { requester in
                requester.stripe.faults = [.status(200, body: details)]
                let webhook = SignedWebhook(
                    eventID: "evt_report", body: Array(report.utf8), secret: requester.deployment.webhookSecret,
                    now: unixNow())
                let answer = try await webhook.send(to: LoopbackClient(requester.ingress))
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.json?["ignored_reason"]?.text == "meter_error_report")
                let stored = try await requester.deployment.stored("bus.billing.usage.refused")
                let refused = stored.flatMap { $0["payload"]?["usages"]?.elements ?? [] }
                #expect(refused.map { $0["idempotency_key"]?.text ?? "" } == names)
                let again = try await requester.deployment.webhook("evt_after").send(
                    to: LoopbackClient(requester.ingress))
                #expect(again.status == 200, "the worker goes on")
            }
        }
    }
}
