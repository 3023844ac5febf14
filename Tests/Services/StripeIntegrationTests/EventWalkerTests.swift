import BusClient
import BusContract
import BusCore
import InMemoryLogging
import Logging
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeFixture.accountID
private let interval = Duration.seconds(Limits.eventWalkIntervalSeconds)
private let slowly = Duration.seconds(Limits.eventWalkRefusedSeconds)

@Suite("Walks through Stripe's events", .timeLimit(.minutes(5)))
struct EventWalkerTests {
    @Test("what no webhook brought is published once, oldest first, under the webhook's key, and is told")
    func lost() async throws {
        try await WalkBench.run { bench in
            let subscription = try await bench.subscribe()
            try await bench.stripe.delete("/v1/subscriptions/\(subscription)")
            bench.stripe.advance(bySeconds: 60)
            var standing = EventWalker.Standing()
            #expect(await bench.walker.go(&standing) == interval)
            let listed = try await bench.listed()
            #expect(listed.count >= 2 && bench.events.keys == listed.map { "stripe:\($0)" })
            #expect(
                bench.lines(.notice) == Array(repeating: "event found that no webhook had brought", count: listed.count)
            )
            #expect(Set(bench.events.traces).count == listed.count, "each find begins a trace of its own")
            let told = bench.log.entries.filter { $0.level == .notice }
            #expect(told.map { "\($0.metadata["stripe.event.id"] ?? "")" } == listed)
            #expect("\(told.last?.metadata["stripe.event.type"] ?? "")" == "customer.subscription.deleted")
            #expect(bench.count("bus_stripe_walk_events_found_total") == "\(listed.count)")
            let success = bench.count("bus_stripe_walk_last_success_timestamp_seconds").flatMap { Double($0) } ?? 0
            #expect(abs(success - Double(unixNow())) < 60)
            // The next walk reads the same events again, and finds nothing.
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.events.keys.count == listed.count && bench.lines(.notice).count == listed.count)
            #expect(bench.stripe.walks.count == 2 && bench.stripe.walks[1].query.contains("created%5Bgte%5D="))
        }
    }

    @Test("an event that a webhook has brought is no find, and neither is one whose webhook is still on its way")
    func known() async throws {
        try await WalkBench.run { bench in
            try await bench.subscribe()
            let brought = try await bench.listed()
            var standing = EventWalker.Standing()
            _ = await bench.walker.go(&standing)
            let found = bench.lines(.notice).count
            // Another process starts: it has seen nothing, and all is stored.
            var other = EventWalker.Standing()
            #expect(await bench.walker.go(&other) == interval)
            #expect(bench.lines(.notice).count == found && bench.events.keys.count == brought.count)
            // A moment ago: no find yet.
            try await bench.subscribe()
            try await bench.stripe.post("/v1/subscriptions/\(try await bench.newest())", "metadata[x]=y")
            _ = await bench.walker.go(&standing)
            let all = try await bench.listed()
            #expect(bench.events.keys.count == all.count - 1)
            bench.stripe.advance(bySeconds: 60)
            _ = await bench.walker.go(&standing)
            #expect(bench.events.keys == all.map { "stripe:\($0)" })
        }
    }

    @Test("events of the other mode and without Bus metadata are judged as their webhooks are")
    func judged() async throws {
        try await WalkBench.run(mode: .live) { bench in
            try await bench.subscribe()
            var standing = EventWalker.Standing()
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.events.keys.isEmpty && bench.lines(.notice).isEmpty && bench.lines(.warning).isEmpty)
        }
        try await WalkBench.run { bench in
            try await bench.subscribe("metadata[bus_account_id]=\(account)")
            var standing = EventWalker.Standing()
            _ = await bench.walker.go(&standing)
            _ = await bench.walker.go(&standing)
            #expect(bench.events.keys == (try await bench.listed()).map { "stripe:unlinked:\($0)" })
            // Warned of when it is found, and never again.
            #expect(bench.lines(.warning).count == bench.events.keys.count)
        }
    }

    @Test("where subscriptions are read again, a walk takes what their readings do not take the place of")
    func refetching() async throws {
        try await WalkBench.run(refetches: true) { bench in
            let subscription = try await bench.subscribe()
            try await bench.stripe.delete("/v1/subscriptions/\(subscription)")
            bench.stripe.advance(bySeconds: 60)
            var standing = EventWalker.Standing()
            _ = await bench.walker.go(&standing)
            let deleted = try await bench.listed("customer.subscription.deleted")
            #expect(deleted.count == 1 && bench.events.keys == deleted.map { "stripe:\($0)" })
        }
    }

    @Test("a key that may not read events is warned of once, asks seldom, and goes on when it may")
    func forbidden() async throws {
        try await WalkBench.run { bench in
            try await bench.subscribe()
            try await bench.stripe.dial(["calls": [["fault": "403", "path": "/v1/events"]]])
            var standing = EventWalker.Standing()
            for _ in 0..<3 { #expect(await bench.walker.go(&standing) == slowly) }
            #expect(bench.stripe.walks.count == 3, "no repeats")
            #expect(bench.lines(.warning).count == 1)
            #expect(bench.lines(.warning).first?.contains("Events (read)") == true)
            #expect(bench.count("bus_stripe_walk_errors_total") == "3")
            try await bench.stripe.dial([:])
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.lines(.notice).isEmpty == false)
        }
    }

    @Test("failures are tried again, each time later, and said once", arguments: ["429", "500"])
    func failing(fault: String) async throws {
        try await WalkBench.run { bench in
            try await bench.subscribe()
            try await bench.stripe.dial(["calls": [["fault": .string(fault), "path": "/v1/events"]]])
            var standing = EventWalker.Standing()
            var waits: [Duration] = []
            for _ in 0..<4 { waits.append(await bench.walker.go(&standing)) }
            #expect(waits == waits.sorted() && waits[0] < .seconds(3) && waits[3] > .seconds(12))
            #expect(bench.lines(.warning) == ["Stripe's events not read; tried again by itself"])
            try await bench.stripe.dial([:])
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.events.keys.count == (try await bench.listed()).count)
        }
    }

    @Test("a page whose events cannot all be stored is read again; an event that can never be stored is left out")
    func publishing() async throws {
        try await WalkBench.run { bench in
            try await bench.subscribe()
            try await bench.subscribe()
            let listed = try await bench.listed()
            var standing = EventWalker.Standing()
            bench.events.faults = [.unavailable(reason: "down", retryAfterSeconds: nil)]
            #expect(await bench.walker.go(&standing) < .seconds(3))
            #expect(bench.events.keys.isEmpty)
            bench.events.faults = [.rejected(status: 400, type: "bad_request", message: "never")]
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.events.keys == listed.dropFirst().map { "stripe:\($0)" })
            #expect(bench.lines(.warning).last == "listed event left out")
        }
    }

    @Test("an Events API without idempotency keys would store every event again, so nothing is read")
    func noKeys() async throws {
        try await WalkBench.run { bench in
            try await bench.subscribe()
            bench.events.tellsRepeats = false
            var standing = EventWalker.Standing()
            for _ in 0..<2 { #expect(await bench.walker.go(&standing) == slowly) }
            #expect(bench.stripe.walks.isEmpty && bench.lines(.warning).isEmpty)
        }
    }

    @Test("more than a page is read page by page, and every event handed on once")
    func pages() async throws {
        try await WalkBench.run { bench in
            for _ in 0..<110 { try await bench.subscribe() }
            let listed = try await bench.listed()
            #expect(listed.count > 100)
            var standing = EventWalker.Standing()
            #expect(await bench.walker.go(&standing) == interval)
            #expect(bench.stripe.walks.count == (listed.count + 99) / 100)
            #expect(Set(bench.events.keys) == Set(listed.map { "stripe:\($0)" }))
            #expect(bench.events.keys.count == listed.count)
        }
    }

    @Test("whoever stops in the middle of a page waits for no more than the event under way, and hears of no failure")
    func stopping() async throws {
        try await WalkBench.run { bench in
            for _ in 0..<3 { try await bench.subscribe() }
            let walker = bench.walker
            bench.events.cancelsAt = 2
            let pause = await withTaskGroup(of: Duration.self) { group in
                group.addTask {
                    var standing = EventWalker.Standing()
                    return await walker.go(&standing)
                }
                return await group.next()
            }
            #expect(pause == .zero && bench.events.keys.count == 2)
            #expect(bench.lines(.warning).isEmpty && bench.count("bus_stripe_walk_errors_total") == "0")
            // The next start reads the page again.
            var standing = EventWalker.Standing()
            #expect(await bench.walker.go(&standing) == interval)
            #expect(Set(bench.events.keys) == Set(try await bench.listed().map { "stripe:\($0)" }))
        }
    }
}
