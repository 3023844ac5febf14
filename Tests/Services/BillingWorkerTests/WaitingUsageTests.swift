import BillingCore
import BillingStorage
import BusContract
import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

/// Usage that cannot be handed over now is owed, and nobody has to ask again.
struct WaitingUsageTests {
    private static let other = "00000000-0000-4000-8000-000000000002"
    private static let silence = UsageOutcome.unknown(reason: "stripe_unavailable")
    private static let keyRefused = UsageOutcome.notTaken(reason: "stripe_auth_failed")

    private static func later(_ seconds: Int64) -> Timestamp { BillingBench.noon.advanced(bySeconds: seconds) }

    @Test(
        "two accounts report usage under one id, and one event is on two meters: each is billed",
        arguments: TestStore.allCases)
    func oneKeyInManyPlaces(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            try await bench.update(
                "evt_2", "active", subscription: "sub_2",
                more: ["account_id": .string(Self.other), "provider_customer_id": "cus_2"])
            #expect(try await bench.export("use_1", 1_200)["exported"] == true)
            #expect(try await bench.export("use_1", 700, of: Self.other)["exported"] == true)
            #expect(try await bench.export("use_1", 3, meter: "images")["exported"] == true)
            let usages = bench.provider.usages
            #expect(usages.map(\.quantity) == [1_200, 700, 3])
            #expect(usages.map(\.customerID) == ["cus_1", "cus_2", "cus_1"])
            #expect(Set(usages.map(\.idempotencyKey)).count == 3)
            #expect(usages.allSatisfy { $0.eventID == "use_1" && $0.idempotencyKey?.hasPrefix("use_1~") == true })
            #expect(try await bench.export("use_1", 700, of: Self.other)["idempotency_key"] == "use_1")
        }
    }

    @Test("a key of more than 60 characters goes to the payment company as its hash", arguments: TestStore.allCases)
    func longKey(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            let (short, long) = (String(repeating: "k", count: 60), String(repeating: "k", count: 61))
            for key in [short, long] { #expect(try await bench.export(key, 1)["idempotency_key"] == .string(key)) }
            let keys = bench.provider.usages.compactMap(\.idempotencyKey)
            #expect(keys[0] == "\(short)~\(BillingBench.place)")
            #expect(keys[1].count == 64 + 13 && keys[1].hasSuffix("~\(BillingBench.place)"))
        }
    }

    @Test(
        "what nobody answered is sent again by itself under its key and to its customer, and counts once",
        arguments: TestStore.allCases)
    func silence(_ store: TestStore) async throws {
        let provider = ScriptedProvider(outcomes: [Self.silence, Self.silence])
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            let answer = try await bench.export("use_1", 30, id: "bus_1")
            #expect(answer["status"] == "failed" && answer["exported"] == false && answer["queued"] == true)
            try await bench.update(
                "evt_2", "active", at: 1 + BillingBench.noon.seconds, more: ["provider_customer_id": "cus_9"])
            try await bench.send(at: Self.later(1))
            #expect(bench.provider.usages.count == 1)
            try await bench.send(at: Self.later(10))
            #expect(bench.provider.usages.count == 2)
            #expect(try await bench.used("month") == 0)
            try await bench.send(at: Self.later(60))
            #expect(Set(bench.provider.usages.map(\.idempotencyKey)).count == 1)
            #expect(Set(bench.provider.usages.map(\.customerID)) == ["cus_1"])
            #expect(Set(bench.provider.usages.map(\.occurredAt)) == [BillingBench.noon])
            #expect(try await bench.row("use_1")?.state.isAccepted == true)
            #expect(try await bench.used("minute") == 30)
            try await bench.send(at: Self.later(86_400))
            #expect(bench.provider.usages.count == 3)
            // The event that was answered comes again: it gets the answer it got.
            #expect(try await bench.export("use_1", 30, id: "bus_1") == answer)
        }
    }

    @Test("usage without a customer waits until the customer is known", arguments: TestStore.allCases)
    func customer(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", more: ["provider_customer_id": ""])
            #expect(try await bench.export("use_1", 30)["queued"] == true)
            try await bench.send(at: Self.later(60))
            #expect(bench.provider.usages.isEmpty)
            try await bench.update("evt_2", "active", at: BillingBench.noon.seconds + 1)
            try await bench.send(at: Self.later(7_200))
            #expect(bench.provider.usages.map(\.customerID) == ["cus_1"])
            #expect(try await bench.used("minute") == 30)
        }
    }

    @Test(
        "what is certainly not taken waits for weeks, and ends when the payment company takes it no more",
        arguments: TestStore.allCases)
    func tooOld(_ store: TestStore) async throws {
        let provider = ScriptedProvider(outcomes: Array(repeating: Self.keyRefused, count: 1_000))
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            #expect(try await bench.export("use_1", 30)["reason"] == "stripe_auth_failed")
            for day in 1..<35 { try await bench.send(at: Self.later(Int64(day) * 86_400)) }
            #expect(try await bench.row("use_1")?.state == .queued)
            try await bench.send(at: Self.later(35 * 86_400))
            #expect(try await bench.row("use_1")?.state == .refused(reason: "too_old"))
            #expect(try await bench.row("use_1")?.dueAt == nil)
            let late = Self.later(36 * 86_400)
            let answer = try await bench.export("use_1", 30, at: late)
            #expect(answer["queued"] == true && answer["reason"] == "stripe_auth_failed")
            #expect(try await bench.export("use_2", 30, usedAt: BillingBench.noon, at: late)["reason"] == "too_old")
        }
    }

    @Test(
        "while a payment company is away only so many usages are told; what was not told cannot be lost",
        arguments: TestStore.allCases)
    func outage(_ store: TestStore) async throws {
        let count = Limits.usageUnansweredMax + 20
        let provider = ScriptedProvider(outcomes: Array(repeating: Self.silence, count: Limits.usageUnansweredMax))
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            for number in 0..<count {
                let answer = try await bench.export("use_\(number)", 1)
                let reason = number < Limits.usageUnansweredMax ? "stripe_unavailable" : "provider_busy"
                #expect(answer["reason"]?.text == reason && answer["queued"] == true)
            }
            #expect(bench.provider.usages.count == Limits.usageUnansweredMax)
            try await bench.send(at: Self.later(30))
            #expect(bench.provider.usages.count == Limits.usageUnansweredMax + count)
            #expect(try await bench.used("month") == Int64(count))
            #expect(try await bench.requests.sender.desk.waitingUsage().nextDue == nil)
        }
    }

    @Test("two workers on one database never send a usage at the same time", arguments: TestStore.allCases)
    func twoWorkers(_ store: TestStore) async throws {
        let provider = ScriptedProvider(outcomes: Array(repeating: Self.silence, count: 40))
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            for number in 0..<40 { _ = try await bench.export("use_\(number)", 1) }
            let (desk, terms) = (bench.requests.sender.desk, bench.provider.terms)
            let taken = try await withThrowingTaskGroup(of: [UsageSending].self) { group in
                for _ in 0..<8 { group.addTask { try await desk.beginDue(terms, at: Self.later(30)).sendings } }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(taken.count == 40)
            #expect(Set(taken.map(\.export.key)).count == 40)
            // Who died with them loses them when the lease ends, not before.
            let lease = terms.answerSeconds + Limits.usageLeaseMarginSeconds
            #expect(try await desk.beginDue(terms, at: Self.later(30 + lease - 1)).sendings.isEmpty)
            #expect(try await desk.beginDue(terms, at: Self.later(30 + lease)).sendings.count == Limits.usageRoundMax)
        }
    }

    @Test(
        "a request for usage that another worker hands over comes again for its answer", arguments: TestStore.allCases)
    func underWay(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            var request = UsageExportRequest()
            (request.accountID, request.feature, request.meterEventName) = (BillingBench.account, "llm:proxy", "tokens")
            (request.eventID, request.quantity) = ("use_1", 30)
            _ = try await bench.requests.sender.desk.beginExport(
                request, usedAt: BillingBench.noon, bench.provider.terms, eventID: "bus_1", at: BillingBench.noon)
            let response = await bench.ask(Exchange.usageExport.request, BillingBench.usage("use_1", 30), id: "bus_1")
            #expect(response.error?.code == "billing_unavailable")
            #expect(bench.provider.usages.isEmpty)
            let after = Self.later(bench.provider.terms.answerSeconds + Limits.usageLeaseMarginSeconds)
            #expect(try await bench.export("use_1", 30, id: "bus_1", at: after)["exported"] == true)
        }
    }

    @Test(
        "usage of test mode is not sent once the deployment is live, and comes to its end all the same",
        arguments: TestStore.allCases)
    func modes(_ store: TestStore) async throws {
        let provider = ScriptedProvider(outcomes: [Self.keyRefused])
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "active")
            #expect(try await bench.export("use_1", 30)["queued"] == true)
            try await bench.update("evt_2", "active", subscription: "sub_2", more: ["livemode": true])
            for day in 1...36 { try await bench.send(at: Self.later(Int64(day) * 86_400)) }
            #expect(bench.provider.usages.count == 1)
            #expect(try await bench.row("use_1")?.state == .refused(reason: "too_old"))
            #expect(try await bench.export("use_1", 31, at: Self.later(1))["exported"] == true)
        }
    }

    @Test(
        "usage reported after the end counts if it was used before; what was used after the end does not",
        arguments: TestStore.allCases)
    func late(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", more: ["kind": "created", "provider_status": "active"])
            try await bench.update(
                "evt_2", "canceled", at: BillingBench.noon.seconds + 30,
                more: ["kind": "deleted", "provider_status": "canceled"])
            let now = Self.later(600)
            #expect(try await bench.export("use_1", 1, usedAt: Self.later(25), at: now)["exported"] == true)
            for (key, usedAt) in [("use_2", Self.later(30)), ("use_3", Self.later(-1)), ("use_4", nil)] {
                let answer = try await bench.export(key, 1, usedAt: usedAt, at: now)
                #expect(answer["reason"] == "billing_required" && answer["queued"] == nil, "\(key)")
            }
            // Who had the time wrong says it again.
            #expect(try await bench.export("use_2", 1, usedAt: Self.later(29), at: now)["exported"] == true)
            #expect(bench.provider.usages.map(\.customerID) == ["cus_1", "cus_1"])
        }
    }

    @Test(
        "usage that Stripe refuses afterwards leaves the quotas, and a repetition goes out under a new key",
        arguments: TestStore.allCases)
    func refusedAfterwards(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            _ = try await bench.export("use_1", 30)
            let key = JSONValue.string("use_1~\(BillingBench.place)")
            let refusal: JSONValue = [
                "provider": "stripe", "livemode": false,
                "usages": [
                    ["idempotency_key": key, "reason": "meter_event_customer_not_found"],
                    ["idempotency_key": "unheard-of", "reason": "no_meter"],
                ],
            ]
            for _ in 0..<2 {
                let result = try await bench.answer(Exchange.usageRefusal.request, refusal, id: "bus_9")
                #expect(result == ["marked": 1])
            }
            #expect(try await bench.answer(Exchange.usageRefusal.request, refusal) == ["marked": 0])
            #expect(try await bench.row("use_1")?.state == .refused(reason: "meter_event_customer_not_found"))
            #expect(try await bench.used("month") == 0)
            #expect(try await bench.export("use_1", 30)["exported"] == true)
            #expect(bench.provider.usages.last?.idempotencyKey == "use_1~\(BillingBench.place).2")
            #expect(try await bench.used("month") == 30)
        }
    }

    @Test(
        "a quantity out of range is refused with the range and with what takes usage back",
        arguments: ["0.5", "0", "-100", "1000000000000000"])
    func range(_ quantity: String) async throws {
        try await BillingBench.run { bench in
            let usage: JSONValue = ["account_id": .string(BillingBench.account), "quantity": .number(quantity)]
            let message = await bench.ask(Exchange.usageExport.request, usage).error?.message ?? ""
            #expect(message.contains("from 1 to 999999999999999"))
            #expect(message.contains("meter event adjustment"))
        }
    }

    @Test("the pages say of each failure whether usage waits or is refused")
    func documented() throws {
        let rows = try ContractTable("billing", "Usage that waits").rows
        for row in rows {
            for code in ContractTable.words(in: row[0]) {
                let isRetryable = ErrorCode(rawValue: code)?.isRetryable ?? false
                let outcome = UsageOutcome(failure: code, isRetryable: isRetryable, isCertain: false)
                let word = if case .refused = outcome { "refused" } else { "waits" }
                #expect(row[1].hasPrefix(word), "\(code)")
            }
        }
        let documented = Set(rows.flatMap { ContractTable.words(in: $0[0]) })
        #expect(UsageOutcome.deploymentFaults.isSubset(of: documented))
    }
}
