import BusCore
import TestSupport
import Testing

/// Facts without an account and readings that are asked for, through real processes.
@Suite(.timeLimit(.minutes(5))) struct SubscriptionJourney {
    @Test("a buyer of a payment link is let in when the session names the account, and out when the subscription ends")
    func paymentLink() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withBillingWorker { _ in
                let unlinked = "bus.billing.subscription.unlinked"
                let answered = "bus.billing.subscription.unlinked_result"
                try await deployment.publish(
                    unlinked, [("c-1", .object(Self.facts("evt_1", "created", "active", at: 0)))])
                try await Self.settle(deployment, answered, 1)
                var session = Self.facts("evt_2", "checkout", "active", at: 1)
                session["account_id"] = .string(Deployment.account)
                session["features"] = ["llm:proxy"]
                try await deployment.publish(BillingEvent.update, [("c-2", .object(session))])
                try await Self.settle(deployment, BillingEvent.result, 1)
                #expect(try await Self.isAllowed(deployment, "c-3"))
                try await deployment.publish(
                    unlinked, [("c-4", .object(Self.facts("evt_3", "deleted", "canceled", at: 9)))])
                let results = try await Self.settle(deployment, answered, 2)
                let payloads = results.map { $0["payload"] }
                #expect(payloads.first == ["status": "missing", "applied": false])
                #expect(
                    payloads.last == [
                        "account_id": .string(Deployment.account), "status": "canceled", "applied": true,
                    ])
                #expect(try await !Self.isAllowed(deployment, "c-5"))
            }
        }
    }

    @Test("the worker asks for a reading of an undecided subscription, and the reading decides it")
    func undecided() async throws {
        let deployment = try Deployment()
        try await deployment.withEvents { _ in
            try await deployment.withBillingWorker { _ in
                for (id, now, before) in [("evt_1", "past_due", "active"), ("evt_2", "active", "past_due")] {
                    try await deployment.publish(BillingEvent.update, [(id, .object(Self.step(id, now, before)))])
                }
                let results = try await Self.settle(deployment, BillingEvent.result, 2)
                // Two updates are handled at once; whichever comes second meets the other.
                #expect(results.count { $0["payload"]?["undecided"] == true } == 1)
            }
            // It looks when it starts.
            try await deployment.withBillingWorker { _ in
                let asked = try await Self.settle(deployment, "bus.stripe.subscription.observe.request", 1)
                #expect(
                    asked.first?["payload"] == [
                        "account_id": .string(Deployment.account), "provider": "stripe",
                        "provider_subscription_id": "sub_1",
                    ])
                var reading = Self.step("observed:sub_1", "active", "active")
                reading["kind"] = "observed"
                reading["occurred_at"] = "2026-08-01T00:00:00.25Z"
                try await deployment.publish(BillingEvent.update, [("c-6", .object(reading))])
                let results = try await Self.settle(deployment, BillingEvent.result, 3)
                #expect(results.last?["payload"]?["status"] == "active")
                #expect(results.last?["payload"]?["undecided"] == nil)
            }
        }
    }

    // MARK: Helpers

    @discardableResult
    private static func settle(_ deployment: Deployment, _ name: String, _ count: Int) async throws -> [JSONValue] {
        try await eventually("\(count) of \(name)") {
            let stored = try await deployment.stored(name, scope: Deployment.billingScopes + " billing:provider")
            return stored.count >= count ? stored : nil
        }
    }

    private static func isAllowed(_ deployment: Deployment, _ id: String) async throws -> Bool {
        try await deployment.publish(
            BillingEvent.check, [(id, ["account_id": .string(Deployment.account), "scope": "llm:proxy"])])
        return try await eventually("\(id) is answered") {
            try await deployment.stored(BillingEvent.checked).first { $0["correlationId"]?.text == id }
        }["payload"]?["allowed"] == true
    }

    private static func facts(_ id: String, _ kind: String, _ status: String, at second: Int64) -> [String: JSONValue] {
        [
            "event_id": .string(id), "provider": "stripe", "status": .string(status), "kind": .string(kind),
            "provider_subscription_id": "sub_1", "provider_status": .string(status),
            "occurred_at": .string(Timestamp(clampingSeconds: 1_785_600_000 + second).rfc3339),
        ]
    }

    private static func step(_ id: String, _ now: String, _ before: String) -> [String: JSONValue] {
        var step: [String: JSONValue] = facts(id, "updated", now, at: 0)
        step["account_id"] = .string(Deployment.account)
        step["features"] = ["llm:proxy"]
        step["previous_provider_status"] = .string(before)
        return step
    }
}
