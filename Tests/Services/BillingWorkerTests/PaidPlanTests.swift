import BillingCore
import BillingStorage
import BusContract
import BusCore
import Logging
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

/// Access through the worker, from updates as the payment company's worker sends them.
@Suite("What was paid decides")
struct PaidPlanTests {
    /// The catalog with another limit or window: `basic` counts tokens of a paid period.
    private static let catalog = BillingBench.catalog

    private static func prices(_ keys: String...) -> JSONValue {
        .array(keys.map { ["id": .string("price_\($0)"), "lookup_key": .string($0), "quantity": 1] })
    }

    private static func replace(_ bench: BillingBench, _ catalog: JSONValue) async throws {
        let store = try await CatalogStore.open(bench.database)
        let isReplaced = try await store.replace(
            with: StoredCatalog(catalog), dropsPlansInUse: true, at: BillingBench.noon)
        #expect(isReplaced)
    }

    /// The catalog with members of its plans replaced.
    private static func catalog(_ edit: (String, inout [String: JSONValue]) -> Void) -> JSONValue {
        guard case .object(var root) = catalog else { return .null }
        root["plans"] = .array(
            (catalog["plans"]?.elements ?? []).map { plan in
                guard case .object(var members) = plan else { return plan }
                edit(plan["id"]?.text ?? "", &members)
                return .object(members)
            })
        return .object(root)
    }

    @Test(
        "a plan changed in the portal counts with its webhook, up and down, whatever the metadata says",
        arguments: TestStore.allCases)
    func planChange(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update(
                "evt_1", "active", plan: "basic",
                more: ["kind": "created", "prices": Self.prices("metered", "basic-eur-month")])
            #expect(try await bench.check(quantity: 101, id: "c_1")["recommended_plan"] == "pro")
            try await bench.update(
                "evt_2", "active", plan: "basic", at: BillingBench.noon.seconds + 50,
                more: ["kind": "updated", "prices": Self.prices("metered", "pro-eur-month")])
            let allowed = try await bench.check(quantity: 5_000, id: "c_2")
            #expect(allowed["allowed"] == true && allowed["plan_id"] == "pro")
            #expect(try await bench.status()["plan_id"] == "pro")
            try await bench.update(
                "evt_3", "active", plan: "pro", at: BillingBench.noon.seconds + 100,
                more: ["kind": "updated", "prices": Self.prices("basic-eur-month")])
            #expect(try await bench.check(quantity: 101, id: "c_3")["plan_id"] == "basic")
            #expect(try await bench.check(quantity: 101, id: "c_3")["allowed"] == false)
        }
    }

    @Test(
        "a plan that the catalog does not know is worth the smallest quotas, and is reported once",
        arguments: TestStore.allCases)
    func unknownPlan(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", plan: "Basic")
            #expect(try await bench.check(quantity: 999_999_999_999, id: "c_1")["reason"] == "quota_exceeded")
            #expect(try await bench.check(quantity: 100, id: "c_2")["allowed"] == true)
            #expect(try await bench.status()["plan_unknown"] == true)
            var known = UnknownPlans()
            func look(_ seconds: Int64) async throws -> [String?] {
                let now = BillingBench.noon.advanced(bySeconds: seconds)
                let (after, news) = try await bench.requests.desk.unknownPlans(after: known, at: now)
                known = after
                return news.map(\.planID)
            }
            #expect(try await look(0) == ["Basic"])
            #expect(try await look(5) == [] && known.count == 1)
            try await bench.update("evt_2", "active", plan: "basic", at: BillingBench.noon.seconds + 1)
            #expect(try await look(60) == [] && known.count == 0)
            #expect(try await bench.status()["plan_unknown"] == nil)
        }
    }

    @Test(
        "a plan that leaves the catalog by force keeps its features within the smallest quotas",
        arguments: TestStore.allCases)
    func planLeaves(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update(
                "evt_1", "active", plan: "pro", more: ["kind": "created", "prices": Self.prices("pro-eur-month")])
            #expect(try await bench.check(quantity: 5_000, id: "c_1", holds: false)["allowed"] == true)
            guard case .object(var root) = Self.catalog, let plans = root["plans"]?.elements else { return }
            root["plans"] = .array(
                plans.filter { $0["id"] == "basic" }.map { plan in
                    guard case .object(var members) = plan else { return plan }
                    members["quotas"] = [
                        ["feature": "llm:proxy", "meter_event_name": "tokens", "window": "month", "limit": 1000]
                    ]
                    return .object(members)
                })
            let store = try await CatalogStore.open(bench.database)
            let error = await #expect(throws: PlansInUse.self) {
                _ = try await store.replace(with: StoredCatalog(.object(root)), at: BillingBench.noon)
            }
            #expect(error?.accounts == ["pro": 1])
            try await Self.replace(bench, .object(root))
            #expect(try await bench.check(quantity: 900_000_000_000_000, id: "c_2")["reason"] == "quota_exceeded")
            #expect(try await bench.check(quantity: 1_000, id: "c_3")["allowed"] == true)
        }
    }

    @Test("a feature that is added to a plan is allowed at the next check", arguments: TestStore.allCases)
    func addedFeature(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update(
                "evt_1", "active", plan: "pro", more: ["kind": "created", "prices": Self.prices("pro-eur-month")])
            #expect(try await bench.check("llm:batch")["reason"] == "billing_required")
            try await Self.replace(
                bench,
                Self.catalog { id, plan in if id == "pro" { plan["features"] = ["llm:proxy", "llm:batch"] } })
            #expect(try await bench.check("llm:batch")["allowed"] == true)
            #expect(try await bench.status()["features"] == ["llm:proxy", "llm:batch"])
        }
    }

    @Test(
        "a second checkout is refused while the first subscription runs or owes, unless it is meant",
        arguments: TestStore.allCases)
    func secondCheckout(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let payload: JSONValue = ["account_id": .string(BillingBench.account), "plan_id": "pro"]
            for (number, status) in ["active", "past_due"].enumerated() {
                try await bench.update("evt_\(number)", status, at: BillingBench.noon.seconds + Int64(number))
                let refused = await bench.ask(Exchange.checkoutSession.request, payload)
                #expect(refused.error?.code == "already_subscribed")
                #expect(refused.error?.message.contains("basic (\(status)), which sells llm:proxy") == true)
                #expect(refused.metadata["billing.retryable"] == "false")
                #expect(
                    try refused.payload.value()
                        == ["account_id": .string(BillingBench.account), "command": "bus billing portal"])
            }
            #expect(bench.provider.offers.isEmpty)
            var meant = payload
            if case .object(var members) = payload {
                members["additional"] = true
                meant = .object(members)
            }
            #expect(try await bench.answer(Exchange.checkoutSession.request, meant)["provider"] == "stripe")
            try await bench.update("evt_9", "canceled", at: BillingBench.noon.seconds + 9)
            #expect(try await bench.answer(Exchange.checkoutSession.request, payload)["provider"] == "stripe")
            #expect(bench.provider.offers.map(\.planID) == ["pro", "pro"])
        }
    }

    @Test(
        "features stay for the grace after a declined charge, and answers say until when", arguments: TestStore.allCases
    )
    func grace(_ store: TestStore) async throws {
        try await BillingBench.run(on: store, grace: .seconds(3_600)) { bench in
            let (start, end) = (BillingBench.noon, BillingBench.noon.advanced(bySeconds: 3_600))
            try await bench.update("evt_1", "active", at: start.seconds - 10)
            try await bench.update(
                "evt_2", "past_due", more: ["provider_status": "past_due", "previous_provider_status": "active"])
            let inTime = try await bench.check(at: end.advanced(bySeconds: -1))
            #expect(inTime["allowed"] == true && inTime["grace_until"]?.text == end.rfc3339)
            let status = try await bench.status(at: start)
            #expect(status["status"] == "past_due" && status["features"] == ["llm:proxy"])
            #expect(status["grace_until"]?.text == end.rfc3339 && status["command"] == "bus billing portal")
            let late = try await bench.check(at: end)
            #expect(late["reason"] == "billing_required" && late["command"] == "bus billing portal")
            try await bench.update(
                "evt_3", "past_due", at: start.seconds + 5,
                more: ["provider_status": "unpaid", "previous_provider_status": "past_due"])
            #expect(try await bench.check(at: start.advanced(bySeconds: 6))["allowed"] == false)
        }
    }

    @Test("a quota of the paid period begins again when it is paid again, and says when", arguments: TestStore.allCases)
    func period(_ store: TestStore) async throws {
        let catalog = Self.catalog { id, plan in
            plan["quotas"] = [
                ["feature": "llm:proxy", "meter_event_name": "tokens", "window": "billing_cycle", "limit": 100]
            ]
        }
        @Sendable func period(_ start: String, _ end: String) -> [String: JSONValue] {
            ["current_period_start": .string(start), "current_period_end": .string(end)]
        }
        @Sendable func at(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }
        let (first, second, third) = ("2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z", "2026-09-20T10:00:00Z")
        try await BillingBench.run(on: store, catalog: catalog) { bench in
            try await bench.update(
                "evt_1", "active", at: try at(first).seconds, more: period(first, second))
            #expect(try await bench.export("use_1", 100, at: try at("2026-07-31T23:00:00Z"))["exported"] == true)
            // The first of a month changes nothing.
            let refused = try await bench.check(at: try at("2026-08-02T00:00:00Z"))
            #expect(refused["reason"] == "quota_exceeded" && refused["usage"]?["window"] == "period")
            #expect(refused["usage"]?["resets_at"]?.text == second)
            // The period is over before the word of its renewal comes; what is used meanwhile belongs to the next one.
            let early = try at("2026-08-20T10:30:00Z")
            #expect(try await bench.check(at: early)["allowed"] == true)
            #expect(try await bench.export("use_2", 60, at: early)["exported"] == true)
            try await bench.update(
                "evt_2", "active", at: try at(second).seconds + 3_600, more: period(second, third))
            let later = try at("2026-08-20T12:00:00Z")
            #expect(try await bench.used("period", at: later) == 60)
            let status = try await bench.status(at: later)
            #expect(status["current_period_end"]?.text == third)
            #expect(status["usage"]?.elements?.first?["resets_at"]?.text == third)
        }
    }

    @Test(
        "a cancellation that takes effect later is active until then, and status tells the day",
        arguments: TestStore.allCases)
    func cancelAt(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let end = BillingBench.noon.advanced(bySeconds: 20 * 86_400).rfc3339
            try await bench.update("evt_1", "active", more: ["cancel_at": .string(end), "kind": "updated"])
            let status = try await bench.status()
            #expect(status["status"] == "active" && status["cancel_at"]?.text == end)
            #expect(try await bench.check()["allowed"] == true)
        }
    }
}
