import BusAuth
import BusCore
import HTTPTypes
import TestSupport
import Testing

@testable import EventsAPI

struct StreamRouteTests {
    private let stream = "/api/v1/events/stream?name=example.thing"

    @Test func theProbeIsAnsweredAtOnceWithTheStreamsHeaders() async throws {
        try await RouteBench.run { bench in
            try await bench.publish(1)
            for query in ["", "&delivery=unicast&group=g"] {
                let answer = try await bench.get("\(stream)&replay=false&follow=false\(query)")
                #expect(answer.status == 200)
                #expect(answer.text.isEmpty)
                #expect(answer.headers[.contentType] == "application/x-ndjson")
                #expect(answer.headers[.cacheControl] == "no-store")
                #expect(answer.headers.contains { $0.name.rawName == "X-Accel-Buffering" && $0.value == "no" })
            }
        }
    }

    @Test func aSubjectOpensAHundredStreamsAndOthersGoOn() async throws {
        try await RouteBench.run { bench in
            let slots = bench.streaming.slots
            var held = try (0..<Limits.streamsPerSubjectMax).map { _ in try slots.take(for: RouteBench.alice) }
            let snapshot = "\(stream)&replay=true&follow=false"
            let refused = try await bench.get(snapshot, token: bench.token(RouteBench.alice))
            #expect(refused.status == 429)
            #expect(refused.errorType == "rate_limited")
            #expect(refused.headers[.retryAfter] == "5")
            #expect(refused.errorMessage?.contains("close some of them") == true, "\(refused.text)")
            #expect(try await bench.get(snapshot, token: bench.token(RouteBench.bob)).status == 200)
            held.removeLast()
            #expect(try await bench.get(snapshot, token: bench.token(RouteBench.alice)).status == 200)
            withExtendedLifetime(held) {}
            held.removeAll()
            #expect(slots.count == 0)
        }
    }

    @Test func aSnapshotIsReplayedInOrderAndEnds() async throws {
        try await RouteBench.run { bench in
            for number in 1...600 { try await bench.publish(number) }
            let answer = try await bench.get("\(stream)&replay=true&follow=false")
            #expect(answer.numbers == Array(1...600))
            #expect(answer.text.hasSuffix("\n"))
            #expect(try await bench.get("\(stream)&replay=yes&follow=off&limit=5").numbers == Array(1...5))
        }
    }

    @Test func liveEventsReachEveryListenerAndOldOnesNone() async throws {
        try await RouteBench.run(live: true) { bench in
            try await bench.publish(0)
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for _ in 0..<3 { group.addTask { try await bench.get("\(stream)&limit=3").numbers } }
                try await bench.streamsOpen(3)
                for number in 1...3 { try await bench.publish(number) }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(seen == [[1, 2, 3], [1, 2, 3], [1, 2, 3]])
            try await bench.streamsOpen(0)
        }
    }

    @Test func replayGoesOnLiveWithoutGapOrRepeat() async throws {
        try await RouteBench.run(live: true) { bench in
            for number in 1...3 { try await bench.publish(number) }
            async let answer = bench.get("\(stream)&replay=true&limit=6")
            try await bench.streamsOpen(1)
            for number in 4...6 { try await bench.publish(number) }
            #expect(try await answer.numbers == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func severalNamesComeInPublishOrder() async throws {
        try await RouteBench.run { bench in
            for number in 1...4 { try await bench.publish(number, number % 2 == 0 ? "example.even" : "example.thing") }
            let answer = try await bench.get("\(stream)&name=example.even&replay=true&follow=false")
            #expect(answer.numbers == [1, 2, 3, 4])
        }
    }

    @Test func resumesAfterAnEvent() async throws {
        try await RouteBench.run { bench in
            let first = try await bench.publish(1)
            try await bench.publish(2)
            #expect(try await bench.get("\(stream)&after_id=\(first)&follow=false").numbers == [2])
            let unknown = try await bench.get("\(stream)&after_id=evt_1")
            #expect(unknown.status == 410)
            #expect(unknown.errorType == "gone")
            #expect(unknown.errorMessage?.contains(first) == true)
        }
    }

    @Test func accountsSeeOnlyTheirOwnEvents() async throws {
        try await RouteBench.run { bench in
            let (alice, bob) = (bench.token(RouteBench.alice), bench.token(RouteBench.bob))
            let first = try await bench.publish(1, token: alice)
            try await bench.publish(2, token: bob)
            try await bench.publish(3)
            let replay = "\(stream)&replay=true&follow=false"
            #expect(try await bench.get(replay, token: alice).numbers == [1])
            #expect(try await bench.get(replay, token: bob).numbers == [2])
            let unicast = "\(replay)&delivery=unicast"
            #expect(try await bench.get(unicast, token: alice).numbers == [1])
            #expect(try await bench.get("\(stream)&after_id=\(first)&follow=false", token: bob).status == 410)
            for service in [
                bench.token("billing-worker"), bench.token("11111111-1111-4111-8111-111111111111"),
                bench.token(RouteBench.bob, audience: Audience.internal),
            ] {
                #expect(try await bench.get(replay, token: service).numbers == [1, 2, 3])
            }
            #expect(try await bench.get(unicast).numbers == [1, 2, 3])
        }
    }

    @Test(arguments: ["unicast", "work"]) func unicastReachesExactlyOne(_ delivery: String) async throws {
        try await RouteBench.run(live: true) { bench in
            let query = "\(stream)&delivery=\(delivery)&group=g&limit=1"
            let seen = try await withThrowingTaskGroup(of: [Int64].self) { group in
                for consumer in 0..<3 {
                    group.addTask { try await bench.get("\(query)&consumer=c\(consumer)").numbers }
                }
                try await bench.streamsOpen(3)
                for number in 1...3 { try await bench.publish(number) }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(seen.sorted() == [1, 2, 3])
            #expect(try await bench.get("\(query)&replay=true&follow=false").text.isEmpty)
        }
    }

    @Test func theWildcardIsOffUnlessAllowedAndNeedsAnAdministrator() async throws {
        let query = "/api/v1/events/stream?name=*&replay=true&follow=false"
        try await RouteBench.run { bench in
            let refused = try await bench.get(query, token: bench.token("worker", "events:admin"))
            #expect(refused.status == 400)
        }
        try await RouteBench.run(allowsWildcard: true) { bench in
            try await bench.publish(1)
            try await bench.publish(2, "example.other")
            #expect(try await bench.get(query).status == 403)
            #expect(try await bench.get(query, token: bench.token("worker", "events:admin")).numbers == [1, 2])
        }
    }

    @Test(arguments: [
        "", "name=", "name=*", "name=a.*", "name=A.b", "name=a.b&delivery=multicast", "name=a.b&replay=maybe",
        "name=a.b&follow=", "name=a.b&group=-x&delivery=unicast", "name=a.b&consumer=a%20b", "name=a.b&limit=0",
        "name=a.b&limit=x", "name=a.b&after_id=7", "name=a.b&ack=manual", "name=a.b&delivery=unicast&ack=maybe",
        "name=a.b&delivery=unicast&ack=manual&lease=4", "name=a.b&delivery=unicast&ack=manual&lease=601",
        "name=a.b&delivery=unicast&ack=manual&max_in_flight=0", "name=a.b&delivery=unicast&after_id=evt_1",
        "name=a.b&group=\(String(repeating: "g", count: 129))",
    ]) func refusesQueriesItDoesNotUnderstand(_ query: String) async throws {
        try await RouteBench.run { bench in
            let answer = try await bench.get("/api/v1/events/stream?\(query)")
            #expect(answer.status == 400)
            #expect(answer.errorType == "bad_request")
        }
    }
}
