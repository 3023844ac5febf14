import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

struct UsageLedgerTests {
    @Test("whatever fails, Stripe counts what the ledger accepted: no unit twice, none without an end")
    func histories() async throws {
        let rounds = Rounds(2_000, proof: 100_000)
        var ends: [String: Int] = [:]
        for await round in rounds {
            var world = UsageWorld(UsageLedgerInMemory(), seed: PropertySettings.seed &+ UInt64(round))
            try await world.run(steps: 80)
            try #require(
                world.faults.isEmpty, "BUS_TEST_SEED=\(PropertySettings.seed &+ UInt64(round)): \(world.faults)")
            for row in world.ledger.rows() { ends[UsageLedgerTests.word(row.state), default: 0] += 1 }
        }
        print(
            """
            usage ledger, BUS_TEST_SEED=\(PropertySettings.seed)
              histories              \(rounds.count)
              usages accepted        \(ends["accepted"] ?? 0)
              usages refused         \(ends["refused"] ?? 0)
              usages unanswered      \(ends["unanswered"] ?? 0)
            """)
        #expect((ends["accepted"] ?? 0) > rounds.count && (ends["refused"] ?? 0) > 0 && (ends["unanswered"] ?? 0) > 0)
    }

    @Test("rules that people write first bill usage twice or not at all", arguments: WrongUsageRule.allCases)
    func wrongRules(_ rule: WrongUsageRule) async throws {
        var wrong = 0
        for round in 0..<UInt64(60_000) where wrong == 0 {
            var world = UsageWorld(UsageLedgerInMemory(wrong: rule), seed: PropertySettings.seed &+ round)
            try await world.run(steps: 80)
            if !world.faults.isEmpty { wrong += 1 }
        }
        #expect(wrong > 0, "\(rule) goes unnoticed")
    }

    private static func word(_ state: UsageState) -> String {
        switch state {
        case .queued: "queued"
        case .sent: "sent"
        case .accepted: "accepted"
        case .refused: "refused"
        case .unanswered: "unanswered"
        }
    }
}
