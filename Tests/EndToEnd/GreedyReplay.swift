import BusCore
import Synchronization
import TestSupport
import Testing

/// Readers that replay the log again and again keep nobody waiting for good, and are not stopped for good either.
@Suite(.timeLimit(.minutes(10))) struct GreedyReplay {
    private static let readers = 4
    private static let events = 10_000
    private static let rounds = 5

    @Test func checksAreAnsweredAndWebhooksStoredWhileReplaysGoOn() async throws {
        _ = try await BillingAPIBench.run { bench in
            let deployment = bench.deployment
            try await deployment.withEvents { _ in
                try await deployment.publish(
                    BillingEvent.result, (0..<Self.events).map { ("\($0)", ["number": .integer(Int64($0))]) })
                try await deployment.withBillingWorker { _ in
                    try await bench.ready()
                    try await deployment.withIngress { ingress, _ in
                        try await beside(deployment) { replays in
                            for number in 0..<Self.rounds {
                                let read = replays.count
                                let check = try await bench.check("llm:proxy")
                                #expect(check.status == 200, "\(check.text)")
                                let webhook = deployment.webhook("evt_greedy_\(number)")
                                let answer = try await webhook.send(to: ingress)
                                #expect(answer.status == 200, "\(answer.text)")
                                try await eventually("a replay comes to its end", tries: 60_000) {
                                    replays.count > read ? true : nil
                                }
                            }
                        }
                    }
                }
                let stored = try await deployment.storedEventIDs()
                #expect(stored == (0..<Self.rounds).map { "evt_greedy_\($0)" })
            }
        }
    }

    /// The replays that came to their end.
    private final class Replays: Sendable {
        private let ended = Atomic(0)
        private let isOver = Atomic(false)

        var count: Int { ended.load(ordering: .acquiring) }
        var goesOn: Bool { !isOver.load(ordering: .acquiring) }

        func end() { ended.add(1, ordering: .acquiringAndReleasing) }
        func stop() { isOver.store(true, ordering: .releasing) }
    }

    /// Runs `body` while some readers replay everything, each again as soon as it has all.
    private func beside(
        _ deployment: Deployment, _ body: @Sendable (Replays) async throws -> Void
    ) async throws {
        let replays = Replays()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<Self.readers {
                group.addTask {
                    while replays.goesOn {
                        let events = try await deployment.stored(BillingEvent.result).count
                        #expect(events >= Self.events)
                        replays.end()
                    }
                }
            }
            defer { replays.stop() }
            try await body(replays)
            replays.stop()
            try await group.waitForAll()
        }
    }
}
