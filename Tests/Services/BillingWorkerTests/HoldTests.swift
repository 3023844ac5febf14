import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@Suite("Holds")
struct HoldTests {
    private static let subject = UsageSubject(
        accountID: BillingBench.account, feature: "llm:proxy", meterEventName: "tokens")

    @Test(
        "a granted check says what it holds and until when, and settling it frees all of it",
        arguments: TestStore.allCases)
    func settledByName(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            let first = try await bench.check(quantity: 60, id: "check_1")
            let second = try await bench.check(quantity: 40, id: "check_2")
            #expect(first["hold_id"] == "check_1" && second["hold_id"] == "check_2")
            #expect(
                first["hold_until"]?.text
                    == BillingBench.noon.advanced(bySeconds: Limits.quotaHoldSeconds).rfc3339)
            #expect(try await bench.check(quantity: 1, id: "check_3")["reason"] == "quota_exceeded")
            // 40 were planned and 10 used: the other 30 are free at once, and the 60 stay held.
            #expect(try await bench.export("use_1", 10, more: ["hold_id": "check_2"])["exported"] == true)
            #expect(try await bench.check(quantity: 31, id: "check_4")["allowed"] == false)
            #expect(try await bench.check(quantity: 30, id: "check_5")["allowed"] == true)
        }
    }

    @Test("usage that names no hold settles the oldest of its meter", arguments: TestStore.allCases)
    func settledByAge(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            let second = BillingBench.noon.advanced(bySeconds: 1)
            _ = try await bench.check(quantity: 90, id: "check_1")
            _ = try await bench.check(quantity: 5, id: "check_2", at: second)
            #expect(try await bench.export("use_1", 30, at: second)["exported"] == true)
            // 30 are used and 5 held.
            #expect(try await bench.check(quantity: 66, id: "check_3", at: second)["allowed"] == false)
            #expect(try await bench.check(quantity: 65, id: "check_4", at: second)["allowed"] == true)
        }
    }

    @Test("a hold that another usage has settled, or nobody made, changes nothing", arguments: TestStore.allCases)
    func unknownHold(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            _ = try await bench.check(quantity: 50, id: "check_1")
            for key in ["use_1", "use_2"] {
                _ = try await bench.export(key, 10, more: ["hold_id": "check_0"])
            }
            #expect(try await bench.check(quantity: 31, id: "check_2")["allowed"] == false)
            #expect(try await bench.check(quantity: 30, id: "check_3")["allowed"] == true)
        }
    }

    @Test("a check that only asks holds nothing", arguments: TestStore.allCases)
    func onlyAsking(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            for number in 0..<5 {
                let answer = try await bench.check(quantity: 100, id: "check_\(number)", holds: false)
                #expect(answer["allowed"] == true && answer["hold_id"] == nil && answer["hold_until"] == nil)
            }
            #expect(try await bench.check(quantity: 100, id: "check_6")["hold_id"] == "check_6")
        }
    }

    @Test("without a limit nothing is held, so nothing is written", arguments: TestStore.allCases)
    func unlimited(_ store: TestStore) async throws {
        try await BillingBench.run(on: store, catalog: nil) { bench in
            try await bench.update("evt_1", "active")
            let answer = try await bench.check(quantity: 1_000_000, id: "check_1")
            #expect(answer == ["allowed": true, "reason": "billing_active", "plan_id": "basic"])
        }
    }

    @Test(
        "holds that have ended count nothing, however many there are, and refused checks remove them bit by bit",
        arguments: TestStore.allCases)
    func endedHolds(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", plan: "pro")
            let ended = Limits.endedHoldsForgottenMax * 4 + 1
            try await bench.database.write { connection in
                let store = UsageStore(connection, in: .test)
                for number in 0..<ended {
                    _ = try store.hold(20, of: HoldTests.subject, id: "old_\(number)", at: BillingBench.noon)
                }
            }
            func stored() async throws -> Int64? {
                try await bench.database.read {
                    try $0.first("SELECT COUNT(*) FROM bus_billing_holds", [])?.integer(0)
                }
            }
            #expect(try await bench.check(quantity: 1_980, id: "full")["allowed"] == true)
            #expect(try await bench.check(quantity: 1, id: "over")["reason"] == "quota_exceeded")
            let later = BillingBench.noon.advanced(bySeconds: Limits.quotaHoldSeconds)
            #expect(try await bench.check(quantity: 10_000, id: "none", at: later, holds: false)["allowed"] == true)
            #expect(try await stored() == Int64(ended + 1), "a check that only asks writes nothing")
            for number in 1...4 {
                let refused = try await bench.check(quantity: 10_001, id: "more_\(number)", at: later)
                #expect(refused["reason"] == "quota_exceeded")
                #expect(try await stored() == Int64(ended + 1 - number * Limits.endedHoldsForgottenMax))
            }
            #expect(try await bench.check(quantity: 10_001, id: "more_5", at: later)["allowed"] == false)
            #expect(try await stored() == 0)
        }
    }

    @Test("holds and usage of test mode never count in live mode", arguments: TestStore.allCases)
    func modes(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            _ = try await bench.check(quantity: 50, id: "check_1")
            _ = try await bench.export("use_1", 50)
            #expect(try await bench.check(quantity: 60, id: "check_2")["allowed"] == false)
            try await bench.update("evt_2", "active", subscription: "sub_live", more: ["livemode": true])
            #expect(try await bench.used("month") == 0)
            #expect(try await bench.check(quantity: 100, id: "check_3")["allowed"] == true)
        }
    }
}
