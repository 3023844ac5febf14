import BusCore
import BusSQL
import StripeTestSupport
import TestSupport
import Testing

/// A kill between any two statements of the billing worker loses nothing and applies nothing twice: real processes,
/// SIGKILL at a chosen system call, an SQLite file.
@Suite(.timeLimit(.minutes(60))) struct BillingKills {
    /// What the worker is at when it dies.
    enum Work: String, Sendable, CaseIterable {
        case update, export
    }

    private static let runsAtOnce = 2

    @Test(
        .enabled("strace can attach here, as it has to in continuous integration") { try await Strace.canAttach() },
        arguments: Work.allCases)
    func aKillAnywhereLosesNothingAndDoublesNothing(_ work: Work) async throws {
        let all = try await KillRun.points(of: work)
        var random = SeededGenerator(seed: PropertySettings.seed)
        let points = all.shuffled(using: &random).prefix(PropertySettings.rounds(3, proof: .max))
        let reached = try await withThrowingTaskGroup(of: Bool.self) { group in
            var reached = 0
            for (index, point) in points.enumerated() {
                if index >= Self.runsAtOnce, try await group.next() == true { reached += 1 }
                group.addTask { try await KillRun.run(work, killedAt: point) }
            }
            for try await isReached in group where isReached { reached += 1 }
            return reached
        }
        print(
            """
            billing kills, \(work.rawValue), BUS_TEST_SEED=\(PropertySettings.seed)
              system calls counted   \(all.count)
              runs                   \(points.count)
              killed at their call   \(reached)
            """)
        // How a request is cut into writes varies a little, so a late one may not come.
        #expect(reached >= points.count * 3 / 4, "too few kills met their call to prove anything")
    }
}

/// One life of a worker that ends at a point, one that goes on after it, and a look at what is left.
private struct KillRun {
    let work: BillingKills.Work
    let deployment: Deployment
    let stripe: LoopbackStripe
    let customer: String
    let events: SQLiteDatabase

    private static let id = "c-kill"
    private static let quantity: Int64 = 7
    private static let account = JSONValue.string(Deployment.account)
    /// A killed worker's lease on a usage lasts for the time of an answer, and the next worker waits for its end.
    private static let environment = ["BUS_BILLING_PROVIDER_TIMEOUT": "3s"]

    private static func with<Value: Sendable>(
        _ work: BillingKills.Work, _ body: @Sendable (KillRun) async throws -> Value
    ) async throws -> Value {
        try await LoopbackStripe.run(start: LoopbackStripe.present) { stripe in
            try await stripe.sellUse()
            let customer = try await stripe.addCustomer(of: Deployment.account)
            let deployment = try Deployment()
            return try await deployment.withEvents { _ in
                try await deployment.withStripe(before: stripe) { _, _ in
                    let events = try await SQLiteDatabase(path: "\(deployment.folder.path)/events.sqlite")
                    let run = KillRun(
                        work: work, deployment: deployment, stripe: stripe, customer: customer, events: events)
                    let value = try await body(run)
                    try events.close()
                    return value
                }
            }
        }
    }

    /// Every point that a worker passes which is left alone.
    static func points(of work: BillingKills.Work) async throws -> [KillPoint] {
        try await with(work) { run in
            try await run.deployment.withBillingWorker(environment: environment) { worker in
                try await run.prepare()
                let points = try await KillPoint.counting(worker) {
                    try await run.request()
                    try await run.settle()
                }
                try await run.check("without a kill")
                return points
            }
        }
    }

    /// True when the worker died at the point; otherwise it died after the work.
    static func run(_ work: BillingKills.Work, killedAt point: KillPoint) async throws -> Bool {
        try await with(work) { run in
            let isReached = try await run.deployment.withBillingWorker(environment: environment) { worker in
                try await run.prepare()
                let isReached = try await point.killing(worker) {
                    try await run.request()
                    try await eventually("the worker died or ended its work") {
                        if worker.output.isComplete { return true }
                        return try await run.isSettled() ? true : nil
                    }
                }
                worker.kill()
                try await worker.end()
                return isReached
            }
            try await run.deployment.withBillingWorker(environment: environment) { _ in
                try await run.settle()
                try await run.check("\(work.rawValue), \(point)")
            }
            return isReached
        }
    }

    /// The account's subscription before: without access for an update that gives it, with access for an export.
    private func prepare() async throws {
        try await deployment.publish(
            BillingEvent.update, [("c-before", update("evt_before", work == .update ? "incomplete" : "active", at: 30))]
        )
        try await settle("c-before", BillingEvent.result)
    }

    private func request() async throws {
        switch work {
        case .update:
            try await deployment.publish(BillingEvent.update, [(Self.id, update("evt_kill", "active", at: 20))])
        case .export:
            let usage: JSONValue = [
                "account_id": Self.account, "event_id": "use-kill", "meter_event_name": "tokens",
                "quantity": .integer(Self.quantity),
            ]
            try await deployment.publish(BillingEvent.export, [(Self.id, usage)])
        }
    }

    private func update(_ eventID: String, _ status: String, at secondsAgo: Int64) -> JSONValue {
        [
            "event_id": .string(eventID), "account_id": Self.account, "provider": "stripe", "status": .string(status),
            "features": ["llm:proxy"], "provider_subscription_id": "sub_1", "provider_customer_id": .string(customer),
            "occurred_at": .string(Timestamp(clampingSeconds: unixNow() - secondsAgo).rfc3339),
        ]
    }

    private var response: String { work == .update ? BillingEvent.result : BillingEvent.exported }

    /// Waits for the answer and for the last acknowledgement; a lost one comes again when its lease ends.
    private func settle(_ id: String = KillRun.id, _ name: String? = nil) async throws {
        try await eventually("\(id) is answered and acknowledged", tries: 12_000) {
            try await isSettled(id, name) ? true : nil
        }
    }

    private func isSettled(_ id: String = KillRun.id, _ name: String? = nil) async throws -> Bool {
        guard try await !answers(id, name).isEmpty else { return false }
        return try await events.read { try $0.rows("SELECT 1 FROM bus_event_deliveries LIMIT 1") }.isEmpty
    }

    private func answers(_ id: String, _ name: String? = nil) async throws -> [JSONValue] {
        try await deployment.stored(name ?? response).filter { $0["correlationId"]?.text == id }
    }

    private func check(_ place: String) async throws {
        let answers = try await answers(Self.id)
        #expect(answers.count == 1, "\(place): \(answers)")
        let answer = answers.first?["payload"]
        try await deployment.publish(
            BillingEvent.check, [("c-check", ["account_id": Self.account, "scope": "llm:proxy"])])
        try await settle("c-check", BillingEvent.checked)
        let check = try await self.answers("c-check", BillingEvent.checked).first
        #expect(check?["payload"]?["allowed"] == true, "\(place): \(check ?? .null)")

        let billing = try await SQLiteDatabase(path: deployment.billingFile)
        let updates = try await billing.read { try $0.rows("SELECT event_id FROM bus_billing_subscription_updates") }
        #expect(updates.count == (work == .update ? 2 : 1), "\(place)")
        switch work {
        case .update:
            #expect(answer?["applied"] == true && answer?["status"] == "active", "\(place): \(answers)")
        case .export:
            #expect(answer?["exported"] == true && answer?["status"] == "exported", "\(place): \(answers)")
            let used = try await billing.read {
                try $0.rows("SELECT used FROM bus_billing_usage_counts").map { try $0.integer(0) }
            }
            #expect(Set(used) == [Self.quantity], "\(place): the buckets hold \(used)")
            let exports = try await billing.read {
                try $0.rows("SELECT state FROM bus_billing_usage_exports").map { try $0.text(0) }
            }
            #expect(exports == ["accepted"], "\(place)")
            let counted = try await stripe.usage(of: "tokens", by: customer)
            #expect(counted == Self.quantity, "\(place)")
            #expect(stripe.made("/v1/billing/meter_events") == 1, "\(place)")
        }
        try billing.close()
    }
}
