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
        let cluster = try PostgresCluster(.slow)
        let nodes = try Nodes(on: cluster.address())
        let lasts = Duration.seconds(PropertySettings.rounds(6, proof: 120))
        let ends = Tally()
        let isOver = Signal()
        let work = NodeWork()
        try await withThrowingTaskGroup(of: Void.self) { group in
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
            try await work.run(on: nodes, publishers: 32, workers: 8) { start.duration(to: .now) > lasts }
            isOver.close()
            try await group.waitForAll()
        }
        let count = ends.count
        try await nodes.run(0) { _ in
            // Only what was under way when a node ended may come again: a page of each worker.
            work.check(
                "nodes \(ending.rawValue) under load", stored: try await nodes.stored(), repeatsMax: count * 8 * 8,
                "endings of a node      \(count)")
        }
        #expect(count >= 2, "too few nodes ended to prove anything")
    }
}
