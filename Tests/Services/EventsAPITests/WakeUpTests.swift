import BusCore
import BusRuntime
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import EventsAPI

/// Who is woken, by what and when.
struct WakeUpTests {
    private let group = DeliveryGroup(owner: nil, name: "billing")

    private func request(_ holder: String, inFlightMax: Int = 64) throws -> ClaimRequest {
        ClaimRequest(
            group: group, names: [try #require(EventName("example.thing"))], holder: holder, leaseSeconds: 30,
            inFlightMax: inFlightMax)
    }

    private func subscribe(_ bench: EventBench, _ holder: String) -> WakeUps.Subscription {
        bench.wakeUps.subscribe([.holder(holder), .delivery(group, name: "example.thing")])
    }

    /// Rings of before the call are forgotten, as after a wait.
    private func isRung(_ subscription: WakeUps.Subscription) async -> Bool {
        await !subscription.signal.wait(atMost: .milliseconds(20))
    }

    private func end(_ id: DeliveryID, _ outcome: DeliveryOutcome, _ bench: EventBench) async throws {
        let known = try await bench.ledger.acknowledge([(id, outcome)], in: group, mayListen: { _ in true })
        #expect(known == 1)
    }

    @Test(arguments: TestStore.allCases)
    func aDeliveryThatIsDoneWakesItsHolderOnlyWhenThatIsFull(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(4)
            let (full, idle) = (subscribe(bench, "full"), subscribe(bench, "idle"))
            let claimed = try await bench.ledger.claim(try request("full", inFlightMax: 2))
            #expect(claimed.isFull)
            let others = try await bench.ledger.claim(try request("idle"))
            #expect(!others.isFull && others.deliveries.count == 2)
            try await end(claimed.deliveries[0].id, .done, bench)
            #expect(await isRung(full))
            #expect(await !isRung(idle))
            // It has not looked for more since, so it has not said that it is full.
            try await end(claimed.deliveries[1].id, .done, bench)
            try await end(others.deliveries[0].id, .done, bench)
            #expect(await !isRung(full))
            #expect(await !isRung(idle))
        }
    }

    @Test(arguments: TestStore.allCases)
    func whoFindsItselfFullByLookingIsWokenToo(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(2)
            let full = subscribe(bench, "full")
            let first = try await bench.ledger.claim(try request("full", inFlightMax: 1))
            try await end(first.deliveries[0].id, .done, bench)
            #expect(await isRung(full))
            let second = try await bench.ledger.claim(try request("full", inFlightMax: 1))
            bench.wakeUps.ringRoom(["full"])
            #expect(await isRung(full))
            #expect(try await bench.ledger.claim(try request("full", inFlightMax: 1)).isFull)
            try await end(second.deliveries[0].id, .done, bench)
            #expect(await isRung(full))
        }
    }

    @Test(arguments: TestStore.allCases)
    func whatComesAgainWakesTheGroup(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(2)
            let other = subscribe(bench, "other")
            let claimed = try await bench.ledger.claim(try request("one"))
            try await end(claimed.deliveries[0].id, .retry(code: nil, delaySeconds: 5), bench)
            #expect(await isRung(other))
            try await end(claimed.deliveries[1].id, .dead(code: nil), bench)
            #expect(await isRung(other))
        }
    }

    @Test(.timeLimit(.minutes(1))) func everyTimeIsKeptByOneTimer() async throws {
        try await EventBench.run { bench in
            let patient = bench.wakeUps.subscribe([.holder("patient")])
            async let isLate = patient.wait(atMost: .seconds(600))
            // Each is sooner than what the timer was set to before.
            for number in [40, 10, 80, 20] {
                let started = ContinuousClock.now
                #expect(await bench.wakeUps.subscribe([.holder("h")]).wait(atMost: .milliseconds(number)))
                #expect(started.duration(to: .now) >= .milliseconds(number))
            }
            bench.wakeUps.expectRoom("patient")
            bench.wakeUps.ringRoom(["patient"])
            #expect(await !isLate)
        }
    }

    @Test func timesAreKeptByTheSharedTimerAlone() async throws {
        let wakeUps = WakeUps()
        let ended = Mutex(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<100 {
                group.addTask { @Sendable in
                    _ = await wakeUps.subscribe([.holder("h\(number)")]).wait(atMost: .milliseconds(1))
                    ended.withLock { $0 += 1 }
                }
            }
            // Without the timer nobody looks at the time, however much of it passes.
            _ = await Signal().wait(atMost: .milliseconds(100))
            #expect(ended.withLock { $0 } == 0)
            group.addTask { try await wakeUps.run() }
            try await eventually("all have been woken") { ended.withLock { $0 } == 100 ? true : nil }
            group.cancelAll()
        }
    }

    @Test func aStreamGetsARetryWhenItsTimeHasCome() async throws {
        try await RouteBench.run(live: true) { bench in
            let stream = "/api/v1/events/stream?name=example.thing&delivery=unicast&group=billing&ack=manual"
            try await bench.publish(1)
            let first = try await bench.get("\(stream)&replay=true&follow=false").lines.first?["deliveryId"]?.text
            let id = try #require(first)
            async let again = bench.get("\(stream)&limit=1")
            try await bench.streamsOpen(1)
            let retry = #"{"group":"billing","deliveries":[{"id":"\#(id)","outcome":"retry","delaySeconds":1}]}"#
            #expect(try await bench.post("/api/v1/events/ack", retry).status == 200)
            bench.events.clock.advance(1)
            #expect(try await again.numbers == [1])
        }
    }
}
