import BusCore
import BusRuntime
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// PostgreSQL stops, stands still or moves while two nodes work; requests get 503, and all goes on by itself.
@Suite("A database that is away", .timeLimit(.minutes(15))) struct DatabaseAway {
    enum Absence: String, CaseIterable {
        /// Every connection is refused.
        case stopped
        /// Connections stand, and nothing is answered.
        case frozen

        /// Longer than the nodes wait for a silent database.
        var seconds: Int { self == .stopped ? PropertySettings.rounds(2, proof: 30) : 20 }
    }

    @Test("it is answered with 503, and the nodes recover by themselves", arguments: Absence.allCases)
    func away(_ absence: Absence) async throws {
        let cluster = try PostgresCluster(.slow)
        let nodes = try Nodes(on: cluster.address())
        let isOver = Signal()
        let work = NodeWork()
        try await nodes.run(0) { first in
            try await nodes.run(1) { _ in
                let client = LoopbackClient(nodes.addresses[0])
                async let worked: Void = work.run(on: nodes, publishers: 8, workers: 2) { isOver.isClosed }
                try await eventually("there is load") { work.applied.count > 20 ? true : nil }
                absence == .stopped ? cluster.stop() : cluster.freeze()
                let start = ContinuousClock.now
                let wait = Duration.seconds(absence.seconds)
                var (refusals, longest) = (0, Duration.zero)
                try await eventually("the database was away long enough") {
                    let asked = ContinuousClock.now
                    let status = try await nodes.post("asked", name: "example.asked", to: 0)
                    longest = max(longest, asked.duration(to: .now))
                    #expect(status == 503)
                    refusals += 1
                    return start.duration(to: .now) < wait ? nil : true
                }
                #expect(try await client.get("/readyz").status == 503)
                #expect(try await client.get("/livez").status == 200)
                let before = work.applied.count
                absence == .stopped ? cluster.start() : cluster.thaw()
                let back = ContinuousClock.now
                try await eventually("it works again", tries: 3_000) { work.applied.count > before + 20 ? true : nil }
                let recovery = back.duration(to: .now)
                try await eventually("it is ready again") {
                    try await client.get("/readyz").status == 200 ? true : nil
                }
                isOver.close()
                try await worked
                work.check(
                    "database \(absence.rawValue) for \(absence.seconds) s under load",
                    stored: try await nodes.stored(), repeatsMax: 2 * 8, "refusals counted       \(refusals)",
                    "longest refusal        \(longest.components.seconds) s",
                    "recovery               \(recovery.components.seconds) s")
                // Its own limit of a statement, the silence beyond that and the time to connect; then a slow machine
                // that runs other tests beside this one.
                let bound =
                    Limits.postgresStatementSeconds + Limits.postgresSilenceSeconds + Limits.postgresConnectSeconds
                let patience = 15
                #expect(longest < .seconds(bound + patience))
                #expect(recovery < .seconds(patience))
                first.terminate()
                try await first.end()
            }
        }
    }

    @Test("a fail-over to a standby loses nothing that was acknowledged")
    func failOver() async throws {
        let cluster = try PostgresCluster(.replicated)
        cluster.addStandby()
        let nodes = try Nodes(on: cluster.addressOfBoth)
        let isOver = Signal()
        let work = NodeWork()
        try await nodes.run(0) { _ in
            try await nodes.run(1) { _ in
                async let worked: Void = work.run(on: nodes, publishers: 8, workers: 2) { isOver.isClosed }
                try await eventually("there is load") { work.applied.count > 50 ? true : nil }
                let before = work.applied.count
                cluster.failOver()
                try await eventually("it works again", tries: 6_000) { work.applied.count > before + 50 ? true : nil }
                isOver.close()
                try await worked
                work.check(
                    "fail-over to a standby under load", stored: try await nodes.stored(), repeatsMax: 2 * 8)
            }
        }
    }
}
