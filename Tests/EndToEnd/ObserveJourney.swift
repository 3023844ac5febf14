import BusCore
import TestSupport
import Testing

/// Subscriptions read again by the real worker, for webhooks and on request.
@Suite(.timeLimit(.minutes(5))) struct ObserveJourney {
    private static let subscription = "sub_BusFixture0000001"
    private static let linked =
        #","metadata":{"bus_account_id":"\#(StripeFixture.accountID)","bus_feature":"llm:proxy"}"#

    @Test func twoReadingsInOneSecondAndARepetitionEndWithWhatStripeSaidLast() async throws {
        let second = unixNow() - 60
        let story = StripeCheckoutStory(account: StripeRequester.account, plan: "llm-pro", second: second)
        let events = try story.checkout()
        try await StripeRequester.run(environment: ["BUS_STRIPE_WEBHOOK_REFETCH": "1"]) { requester in
            // `checkout()` lists the update first and the creation last; the second round is Stripe's repetition.
            for (body, status) in [(events[2], "incomplete"), (events[0], "active"), (events[0], "active")] {
                requester.double.set {
                    $0.subscriptions = [Self.subscription: status]
                    $0.subscriptionMembers = Self.linked
                }
                let webhook = SignedWebhook(
                    eventID: "", body: body, secret: requester.deployment.webhookSecret, now: unixNow())
                let answer = try await webhook.send(to: LoopbackClient(requester.ingress))
                #expect(answer.status == 200 && answer.json?["emitted"]?.flag == true, "\(answer.text)")
            }
            let answer = try await requester.ask(
                "subscription.observe",
                [
                    "account_id": .string(StripeRequester.account),
                    "provider_subscription_id": .string(Self.subscription),
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
                requester.double.set { $0.faults = [.status(200, body: details)] }
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
