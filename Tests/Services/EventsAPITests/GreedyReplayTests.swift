import BusCore
import BusRuntime
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import EventsAPI

/// A replay beside requests: it stops for them, and they never wait for its end.
struct GreedyReplayTests {
    /// Holds each rest until the test lets it go.
    private final class Rests: Sendable {
        let over = Signal()
        private let taken = Mutex(0)
        private let isEnded = Atomic(false)

        var count: Int { taken.withLock { $0 } }
        var replayHasEnded: Bool { isEnded.load(ordering: .acquiring) }

        func endReplay() { isEnded.store(true, ordering: .releasing) }

        @Sendable func hold(_: Duration) async throws {
            taken.withLock { $0 += 1 }
            await over.wait()
        }
    }

    private static let pages = 8
    private let replay = "/api/v1/events/stream?name=example.thing&replay=true&follow=false"

    /// A store with some pages of events, and a pace that was asked for nothing yet and whose time stands still.
    ///
    /// So a request stays recent and a rest stays due, however slow the machine is.
    private func run(
        _ body: @escaping @Sendable (_ bench: RouteBench, _ rests: Rests) async throws -> Void
    ) async throws {
        let rests = Rests()
        let start = ContinuousClock.now
        let pace = ReplayPace(ReplayTurns(apart: 1_000_000), now: { start }, sleep: rests.hold)
        try await RouteBench.run(live: true, on: .file, pace: pace) { bench in
            _ = try await bench.events.publish(Self.pages * Limits.streamPageEventsMax)
            try await body(bench, rests)
        }
    }

    @Test(arguments: ["publish", "batch", "acknowledge"])
    func aReplayRestsAfterAPageAndTheRequestIsAnsweredMeanwhile(_ kind: String) async throws {
        try await run { bench, rests in
            try await ask(kind, bench)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    let events = try await bench.get(replay).lines.count
                    rests.endReplay()
                    #expect(events == Self.pages * Limits.streamPageEventsMax)
                }
                // One page at least was sent, and the next one waits for as long as this test likes.
                try await eventually("the replay rests") { rests.count > 0 || rests.replayHasEnded ? true : nil }
                for _ in 0..<3 { try await ask(kind, bench) }
                #expect(rests.count == 1)
                #expect(!rests.replayHasEnded)
                rests.over.close()
                try await group.waitForAll()
            }
        }
    }

    @Test func withoutRequestsItNeverRests() async throws {
        try await run { bench, rests in
            let events = try await bench.get(replay).lines.count
            #expect(events == Self.pages * Limits.streamPageEventsMax)
            #expect(rests.count == 0)
        }
    }

    private func ask(_ kind: String, _ bench: RouteBench) async throws {
        let event = #"{"name":"example.other","payload":{}}"#
        let answer =
            switch kind {
            case "publish": try await bench.post("/api/v1/events", event)
            case "batch": try await bench.post("/api/v1/events/batch", #"{"events":[\#(event)]}"#)
            default:
                try await bench.post(
                    "/api/v1/events/ack", #"{"group":"g","deliveries":[{"id":"dlv_1_1","outcome":"done"}]}"#)
            }
        #expect(answer.status == (kind == "acknowledge" ? 200 : 202), "\(answer.text)")
    }
}
