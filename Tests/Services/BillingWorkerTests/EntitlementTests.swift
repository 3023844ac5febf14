import BusCore
import StoreTestSupport
import TestSupport
import Testing

struct EntitlementTests {
    @Test("an account nobody knows is missing, and is told how to set up billing", arguments: TestStore.allCases)
    func missing(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let status = try await bench.status()
            #expect(
                status == [
                    "account_id": .string(BillingBench.account), "status": "missing", "features": [],
                    "setup_required": true, "next_action": "setup_billing", "command": "bus billing setup",
                ])
            #expect(
                try await bench.check() == [
                    "allowed": false, "reason": "billing_required", "command": "bus billing setup",
                ])
        }
    }

    @Test("only active enables features", arguments: ["incomplete", "past_due", "canceled", "missing", "nonsense"])
    func inactive(_ status: String) async throws {
        try await BillingBench.run { bench in
            try await bench.update("evt_1", "active")
            #expect(try await bench.check()["allowed"] == true)
            try await bench.update("evt_2", status, at: BillingBench.noon.seconds + 1)
            #expect(try await bench.check()["reason"] == "billing_required")
            #expect(try await bench.status()["features"] == [])
        }
    }

    @Test("late payment sends to the portal instead of setup", arguments: TestStore.allCases)
    func pastDue(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "past_due")
            let status = try await bench.status()
            #expect(status["setup_required"] == false)
            #expect(status["next_action"] == "manage_billing")
            #expect(status["command"] == "bus billing portal")
        }
    }

    @Test("ending one subscription never takes away another", arguments: TestStore.allCases)
    func union(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", subscription: "sub_1")
            try await bench.update("evt_2", "active", subscription: "sub_2", features: ["container:run"])
            #expect(try await bench.status()["features"]?.elements?.count == 2)
            try await bench.update("evt_3", "canceled", subscription: "sub_2", at: BillingBench.noon.seconds + 9)
            #expect(try await bench.check()["allowed"] == true)
            #expect(try await bench.check("container:run")["allowed"] == false)
            #expect(try await bench.status()["status"] == "active")
        }
    }

    @Test("an event id applies once, and an older update changes nothing", arguments: TestStore.allCases)
    func duplicates(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let first = try await bench.update("evt_1", "active", id: "bus_1")
            #expect(first == ["account_id": .string(BillingBench.account), "status": "active", "applied": true])
            #expect(try await bench.update("evt_1", "active", id: "bus_1") == first, "the same delivery, again")
            #expect(try await bench.update("evt_1", "canceled", id: "bus_2")["applied"] == false)
            let older = try await bench.update("evt_0", "canceled", at: BillingBench.noon.seconds - 1)
            #expect(older["applied"] == false)
            #expect(older["status"] == "active")
        }
    }

    @Test("the shortest exhausted window is reported, with the plan to upgrade to", arguments: TestStore.allCases)
    func quota(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            #expect(try await bench.export("use_1", 100)["exported"] == true)
            let refusal = try await bench.check()
            #expect(refusal["reason"] == "quota_exceeded")
            #expect(refusal["plan_id"] == "basic")
            #expect(refusal["recommended_plan"] == "pro")
            #expect(refusal["usage"]?["window"] == "minute")
            #expect(refusal["usage"]?["used"] == 100)
            #expect(refusal["usage"]?["remaining"] == 0)
            let status = try await bench.status()
            #expect(status["upgrade_required"] == true)
            #expect(status["next_action"] == "upgrade_plan")
            #expect(status["recommended_plan"] == "pro")
            // The next minute starts empty; the month does not.
            let later = BillingBench.noon.advanced(bySeconds: 60)
            #expect(try await bench.check(at: later)["allowed"] == true)
            #expect(try await bench.used("minute", at: later) == 0)
            #expect(try await bench.used("month", at: later) == 100)
        }
    }

    @Test("a second plan for the feature lifts the limit of the first", arguments: TestStore.allCases)
    func twoPlans(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", subscription: "sub_1", plan: "basic")
            _ = try await bench.export("use_1", 100)
            #expect(try await bench.check()["allowed"] == false)
            try await bench.update("evt_2", "active", subscription: "sub_2", plan: "pro")
            #expect(try await bench.check()["plan_id"] == "pro")
        }
    }

    @Test("a thousand parallel checks never grant more than the limit", arguments: TestStore.allCases)
    func parallelChecks(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            let granted = await withTaskGroup(of: Bool.self) { group in
                for number in 0..<1_000 {
                    group.addTask { (try? await bench.check(quantity: 7, id: "check_\(number)"))?["allowed"] == true }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(granted == 14, "100 units hold fourteen times seven")
            #expect(try await bench.used("minute") == 0, "what is held is not used")
        }
    }

    @Test("a granted check repeated by the server is granted once", arguments: TestStore.allCases)
    func redeliveredCheck(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            for _ in 0..<5 { #expect(try await bench.check(quantity: 60, id: "check_1")["allowed"] == true) }
            #expect(try await bench.check(quantity: 60, id: "check_2")["allowed"] == false)
            #expect(try await bench.check(quantity: 40, id: "check_3")["allowed"] == true)
        }
    }
}
