import BusCore
import TestSupport
import Testing

/// Faults change when Bus learns something, and never what it knows in the end.
///
/// `BUS_TEST_SEED` repeats a run, `BUS_PROOF=1` asks for more of them.
@Suite(.timeLimit(.minutes(60))) struct Convergence {
    @Test("with three of ten calls failing and every tenth webhook never sent, all end with the access they bought")
    func faults() async throws {
        for await round in Rounds(1, proof: 12) {
            let seed = PropertySettings.seed &+ UInt64(round)
            async let calm = ConvergenceTown.run(seed: seed) { town in
                #expect(try await town.live() == [])
                try await town.settle()
                return try await town.access()
            }
            let stormy = try await ConvergenceTown.run(seed: seed, faults: ConvergenceTown.faults) { town in
                try await Self.weather(town, seed: seed)
            }
            let expected = Dictionary(uniqueKeysWithValues: ConvergenceStory.all.map { ($0.name, $0.ends) })
            #expect(try await calm == expected, "BUS_TEST_SEED=\(seed), without faults")
            #expect(try await stormy == calm, "BUS_TEST_SEED=\(seed)")
        }
    }

    @Test("a purchase of which nothing was ever sent is unknown until a worker looks into Stripe's list of events")
    func neverSent() async throws {
        let nothingSent = #"{"webhooks":{"drop_percent":100}}"#
        try await ConvergenceTown.run(seed: PropertySettings.seed, faults: nothingSent) { town in
            let calendar = try await town.buy()
            let unheard = try await town.findUnheard(after: calendar.bought)
            #expect(unheard == Set(ConvergenceStory.all.map(\.name)))
            let unpaid = "pays by a debit that fails"
            try await eventually("everybody may use what was paid") {
                try await town.access().allSatisfy { $0 == unpaid || $1.isAllowed } ? true : nil
            }
        }
    }

    /// Lives through the faults, and waits for what Bus finds out by itself.
    private static func weather(
        _ town: ConvergenceTown, seed: UInt64
    ) async throws -> [String: ConvergenceStory.Access] {
        let unheard = try await town.live()
        // A reading that fails is tried again after five minutes; only a proof waits for those.
        if PropertySettings.rounds(0, proof: 1) == 0 { try await town.dial("{}") }
        try await town.settle()
        let access = try await town.access()
        let webhooks = try await town.webhooks()
        let lost = webhooks.count { $0["state"] == "dropped" }
        print(
            """
            convergence, BUS_TEST_SEED=\(seed)
              webhooks               \(webhooks.count)
              never sent             \(lost)
              found by the walk      \(unheard.sorted())
              found out by asking    \(ConvergenceStory.all.filter { access[$0.name] != $0.ends }.map(\.name))
            """)
        #expect(lost > 0)
        try await town.converge()
        return try await town.access()
    }
}
