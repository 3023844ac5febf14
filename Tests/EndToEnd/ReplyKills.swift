import BusCore
import BusSQL
import TestSupport
import Testing

/// A kill of the Events API between the parts of a `reply` loses nothing and doubles nothing: real processes, SIGKILL at
/// a chosen system call while a worker's answer and its acknowledgement are stored.
@Suite(.timeLimit(.minutes(60))) struct ReplyKills {
    @Test(.enabled("strace can attach here, as it has to in continuous integration") { try await Strace.canAttach() })
    func aKillInsideAReplyLosesNothingAndDoublesNothing() async throws {
        let all = try await ReplyKill.run(at: nil).points
        var random = SeededGenerator(seed: PropertySettings.seed)
        let points = all.shuffled(using: &random).prefix(PropertySettings.rounds(4, proof: .max))
        var reached = 0
        for point in points where try await ReplyKill.run(at: point).isReached { reached += 1 }
        print(
            """
            reply kills, BUS_TEST_SEED=\(PropertySettings.seed)
              system calls counted   \(all.count)
              runs                   \(points.count)
              killed at their call   \(reached)
            """)
        #expect(all.contains { $0.call == "fdatasync" } && all.contains { $0.call == "pwrite64" })
        // How commits are shared varies a little, so a late call may not come.
        #expect(reached >= points.count * 2 / 3, "too few kills met their call to prove anything")
    }
}

/// One life of the Events API that ends at a point, and one that goes on after it; the worker outlives both.
private struct ReplyKill {
    let deployment: Deployment
    let point: KillPoint?

    /// What is asked: a query, a check that holds usage, and a change, so that both classes of commit have replies.
    private static let requests: [(name: String, answer: String, id: String, payload: JSONValue)] = [
        (BillingEvent.status, BillingEvent.statusAnswered, "c-status", ["account_id": account]),
        (
            BillingEvent.check, BillingEvent.checked, "c-check",
            [
                "account_id": account, "scope": "llm:proxy",
                "usage": ["meter_event_name": "tokens", "quantity": .integer(held)],
            ]
        ),
        (BillingEvent.update, BillingEvent.result, "c-update", update("evt_kill")),
    ]
    private static let account = JSONValue.string(Deployment.account)
    private static let held: Int64 = 3

    /// Runs it all; without a point, every point that passes is counted.
    static func run(at point: KillPoint?) async throws -> (isReached: Bool, points: [KillPoint]) {
        let deployment = try Deployment()
        let quotas = try deployment.folder.write(
            #"{"plans":[{"id":"basic","quotas":[{"feature":"llm:proxy","meter_event_name":"tokens","#
                + #""window":"total","limit":100}]}]}"#, to: "quotas.json")
        let environment = deployment.billingEnvironment.merging(["BUS_BILLING_QUOTA_CONFIG": quotas]) { $1 }
        let run = ReplyKill(deployment: deployment, point: point)
        return try await BusProcess.run(
            "bus-integration-billing", deployment.billingArguments, environment: environment
        ) { worker in
            let result = try await deployment.withEvents { events in
                try await Deployment.ready(worker, Listener.operations)
                try await run.ask(BillingEvent.update, "c-before", update("evt_before"))
                try await run.settle(BillingEvent.result, "c-before")
                return try await run.firstLife(of: events)
            }
            try await deployment.withEvents { _ in try await run.check() }
            return result
        }.value
    }

    private static func update(_ eventID: String) -> JSONValue {
        [
            "event_id": .string(eventID), "account_id": account, "provider": "stripe", "status": "active",
            "features": ["llm:proxy"], "plan_id": "basic", "provider_subscription_id": "sub_1",
        ]
    }

    private func firstLife(of events: BusProcess) async throws -> (isReached: Bool, points: [KillPoint]) {
        guard let point else {
            let points = try await KillPoint.counting(events) {
                for request in Self.requests { try await ask(request.name, request.id, request.payload) }
                for request in Self.requests { try await settle(request.answer, request.id) }
            }
            return (false, points)
        }
        let isReached = try await point.killing(events) {
            for request in Self.requests {
                // The kill may come before the answer; the next life is asked again under the same key.
                do { try await ask(request.name, request.id, request.payload) } catch { break }
            }
            try await eventually("the Events API died or everything is answered") {
                if events.output.isComplete { return true }
                // Dead between these two looks, it is complete at the next one.
                return (try? await isSettled()) == true ? true : nil
            }
        }
        events.kill()
        try await events.end()
        return (isReached, [])
    }

    private func check() async throws {
        let place = point.map { "killed at \($0)" } ?? "without a kill"
        for request in Self.requests { try await ask(request.name, request.id, request.payload) }
        for request in Self.requests { try await settle(request.answer, request.id) }
        for request in Self.requests {
            let asked = try await deployment.stored(request.name).filter { $0["correlationId"]?.text == request.id }
            let answers = try await deployment.stored(request.answer).filter {
                $0["correlationId"]?.text == request.id
            }
            #expect(asked.count == 1, "\(place): \(asked)")
            #expect(answers.count == 1, "\(place): \(answers)")
            #expect(answers.first?["error"] == nil, "\(place): \(answers)")
        }
        let billing = try await SQLiteDatabase(path: deployment.billingFile)
        let holds = try await billing.read {
            try $0.rows("SELECT quantity FROM bus_billing_holds").map { try $0.integer(0) }
        }
        #expect(holds == [Self.held], "\(place)")
        let updates = try await billing.read { try $0.rows("SELECT event_id FROM bus_billing_subscription_updates") }
        #expect(updates.count == 2, "\(place)")
        try billing.close()
    }

    private func ask(_ name: String, _ id: String, _ payload: JSONValue) async throws {
        let event: JSONValue = ["name": .string(name), "correlationId": .string(id), "payload": payload]
        let headers = deployment.bearer(Deployment.Subject.requester, Deployment.billingScopes)
        let answer = try await LoopbackClient(deployment.eventsAddress).post(
            "/api/v1/events", event.serialized(), headers: headers.merging(["Idempotency-Key": id]) { $1 })
        guard answer.status == 202 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
    }

    private func settle(_ answer: String, _ id: String) async throws {
        try await eventually("\(id) is answered and acknowledged", tries: 12_000) {
            try await isSettled(answer, id) ? true : nil
        }
    }

    private func isSettled() async throws -> Bool {
        for request in Self.requests where try await !isSettled(request.answer, request.id) { return false }
        return true
    }

    /// Looked for in the file, as the worker's own claims must not be disturbed.
    private func isSettled(_ answer: String, _ id: String) async throws -> Bool {
        guard try await deployment.stored(answer).contains(where: { $0["correlationId"]?.text == id }) else {
            return false
        }
        let events = try await SQLiteDatabase(path: "\(deployment.folder.path)/events.sqlite")
        let open = try await events.read { try $0.rows("SELECT 1 FROM bus_event_deliveries LIMIT 1") }
        try events.close()
        return open.isEmpty
    }
}
