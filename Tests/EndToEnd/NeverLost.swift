import BusCore
import BusSQL
import StripeTestSupport
import TestSupport
import Testing

/// Usage on its way to Stripe is never lost, and never keeps anybody else waiting.
@Suite("Never lost", .timeLimit(.minutes(5))) struct NeverLost {
    private static let meter = "meter_event.record"

    private static func usage(_ id: String, of customer: String) -> [String: JSONValue] {
        [
            "account_id": .string(Deployment.account), "provider_customer_id": .string(customer),
            "meter_event_name": "tokens", "quantity": 3, "idempotency_key": .string(id),
        ]
    }

    @Test("usage that Stripe refuses for good is a dead letter with the refusal's code")
    func refused() async throws {
        try await StripeRequester.run(faults: [.status(402)]) { requester in
            let usage = Self.usage("refused", of: requester.customer)
            let response = try await requester.ask(Self.meter, usage, id: "refused")
            #expect(response["error"]?["code"]?.text == "stripe_error", "\(response)")
            let letters = try await eventually("it is parked") {
                let letters = try await requester.deployment.deadLetters()
                return letters.isEmpty ? nil : letters
            }
            #expect(letters.map { $0["code"]?.text } == ["stripe_error"])
            #expect(letters.first?["name"]?.text == "bus.stripe.meter_event.record.request")
            #expect(letters.first?["correlationId"]?.text == "refused")
            #expect(letters.first?["retryCount"]?.integer == 1)
            #expect(try await requester.usage == 0)
        }
    }

    @Test("usage that Stripe cannot take now comes again until it is taken")
    func unreachable() async throws {
        // A handler asks Stripe three times, so three deliveries fail.
        let faults = Array(repeating: LoopbackStripe.Fault.resetBeforeCommit, count: 9)
        try await StripeRequester.run(faults: faults) { requester in
            let usage = Self.usage("late", of: requester.customer)
            let response = try await requester.ask(Self.meter, usage, id: "late")
            // The requester hears of the first failure at once; the usage is taken all the same.
            #expect(response["error"]?["code"]?.text == "stripe_unavailable", "\(response)")
            #expect(response["metadata"]?["stripe.retryable"]?.text == "true")
            try await eventually("Stripe takes the usage") { try await requester.usage == 3 ? true : nil }
            #expect(requester.stripe.requests.count == 10)
            #expect(try await requester.responses(Self.meter, to: "late").count == 1)
            #expect(try await requester.deployment.deadLetters() == [])
        }
    }

    @Test("exports that wait for Stripe keep no entitlement check waiting")
    func slowStripe() async throws {
        try await LoopbackStripe.run(faults: Array(repeating: .silence, count: 100)) { stripe in
            let customer = try await stripe.addCustomer(of: Deployment.account)
            let deployment = try Deployment()
            let patience = ["BUS_STRIPE_TIMEOUT": "600s"]
            let billing = ["BUS_BILLING_PROVIDER_TIMEOUT": "600s", "BUS_WORKER_CONCURRENCY": "8"]
            try await deployment.withEvents { _ in
                try await deployment.withStripe(before: stripe, environment: patience) { _, _ in
                    try await deployment.withBillingWorker(environment: billing) { _ in
                        try await activate(deployment, customer)
                        try await deployment.publish(BillingEvent.export, (1...8).map { ("e\($0)", export($0)) })
                        try await eventually("eight exports wait for Stripe") {
                            stripe.requests.count >= 8 ? true : nil
                        }
                        let check: JSONValue = ["account_id": .string(Deployment.account), "scope": "llm:proxy"]
                        try await deployment.publish(BillingEvent.check, (1...20).map { ("c\($0)", check) })
                        let checked = try await eventually("the checks are answered") {
                            let checked = try await deployment.stored(BillingEvent.checked)
                            return checked.count >= 20 ? checked : nil
                        }
                        #expect(checked.allSatisfy { $0["payload"]?["allowed"] == true })
                        #expect(try await deployment.stored(BillingEvent.exported) == [])
                    }
                }
            }
        }
    }

    @Test(
        "Stripe is away for a while and nobody asks again: the usage arrives, once, also when the worker dies meanwhile",
        arguments: [false, true])
    func away(isKilled: Bool) async throws {
        // A telling is three calls, so every usage fails at least once. One of them was counted all the same.
        var faults = Array(repeating: LoopbackStripe.Fault.resetBeforeCommit, count: 14)
        faults[2] = .resetAfterCommit
        try await LoopbackStripe.run(faults: faults, start: LoopbackStripe.present) { stripe in
            for number in 1...3 { try await stripe.sellUse(of: "tokens_\(number)") }
            let customer = try await stripe.addCustomer(of: Deployment.account)
            let deployment = try Deployment()
            let environment = ["BUS_BILLING_PROVIDER_TIMEOUT": "5s"]
            try await deployment.withEvents { _ in
                try await deployment.withStripe(before: stripe) { _, _ in
                    try await deployment.withBillingWorker(environment: environment) { worker in
                        try await activate(deployment, customer)
                        try await deployment.publish(BillingEvent.export, (1...3).map { ("e\($0)", export($0)) })
                        let answers = try await eventually("the requesters hear that it waits") {
                            let answers = try await deployment.stored(BillingEvent.exported)
                            return answers.count == 3 ? answers : nil
                        }
                        for answer in answers {
                            #expect(answer["payload"]?["exported"] == false && answer["payload"]?["queued"] == true)
                            #expect(answer["error"] == nil)
                        }
                        if isKilled {
                            worker.kill()
                            try await worker.end()
                        } else {
                            try await arrive(deployment, stripe, customer)
                        }
                    }
                    if isKilled {
                        try await deployment.withBillingWorker(environment: environment) { _ in
                            try await arrive(deployment, stripe, customer)
                        }
                    }
                    #expect(try await deployment.stored(BillingEvent.exported).count == 3)
                    #expect(try await deployment.deadLetters() == [])
                }
            }
        }
    }

    /// Waits until the ledger has accepted all three usages, and compares with what Stripe counted.
    private func arrive(_ deployment: Deployment, _ stripe: LoopbackStripe, _ customer: String) async throws {
        let billing = try await SQLiteDatabase(path: deployment.billingFile)
        let keys = try await eventually("the usage arrives", tries: 12_000) {
            let rows = try await billing.read {
                try $0.rows("SELECT provider_key FROM bus_billing_usage_exports WHERE state = 'accepted'")
                    .map { try $0.text(0) }
            }
            return rows.count == 3 ? rows : nil
        }
        let told = stripe.requests.flatMap { StripeFormReader.pairs($0.body) }.filter { $0[0] == "identifier" }
        #expect(Set(told.map { $0[1] }) == Set(keys))
        #expect(stripe.made("/v1/billing/meter_events") == 3)
        for number in 1...3 {
            #expect(try await stripe.usage(of: "tokens_\(number)", by: customer) == 1)
        }
        let used = try await billing.read {
            try $0.rows("SELECT used FROM bus_billing_usage_counts WHERE span = 'total'").map { try $0.integer(0) }
        }
        #expect(used == [1, 1, 1])
        try billing.close()
    }

    private func activate(_ deployment: Deployment, _ customer: String) async throws {
        let update: JSONValue = [
            "event_id": "evt_1", "account_id": .string(Deployment.account), "provider": "stripe", "status": "active",
            "features": ["llm:proxy"], "provider_subscription_id": "sub_1", "provider_customer_id": .string(customer),
        ]
        try await deployment.publish(BillingEvent.update, [("u", update)])
        try await eventually("the update is applied") {
            try await deployment.stored(BillingEvent.result).isEmpty ? nil : true
        }
    }

    /// Each of its own meter, because Stripe takes one call at a time for a customer and a meter.
    private func export(_ number: Int) -> JSONValue {
        [
            "account_id": .string(Deployment.account), "event_id": .string("use-\(number)"),
            "meter_event_name": .string("tokens_\(number)"), "quantity": 1,
        ]
    }
}
