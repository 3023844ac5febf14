import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// Webhooks that never came: a worker that starts finds what they would have told.
@Suite(.timeLimit(.minutes(5))) struct LostWebhooks {
    @Test("a purchase while the worker was down, or refused every webhook, is paid without any of them")
    func purchase() async throws {
        try await Counter.run { counter in
            try await counter.buy()
            let purchase = try await counter.events()
            // The endpoint's secret is another one, so Stripe hears 400 and gives up one day.
            try await counter.deployment.withStripe(environment: ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_another"]) {
                ingress, _ in
                let statuses = try await counter.deliver(purchase, to: ingress)
                #expect(statuses == [400])
            }
            #expect(try await counter.deployment.storedUpdates().isEmpty)
            #expect(try await counter.isAllowed() == false)
            try await counter.deployment.withStripe(before: counter.stripe) { _, worker in
                try await eventually("the payer has access") { try await counter.isAllowed() ? true : nil }
                try await Counter.walked(worker)
                let told = worker.output.standardError.split(separator: "\n").filter { $0.contains("no webhook had") }
                #expect(told.count == purchase.count && told.allSatisfy { $0.contains(#""level":"notice""#) })
                for id in purchase { #expect(told.contains { $0.contains(id) }) }
                let found = try await Counter.metrics(worker)
                #expect(found.contains("bus_stripe_walk_events_found_total \(purchase.count)"))
                worker.terminate()
                try await worker.end()
            }
            #expect(Set(try await counter.deployment.storedEventIDs()) == Set(purchase))
        }
    }

    @Test("an event that came by webhook and by walk counts once, whichever was first")
    func once() async throws {
        try await Counter.run { counter in
            try await counter.buy()
            let purchase = try await counter.events()
            // Without a key a worker takes webhooks, and asks Stripe for nothing.
            try await counter.deployment.withStripe { ingress, _ in
                let statuses = try await counter.deliver(purchase.dropLast(), to: ingress)
                #expect(statuses == [200])
            }
            #expect(counter.stripe.walks.isEmpty)
            try await counter.deployment.withStripe(before: counter.stripe) { ingress, worker in
                try await Counter.walked(worker)
                let found = try await Counter.metrics(worker)
                #expect(found.contains("bus_stripe_walk_events_found_total 1"))
                let statuses = try await counter.deliver(purchase, to: ingress)
                #expect(statuses == [200])
            }
            let stored = try await counter.deployment.storedEventIDs()
            #expect(stored.count == purchase.count && Set(stored) == Set(purchase))
        }
    }

    @Test("a deletion that never arrived ends the access with the next start, long before the paid time ends")
    func deletion() async throws {
        try await Counter.run { counter in
            try await counter.buy()
            try await counter.deployment.withStripe(before: counter.stripe) { _, _ in
                _ = try await eventually("the payer has access") { try await counter.isAllowed() ? true : nil }
            }
            let subscription = try await counter.stripe.list("/v1/subscriptions").last?["id"]?.text ?? ""
            try await counter.stripe.delete("/v1/subscriptions/\(subscription)")
            counter.stripe.advance(bySeconds: 2 * Limits.eventWalkGraceSeconds)
            try await counter.deployment.withStripe(before: counter.stripe) { _, _ in
                _ = try await eventually("the access has ended") { try await counter.isAllowed() ? nil : true }
            }
        }
    }

    @Test("a key that may not read events is one warning with the remedy, and the worker works")
    func forbidden() async throws {
        try await Counter.run { counter in
            try await counter.buy()
            try await counter.stripe.dial(["calls": [["fault": "403", "path": "/v1/events"]]])
            try await counter.deployment.withStripe(before: counter.stripe) { ingress, worker in
                let warned = try await eventually("it is warned of") {
                    let lines = worker.output.standardError.split(separator: "\n").filter {
                        $0.contains("Events (read)")
                    }
                    return lines.isEmpty ? nil : lines
                }
                #expect(warned.count == 1 && warned[0].contains(#""level":"warning""#))
                #expect(!worker.output.standardError.contains("stripe call failed"))
                #expect(try await ingress.get("/readyz").status == 200)
                try await counter.stripe.dial([:])
                let statuses = try await counter.deliver(try await counter.events(), to: ingress)
                #expect(statuses == [200])
                try await eventually("the payer has access") { try await counter.isAllowed() ? true : nil }
                let errors = try await Counter.metrics(worker)
                #expect(errors.contains("bus_stripe_walk_errors_total 1"))
            }
        }
    }
}

/// Billing beside a Stripe that sends no webhook by itself.
private struct Counter: Sendable {
    let deployment: Deployment
    let stripe: LoopbackStripe

    static func run(_ body: @Sendable (Counter) async throws -> Void) async throws {
        try await LoopbackStripe.run(start: LoopbackStripe.present) { stripe in
            let deployment = try Deployment()
            try await deployment.withEvents { _ in
                try await deployment.withBillingWorker { _ in
                    try await body(Counter(deployment: deployment, stripe: stripe))
                }
            }
        }
    }

    /// The account pays on a page, a while ago.
    func buy() async throws {
        let price = try await stripe.sell()
        let metadata = ["metadata", "subscription_data[metadata]"].map {
            "&\($0)[bus_account_id]=\(Deployment.account)&\($0)[bus_features]=llm:proxy"
        }.joined()
        let session = try await stripe.post(
            "/v1/checkout/sessions",
            "mode=subscription&line_items[0][price]=\(price)&line_items[0][quantity]=1&success_url=http://127.0.0.1/"
                + metadata)
        try await stripe.click(
            "/local/stripe/checkout/\(session["id"]?.text ?? "")", "action=pay&email=a%40example.com")
        stripe.advance(bySeconds: 2 * Limits.eventWalkGraceSeconds)
    }

    /// The ids of what the purchase told of subscription and session, oldest first.
    func events() async throws -> [String] {
        try await stripe.list(
            "/v1/events",
            "types[]=checkout.session.completed&types[]=customer.subscription.created"
                + "&types[]=customer.subscription.updated"
        ).compactMap { $0["id"]?.text }
    }

    /// Sends the webhooks of events; gives the statuses of the answers.
    func deliver(_ events: [String], to ingress: LoopbackClient) async throws -> Set<Int> {
        var statuses: Set<Int> = []
        for event in events {
            let webhook = SignedWebhook(
                eventID: event, body: try await stripe.get("/v1/events/\(event)").serialized(),
                secret: deployment.webhookSecret, now: unixNow())
            statuses.insert(try await webhook.send(to: ingress).status)
        }
        return statuses
    }

    func isAllowed() async throws -> Bool {
        let id = "ask-\(UInt64.random(in: .min ... .max))"
        let name = "bus.billing.entitlement.check"
        try await deployment.publish(
            name + ".request",
            [(id, ["account_id": .string(Deployment.account), "scope": "llm:proxy"])])
        let response = try await eventually("\(name) is answered") {
            try await deployment.stored(name + ".response").first { $0["correlationId"]?.text == id }
        }
        return response["payload"]?["allowed"] == true
    }

    static func metrics(_ worker: BusProcess) async throws -> String {
        try await LoopbackClient(try await worker.address(of: Listener.operations)).get("/metrics").text
    }

    static func walked(_ worker: BusProcess) async throws {
        try await eventually("a walk has come to its end") {
            let success = try await metrics(worker).split(separator: "\n")
                .first { $0.hasPrefix("bus_stripe_walk_last_success_timestamp_seconds ") }?
                .split(separator: " ").last
            return Double(success ?? "") ?? 0 > 0 ? true : nil
        }
    }
}
