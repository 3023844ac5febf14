import BillingCore
import BusContract
import BusCore
import BusSQL
import TestSupport
import Testing

/// Many requests at once through the real Events API and worker: a limit holds, and the order of arrival is no matter.
@Suite(.timeLimit(.minutes(10))) struct BillingLoad {
    @Test func parallelChecksNeverGrantMoreThanTheLimit() async throws {
        let limit: Int64 = 1_000
        let count = PropertySettings.rounds(1_000, proof: 10_000)
        var random = SeededGenerator(seed: PropertySettings.seed)
        let quantities = (0..<count).map { _ in Int64.random(in: 1...5, using: &random) }
        let deployment = try Deployment()
        let quotas = try deployment.folder.write(
            #"{"plans":[{"id":"basic","quotas":[{"feature":"llm:proxy","meter_event_name":"tokens","#
                + #""window":"total","limit":\#(limit)}]}]}"#, to: "quotas.json")
        let environment = ["BUS_BILLING_QUOTA_CONFIG": quotas, "BUS_WORKER_CONCURRENCY": "64"]
        let granted = try await deployment.withEvents { _ in
            try await deployment.withBillingWorker(environment: environment) { _ in
                let events = try await EventFile(deployment)
                try await deployment.publish(BillingEvent.update, [("c", Self.activation)])
                try await events.settle(1, BillingEvent.result)
                let checks = quantities.enumerated().map { index, quantity -> (id: String, payload: JSONValue) in
                    let usage: JSONValue = ["meter_event_name": "tokens", "quantity": .integer(quantity)]
                    return (
                        "\(index)", ["account_id": .string(Deployment.account), "scope": "llm:proxy", "usage": usage]
                    )
                }
                try await deployment.publish(BillingEvent.check, checks)
                try await events.settle(count, BillingEvent.checked)
                let answers = try await deployment.stored(BillingEvent.checked)
                #expect(Set(answers.compactMap { $0["correlationId"]?.text }).count == count)
                #expect(answers.allSatisfy { $0["payload"]?["allowed"] != nil }, "a check failed")
                return answers.filter { $0["payload"]?["allowed"] == true }
                    .compactMap { $0["correlationId"]?.text.flatMap { Int($0) } }
            }
        }
        let sum = granted.map { quantities[$0] }.reduce(0, +)
        print("quota load, BUS_TEST_SEED=\(PropertySettings.seed): \(granted.count) of \(count) granted, sum \(sum)")
        #expect(sum <= limit)
        // What fits is granted, so less is left than the largest check asks for.
        #expect(sum > limit - 5)
    }

    private static let activation: JSONValue = [
        "event_id": "evt_load", "account_id": .string(Deployment.account), "provider": "stripe", "status": "active",
        "features": ["llm:proxy"], "plan_id": "basic", "provider_subscription_id": "sub_1",
    ]

    @Test func shuffledUpdatesEndInTheStateOfTheirSetAcrossAKill() async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let accounts = (0..<PropertySettings.rounds(200, proof: 2_000)).map { AccountHistory($0, &random) }
        let told = accounts.flatMap(\.updates)
        var sent = told
        while sent.count < accounts.count * 10 { sent.append(told[Int.random(in: 0..<told.count, using: &random)]) }
        sent.shuffle(using: &random)
        let requests = try sent.enumerated().map { ("\($0)", try $1.payload.value()) }
        let moment = Int.random(in: sent.count / 10..<sent.count / 2, using: &random)

        let deployment = try Deployment()
        let statuses = try await deployment.withEvents { _ in
            let events = try await EventFile(deployment)
            try await deployment.withBillingWorker { worker in
                try await deployment.publish(BillingEvent.update, requests)
                try await eventually("\(moment) updates were answered", tries: 60_000) {
                    try await events.count(BillingEvent.result) >= moment ? true : nil
                }
                worker.kill()
                try await worker.end()
            }
            let before = try await events.count(BillingEvent.result)
            #expect(before < requests.count, "the kill came after the work; nothing was proved")
            return try await deployment.withBillingWorker { _ in
                try await events.settle(requests.count, BillingEvent.result)
                try await deployment.publish(
                    BillingEvent.status, accounts.map { ($0.id, ["account_id": .string($0.id)]) })
                try await events.settle(accounts.count, BillingEvent.statusAnswered)
                return try await deployment.stored(BillingEvent.statusAnswered)
            }
        }
        let results = statuses.reduce(into: [:]) { $0[$1["correlationId"]?.text ?? ""] = $1["payload"] }
        let wrong = accounts.filter { !$0.agrees(with: results[$0.id]) }
        print(
            """
            update load, BUS_TEST_SEED=\(PropertySettings.seed)
              accounts               \(accounts.count)
              updates told           \(told.count)
              updates sent           \(sent.count)
              answered at the kill   \(moment)
              accounts that differ   \(wrong.count)
            """)
        #expect(wrong.isEmpty, "\(wrong.first?.id ?? "")")
        let file = try await SQLiteDatabase(path: deployment.billingFile)
        let rows = try await file.read { try $0.rows("SELECT event_id FROM bus_billing_subscription_updates") }
        #expect(rows.count == told.count)
        try file.close()
    }
}

/// One account's history, and the state that follows from its set of updates.
private struct AccountHistory {
    let id: String
    let updates: [SubscriptionUpdate]

    init(_ index: Int, _ random: inout SeededGenerator) {
        let digits = String(index)
        let account = "00000000-0000-4000-8000-" + String(repeating: "0", count: 12 - digits.count) + digits
        id = account
        updates = SubscriptionHistory(count: Int.random(in: 1...8, using: &random), sameSecond: 60, &random)
            .updates.enumerated().map { number, update in
                var update = update
                update.accountID = account
                update.eventID = "evt_\(index)_\(number)"
                update.providerSubscriptionID = "sub_\(index)"
                return update
            }
    }

    func agrees(with status: JSONValue?) -> Bool {
        guard let standing = SubscriptionHistory.decided(updates)?.standing else { return false }
        let features = standing.status == .active ? standing.features : []
        return status?["status"]?.text == standing.status.rawValue && status?["plan_id"]?.text == standing.planID
            && status?["features"]?.elements == features.map { .string($0) }
    }
}

/// The event log, counted where it is stored: streams of thousands of events are too long to ask for again and again.
private struct EventFile {
    private let database: SQLiteDatabase

    init(_ deployment: Deployment) async throws {
        database = try await SQLiteDatabase(path: "\(deployment.folder.path)/events.sqlite")
    }

    func count(_ name: String) async throws -> Int {
        try await database.read {
            Int(try $0.first("SELECT COUNT(*) FROM bus_events WHERE name = $1", [.text(name)])?.integer(0) ?? 0)
        }
    }

    /// Waits for so many events of a name and for the last acknowledgement; no event more may have come by then.
    func settle(_ count: Int, _ name: String) async throws {
        try await eventually("\(count) \(name) are stored", tries: 60_000) {
            let isStored = try await self.count(name) >= count
            let isHandled = try await isAcknowledged()
            return isStored && isHandled ? true : nil
        }
        #expect(try await self.count(name) == count)
    }
    private func isAcknowledged() async throws -> Bool {
        try await database.read { try $0.rows("SELECT 1 FROM bus_event_deliveries LIMIT 1") }.isEmpty
    }
}
