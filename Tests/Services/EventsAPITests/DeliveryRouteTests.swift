import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct DeliveryRouteTests {
    private let stream =
        "/api/v1/events/stream?name=example.thing&delivery=unicast&group=g&ack=manual&replay=true&follow=false"

    private func acknowledge(_ bench: RouteBench, _ deliveries: String, token: String? = nil) async throws
        -> RouteBench.Answer
    {
        try await bench.post("/api/v1/events/ack", #"{"group":"g","deliveries":[\#(deliveries)]}"#, token: token)
    }

    @Test(arguments: TestStore.allCases) func linesCarryTheDeliveryUntilItIsAcknowledged(_ store: TestStore)
        async throws
    {
        try await RouteBench.run(on: store) { bench in
            for number in 1...3 { try await bench.publish(number) }
            let lines = try await bench.get(stream).lines
            #expect(lines.map { $0["deliveryAttempt"] } == [1, 1, 1])
            let ids = lines.compactMap { $0["deliveryId"]?.text }
            #expect(Set(ids).count == 3)
            let answer = try await acknowledge(
                bench,
                #"{"id":"\#(ids[0])","outcome":"done"},{"id":"\#(ids[1])","outcome":"retry","delaySeconds":3},{"id":"?","outcome":"done"}"#
            )
            #expect(answer.status == 200)
            #expect(answer.text == #"{"acknowledged":2,"unknown":1}"#)
            #expect(try await bench.get(stream).text.isEmpty)
            bench.events.clock.advance(3)
            let again = try await bench.get(stream)
            #expect(again.numbers == [2])
            #expect(again.lines.map { $0["deliveryAttempt"] } == [2])
            bench.events.clock.advance(60)
            #expect(try await bench.get(stream).numbers == [2, 3])
            let late = try await acknowledge(bench, #"{"id":"\#(ids[2])","outcome":"done"}"#)
            #expect(late.text == #"{"acknowledged":0,"unknown":1}"#)
        }
    }

    @Test func aLeaseIsExtended() async throws {
        try await RouteBench.run { bench in
            try await bench.publish(1)
            let id = try #require(try await bench.get("\(stream)&lease=10").lines.first?["deliveryId"]?.text)
            bench.events.clock.advance(9)
            let answer = try await bench.post(
                "/api/v1/events/lease", #"{"group":"g","deliveries":[{"id":"\#(id)"},{"id":"dlv_1_1"}]}"#)
            #expect(answer.text == #"{"extended":1,"unknown":1}"#)
            bench.events.clock.advance(9)
            #expect(try await bench.get(stream).text.isEmpty)
            bench.events.clock.advance(1)
            #expect(try await bench.get(stream).numbers == [1])
        }
    }

    @Test func acknowledgingNeedsTheListenScopeAndTheSameScopeOfOwners() async throws {
        try await RouteBench.run { bench in
            try await bench.publish(1)
            let id = try #require(try await bench.get(stream).lines.first?["deliveryId"]?.text)
            let done = #"{"id":"\#(id)","outcome":"done"}"#
            #expect(try await acknowledge(bench, done, token: bench.token("worker", "events:send")).status == 403)
            let user = try await acknowledge(bench, done, token: bench.token(RouteBench.alice))
            #expect(user.text == #"{"acknowledged":0,"unknown":1}"#)
            #expect(try await acknowledge(bench, done).text == #"{"acknowledged":1,"unknown":0}"#)
        }
    }

    @Test(arguments: [
        #""#, #"{}"#, #"{"group":"g","deliveries":[]}"#, #"{"group":"-","deliveries":[{"id":"a","outcome":"done"}]}"#,
        #"{"group":"g","deliveries":[{"outcome":"done"}]}"#, #"{"group":"g","deliveries":[{"id":"a"}]}"#,
        #"{"group":"g","deliveries":[{"id":"a","outcome":"maybe"}]}"#,
        #"{"group":"g","deliveries":[{"id":"a","outcome":"retry","delaySeconds":-1}]}"#,
        #"{"group":"g","deliveries":[{"id":"a","outcome":"dead","code":"no secrets here"}]}"#,
        #"{"group":"g","deliveries":[{"id":"a","outcome":"done"}]} x"#,
    ]) func refusesAcknowledgementsItDoesNotUnderstand(_ body: String) async throws {
        try await RouteBench.run { bench in
            let answer = try await bench.post("/api/v1/events/ack", body)
            #expect(answer.status == 400)
            #expect(answer.errorType == "bad_request")
        }
    }

    @Test func aDeadLetterTellsTheProvider() async throws {
        try await RouteBench.run { bench in
            _ = try await bench.post("/api/v1/events", #"{"name":"example.thing","payload":{"provider":"stripe"}}"#)
            let id = try #require(try await bench.get(stream).lines.first?["deliveryId"]?.text)
            _ = try await acknowledge(bench, #"{"id":"\#(id)","outcome":"dead"}"#)
            let answer = try await bench.get(
                "/api/v1/events/dead-letters", token: bench.token("operator", "events:admin"))
            #expect(answer.json["deadLetters"]?.elements?.first?["provider"] == "stripe")
        }
    }

    @Test func parkedDeliveriesAreForAdministrators() async throws {
        try await RouteBench.run { bench in
            for number in 1...3 { try await bench.publish(number) }
            let ids = try await bench.get(stream).lines.compactMap { $0["deliveryId"]?.text }
            _ = try await acknowledge(
                bench, ids.map { #"{"id":"\#($0)","outcome":"dead","code":"malformed"}"# }.joined(separator: ","))
            let list = "/api/v1/events/dead-letters"
            #expect(try await bench.get(list).status == 403)
            let admin = bench.token("operator", "events:admin")
            let letters = try #require(try await bench.get(list, token: admin).json["deadLetters"]?.elements)
            #expect(letters.count == 3)
            #expect(letters.first?["code"] == "malformed")
            #expect(letters.first?["group"] == "g")
            #expect(letters.first?["name"] == "example.thing")
            #expect(letters.first?["retryCount"] == 1)
            #expect(letters.first?["payload"] == nil)
            #expect(letters.first?["provider"] == nil)
            let first = try #require(letters.first?["id"]?.text)
            let page = try await bench.get("\(list)?group=g&after=\(first)&limit=1", token: admin)
            #expect(page.json["deadLetters"]?.elements?.map { $0["id"] } == [letters[1]["id"]])
            let replay = "\(list)/replay"
            #expect(try await bench.post(replay, #"{"group":"g"}"#).status == 403)
            // What is of the wrong type must not count as absent: a group without a code is replayed as a whole.
            for body in [
                #"{}"#, #"{"ids":["\#(first)",7]}"#, #"{"group":"g","code":7}"#,
            ] {
                #expect(try await bench.post(replay, body, token: admin).status == 400, "\(body)")
            }
            let one = try await bench.post(replay, #"{"ids":["\#(first)","dl_99","x"]}"#, token: admin)
            #expect(one.text == #"{"replayed":1,"unknown":2}"#)
            #expect(try await bench.get(stream).numbers == [1])
            let rest = try await bench.post(replay, #"{"group":"g","code":"malformed"}"#, token: admin)
            #expect(rest.text == #"{"replayed":2,"unknown":0}"#)
            #expect(try await bench.get(stream).numbers == [2, 3])
            for query in ["group=-", "limit=0", "limit=501", "after=x"] {
                #expect(try await bench.get("\(list)?\(query)", token: admin).status == 400, "\(query)")
            }
        }
    }
}
