import BusCore
import BusSQL
import StoreTestSupport
import StripeTestSupport
import TestSupport
import Testing

/// Two billing workers on one PostgreSQL database, of which one is killed again and again.
@Suite("Several billing workers", .timeLimit(.minutes(20))) struct BillingNodes {
    @Test("they share the work, and a kill loses nothing and counts nothing twice")
    func kills() async throws {
        let cluster = try PostgresCluster.shared
        let schema = TestDatabase.nextSchema()
        let events = try await PostgresDatabase(cluster.url, store: "events", schema: schema)
        let billing = try await PostgresDatabase(cluster.url, store: "test", schema: "\(schema)_billing")
        let deployment = try Deployment()
        let count = PropertySettings.rounds(120, proof: 2_000)
        let kills = PropertySettings.rounds(2, proof: 20)
        var random = SeededGenerator(seed: PropertySettings.seed)
        let quantities = (0..<count).map { _ in Int64.random(in: 1...5, using: &random) }
        let worker = [
            "BUS_BILLING_DATABASE_URL": "\(cluster.address())&options=-csearch_path%3D\(schema)_billing",
            // A killed worker's lease on a usage lasts for the time of an answer.
            "BUS_BILLING_PROVIDER_TIMEOUT": "10s", "BUS_WORKER_CONCURRENCY": "\(Self.heldMax)",
        ]
        let store = ["BUS_EVENTS_POSTGRES_DSN": cluster.address(), "BUS_EVENTS_POSTGRES_SCHEMA": schema]
        try await LoopbackStripe.run(start: LoopbackStripe.present) { stripe in
            try await stripe.sellUse()
            let customer = try await stripe.addCustomer(of: Deployment.account)
            try await deployment.withEvents(environment: store) { _ in
                try await deployment.withStripe(before: stripe) { _, _ in
                    try await deployment.withBillingWorker(environment: worker) { _ in
                        try await deployment.publish(BillingEvent.update, [("c-before", update(of: customer))])
                        try await settle(1, BillingEvent.result, events)
                        let usages = quantities.enumerated().map(usage)
                        let portion = count / (kills + 1)
                        for kill in 0..<kills {
                            let some = Array(usages[kill * portion..<(kill + 1) * portion])
                            try await dieBeside(some, deployment, worker, events, stripe)
                        }
                        try await deployment.publish(BillingEvent.export, Array(usages[(kills * portion)...]))
                        try await settle(count, BillingEvent.exported, events)
                        try await check(quantities, deployment, billing)
                        let counted = try await stripe.usage(of: "tokens", by: customer)
                        #expect(counted == quantities.reduce(0, +))
                        print(
                            """
                            two billing workers, BUS_TEST_SEED=\(PropertySettings.seed)
                              usage events           \(count)
                              workers killed         \(kills)
                              quantity counted       \(counted)
                            """)
                    }
                }
            }
        }
        for database in [events, billing] { try database.close() }
    }

    /// Usages that one worker holds at once.
    private static let heldMax = 4

    private static let holders: SQL = """
        SELECT count(DISTINCT holder) FROM bus_event_deliveries
        WHERE name = 'bus.billing.usage.export.request' AND is_leased = 1
        """

    /// A second worker that is killed while both have work.
    ///
    /// Until then Stripe is silent, so that whoever has work keeps it. Stripe has counted half of it.
    private func dieBeside(
        _ usages: [(id: String, payload: JSONValue)], _ deployment: Deployment, _ environment: [String: String],
        _ events: PostgresDatabase, _ stripe: LoopbackStripe
    ) async throws {
        stripe.faults = (0..<10_000).map { $0 % 2 == 0 ? .silence : .silentBody }
        defer { stripe.faults = [] }
        try await deployment.withBillingWorker(environment: environment) { worker in
            async let published: Void = {
                for usage in usages { try await deployment.publish(BillingEvent.export, [usage]) }
            }()
            try await eventually("both have work") { () async throws -> Bool? in
                try await events.read { try $0.first(Self.holders)?.integer(0) } == 2 ? true : nil
            }
            worker.kill()
            try await worker.end()
            try await published
        }
    }

    private func update(of customer: String) -> JSONValue {
        [
            "event_id": "evt_before", "account_id": .string(Deployment.account), "provider": "stripe",
            "status": "active", "features": ["llm:proxy"], "provider_subscription_id": "sub_1",
            "provider_customer_id": .string(customer),
            "occurred_at": .string(Timestamp(clampingSeconds: unixNow() - 30).rfc3339),
        ]
    }

    private func usage(_ number: Int, _ quantity: Int64) -> (id: String, payload: JSONValue) {
        (
            "c-\(number)",
            [
                "account_id": .string(Deployment.account), "event_id": .string("use-\(number)"),
                "meter_event_name": "tokens", "quantity": .integer(quantity),
            ]
        )
    }

    private func stored(_ name: String, _ events: PostgresDatabase) async throws -> Int {
        try await events.read {
            Int(try $0.first("SELECT count(*) FROM bus_events WHERE name = $1", [.text(name)])?.integer(0) ?? 0)
        }
    }

    /// Waits for so many answers and for the last acknowledgement.
    private func settle(_ count: Int, _ name: String, _ events: PostgresDatabase) async throws {
        try await eventually("\(count) \(name) are stored and all is acknowledged", tries: 60_000) {
            () async throws -> Bool? in
            guard try await stored(name, events) >= count else { return nil }
            let isOpen = try await events.read { try $0.first("SELECT 1 FROM bus_event_deliveries LIMIT 1") != nil }
            return isOpen ? nil : true
        }
    }

    private func check(_ quantities: [Int64], _ deployment: Deployment, _ billing: PostgresDatabase) async throws {
        let answers = try await deployment.stored(BillingEvent.exported)
        #expect(answers.count == quantities.count, "each usage is answered once")
        #expect(Set(answers.compactMap { $0["correlationId"]?.text }).count == quantities.count)
        // While Stripe is busy a usage is queued, and told later.
        let failed = answers.filter { $0["payload"]?["exported"] != true && $0["payload"]?["queued"] != true }
        #expect(failed.isEmpty, "\(failed.count) usages failed: \(failed.first ?? .null)")
        try await eventually("all usage is told", tries: 60_000) { () async throws -> Bool? in
            let states = try await billing.read {
                try $0.rows("SELECT DISTINCT state FROM bus_billing_usage_exports").map { try $0.text(0) }
            }
            return states == ["accepted"] ? true : nil
        }
        let used = try await billing.read {
            try $0.rows("SELECT sum(used) FROM bus_billing_usage_counts GROUP BY feature, span").map {
                try $0.integer(0)
            }
        }
        #expect(Set(used) == [quantities.reduce(0, +)], "the buckets hold \(used)")
        let rows = try await billing.read {
            try $0.first("SELECT count(*) FROM bus_billing_usage_exports")?.integer(0)
        }
        #expect(rows == Int64(quantities.count))
        #expect(try await deployment.deadLetters().isEmpty)
    }
}
