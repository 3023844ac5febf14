import BusCore
import TestSupport
import Testing

/// Usage on its way to Stripe is never lost, and never keeps anybody else waiting.
@Suite("Never lost", .timeLimit(.minutes(5))) struct NeverLost {
    private static let meter = "meter_event.record"

    private static func usage(_ id: String) -> [String: JSONValue] {
        [
            "account_id": .string(Deployment.account), "provider_customer_id": "cus_1", "meter_event_name": "tokens",
            "quantity": 3, "idempotency_key": .string(id),
        ]
    }

    @Test("usage that Stripe refuses for good is a dead letter with the refusal's code")
    func refused() async throws {
        try await StripeRequester.run(faults: [.status(402)]) { requester in
            let response = try await requester.ask(Self.meter, Self.usage("refused"), id: "refused")
            #expect(response["error"]?["code"]?.text == "stripe_error", "\(response)")
            let letters = try await eventually("it is parked") {
                let letters = try await requester.deployment.deadLetters()
                return letters.isEmpty ? nil : letters
            }
            #expect(letters.map { $0["code"]?.text } == ["stripe_error"])
            #expect(letters.first?["name"]?.text == "bus.stripe.meter_event.record.request")
            #expect(letters.first?["correlationId"]?.text == "refused")
            #expect(letters.first?["retryCount"]?.integer == 1)
        }
    }

    @Test("usage that Stripe cannot take now comes again until it is taken")
    func unreachable() async throws {
        // A handler asks Stripe three times, so three deliveries fail.
        let faults = Array(repeating: StripeDouble.Fault.resetBeforeCommit, count: 9)
        try await StripeRequester.run(faults: faults) { requester in
            let response = try await requester.ask(Self.meter, Self.usage("late"), id: "late")
            // The requester hears of the first failure at once; the usage is taken all the same.
            #expect(response["error"]?["code"]?.text == "stripe_unavailable", "\(response)")
            #expect(response["metadata"]?["stripe.retryable"]?.text == "true")
            try await eventually("Stripe takes the usage") { requester.double.meterEvents.count == 1 ? true : nil }
            #expect(requester.double.requests.count == 10)
            #expect(try await requester.responses(Self.meter, to: "late").count == 1)
            #expect(try await requester.deployment.deadLetters() == [])
        }
    }

    @Test("exports that wait for Stripe keep no entitlement check waiting")
    func slowStripe() async throws {
        try await StripeDouble.run(faults: Array(repeating: .silence, count: 100)) { double in
            let deployment = try Deployment()
            let stripe = ["BUS_STRIPE_TIMEOUT": "600s"]
            let billing = ["BUS_BILLING_PROVIDER_TIMEOUT": "600s", "BUS_WORKER_CONCURRENCY": "8"]
            try await deployment.withEvents { _ in
                try await deployment.withStripe(before: double, environment: stripe) { _ in
                    try await deployment.withBillingWorker(environment: billing) { _ in
                        try await activate(deployment)
                        try await deployment.publish(BillingEvent.export, (1...8).map { ("e\($0)", export($0)) })
                        try await eventually("eight exports wait for Stripe") {
                            double.requests.count >= 8 ? true : nil
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

    private func activate(_ deployment: Deployment) async throws {
        let update: JSONValue = [
            "event_id": "evt_1", "account_id": .string(Deployment.account), "provider": "stripe", "status": "active",
            "features": ["llm:proxy"], "provider_subscription_id": "sub_1", "provider_customer_id": "cus_1",
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
