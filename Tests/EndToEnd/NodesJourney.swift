import BusCore
import BusRuntime
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// Real Events APIs on one PostgreSQL database.
@Suite("Several nodes", .timeLimit(.minutes(10))) struct NodesJourney {
    @Test("a subscriber of one node gets what is published on the other")
    func acrossNodes() async throws {
        let nodes = try Nodes(on: try PostgresCluster.shared.address())
        try await nodes.run(0) { _ in
            try await nodes.run(1) { _ in
                try await withThrowingTaskGroup(of: JSONValue?.self) { group in
                    group.addTask { try await nodes.stream(1, "limit=1").lines.first }
                    group.addTask {
                        // The stream begins at now, which nobody sees from outside; so events go on until it has one.
                        for number in 0... {
                            guard !Task.isCancelled else { break }
                            try await nodes.publish("across \(number)", first: 0)
                        }
                        return nil
                    }
                    let line = try await group.next() ?? nil
                    group.cancelAll()
                    #expect(line?["name"]?.text == Nodes.name)
                }
            }
        }
    }

    /// How a node ends, again and again, one after the other.
    enum Ending: String, CaseIterable {
        case killed, restarted
    }

    @Test(
        "nodes that end under load, killed or by a rolling restart, lose nothing and apply nothing twice",
        arguments: Ending.allCases)
    func endings(_ ending: Ending) async throws {
        let nodes = try Nodes(on: try PostgresCluster.shared.address())
        let lasts = Duration.seconds(PropertySettings.rounds(6, proof: 120))
        let ends = Tally()
        let isOver = Signal()
        let applied = Tally()
        let accepted = try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<2 {
                group.addTask {
                    while !isOver.isClosed {
                        try await nodes.run(number) { process in
                            let start = ContinuousClock.now
                            // The nodes take turns, a few seconds each; the second one starts in the middle.
                            let life = Duration.milliseconds(number == 0 ? 1_500 : 2_500)
                            try await eventually("its time is over", tries: 60_000) {
                                isOver.isClosed || start.duration(to: .now) > life ? true : nil
                            }
                            if isOver.isClosed { return }
                            if ending == .killed { process.kill() } else { process.terminate() }
                            try await process.end()
                            ends.add(["\(number) \(ends.count)"])
                        }
                    }
                }
            }
            let start = ContinuousClock.now
            let accepted = try await nodes.work(publishers: 32, workers: 8, applied: applied) {
                start.duration(to: .now) > lasts
            }
            isOver.close()
            try await group.waitForAll()
            return accepted
        }
        let found = Mutex<[String]>([])
        try await nodes.run(0) { _ in
            let keys = try await nodes.stored()
            found.withLock { $0 = keys }
        }
        let stored = found.withLock { $0 }
        let count = ends.count
        print(
            """
            nodes \(ending.rawValue) under load
              endings of a node      \(count)
              events acknowledged    \(accepted.count)
              events stored          \(stored.count)
              events applied         \(applied.count)
              delivered once more    \(applied.repeats)
            """)
        #expect(count >= 2 && accepted.count > 100, "too little happened to prove anything")
        #expect(stored.count == accepted.count && Set(stored) == accepted.keys)
        #expect(applied.keys == accepted.keys)
        // Only what was under way when a node ended may come again: a page of each worker.
        #expect(applied.repeats <= count * 8 * 8, "\(applied.repeats) deliveries came again")
    }
}
