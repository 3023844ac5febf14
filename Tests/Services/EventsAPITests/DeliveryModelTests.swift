import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// Random calls, and crashes between and inside them, against `DeliveryModel`; on PostgreSQL two nodes take turns.
struct DeliveryModelTests {
    @Test("whatever consumers do and whenever a process dies, every store holds what the rules say")
    func oneProcess() async throws {
        for store in TestStore.allCases {
            for round in 0..<PropertySettings.rounds(2, proof: 50) {
                let seed = PropertySettings.seed &+ UInt64(round)
                print("delivery model: \(store.rawValue), BUS_TEST_SEED=\(seed)")
                var walk = DeliveryWalk(seed: seed)
                var database = try await store.open()
                for _ in 0..<PropertySettings.rounds(6, proof: 10) where walk.faults.isEmpty {
                    walk = try await segment(of: walk, database, store)
                    if store != .memory {
                        // Its connections are gone, as after a crash; what was committed is there.
                        let again = try await database.openAgain()
                        try database.close()
                        database = again
                    }
                }
                try database.close()
                #expect(walk.faults.isEmpty, "BUS_TEST_SEED=\(seed) \(store.rawValue): \(walk.faults.prefix(3))")
                #expect(walk.claims > 20 && walk.acknowledged > 10, "too little happened")
            }
        }
    }

    private func segment(
        of walk: DeliveryWalk, _ database: TestDatabase, _ store: TestStore
    ) async throws -> DeliveryWalk {
        try await EventBench.run(over: database) { one in
            guard store == .postgres else { return try await steps(walk, [one]) }
            let second = try await database.openAgain()
            let after = try await EventBench.run(over: second) { try await steps(walk, [one, $0]) }
            try second.close()
            return after
        }
    }

    private func steps(_ walk: DeliveryWalk, _ nodes: [EventBench]) async throws -> DeliveryWalk {
        var walk = walk
        for node in nodes { node.clock.advance(walk.model.now - node.clock.now.seconds) }
        for step in 0..<PropertySettings.rounds(40, proof: 60) where walk.faults.isEmpty {
            try await walk.step(nodes)
            try await walk.compare(nodes[step % nodes.count])
        }
        if walk.faults.isEmpty { try await walk.compareLog(nodes[0]) }
        return walk
    }
}
