import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// A response that is published together with the acknowledgement of its request.
struct ReplyTests {
    private let stream =
        "/api/v1/events/stream?name=example.thing&delivery=unicast&group=g&ack=manual&replay=true&follow=false"
    private let answers = "/api/v1/events/stream?name=example.answer&replay=true&follow=false"

    private func acknowledge(_ bench: RouteBench, _ deliveries: String, token: String? = nil) async throws
        -> RouteBench.Answer
    {
        try await bench.post("/api/v1/events/ack", #"{"deliveries":[\#(deliveries)],"group":"g"}"#, token: token)
    }

    private func done(_ id: String, _ number: Int, key: String? = nil, name: String = "example.answer") -> String {
        let key = key.map { #","idempotencyKey":"\#($0)""# } ?? ""
        return #"{"reply":{"name":"\#(name)","payload":{"n":\#(number)}\#(key)},"id":"\#(id)","outcome":"done"}"#
    }

    private func deliver(_ bench: RouteBench, _ count: Int) async throws -> [String] {
        for number in 0..<count { try await bench.publish(number) }
        let ids = try await bench.get(stream).lines.compactMap { $0["deliveryId"]?.text }
        try #require(ids.count == count)
        return ids
    }

    @Test(arguments: TestStore.allCases)
    func repliesAreStoredWithTheAcknowledgementsInOrder(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let ids = try await deliver(bench, 3)
            let answer = try await acknowledge(
                bench, "\(done(ids[0], 10)),\(#"{"id":"\#(ids[1])","outcome":"done"}"#),\(done(ids[2], 12))")
            #expect(answer.status == 200, "\(answer.text)")
            #expect(answer.json["acknowledged"] == 3 && answer.json["unknown"] == 0)
            let stored = try await bench.get(answers)
            #expect(stored.numbers == [10, 12])
            let replies = try #require(answer.json["replies"]?.elements)
            #expect(replies.map { $0["id"] } == stored.lines.map { $0["id"] })
            #expect(replies.allSatisfy { $0["name"] == "example.answer" && $0["duplicate"] == false })
            #expect(stored.lines.allSatisfy { $0["metadata"]?["identity_id"] == "worker" })
            bench.events.clock.advance(1_000)
            #expect(try await bench.get(stream).text.isEmpty)
        }
    }

    @Test func aReplyWakesWhoWaitsForIt() async throws {
        try await RouteBench.run(live: true) { bench in
            let ids = try await deliver(bench, 1)
            async let heard = bench.get("/api/v1/events/stream?name=example.answer&limit=1")
            try await bench.streamsOpen(1)
            _ = try await acknowledge(bench, done(ids[0], 7))
            #expect(try await heard.numbers == [7])
        }
    }

    @Test(arguments: TestStore.allCases)
    func aReplyNeedsTheSendScopeOfItsName(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let ids = try await deliver(bench, 2)
            let both = "\(done(ids[0], 1)),\(done(ids[1], 2, name: "bus.billing.status.response"))"
            let refused = try await acknowledge(bench, both)
            #expect(refused.status == 403)
            #expect(refused.errorMessage?.hasPrefix("delivery 1: bus.billing.status.response ") == true)
            #expect(try await bench.get(answers).text.isEmpty)
            let deaf = try await acknowledge(bench, done(ids[0], 1), token: bench.token("worker", "events:send"))
            #expect(deaf.status == 403)
            #expect(try await bench.get(answers).text.isEmpty)
            #expect(try await acknowledge(bench, done(ids[0], 1)).json["acknowledged"] == 1)
        }
    }

    @Test(arguments: TestStore.allCases)
    func aKeyIsGoodForOneReply(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let ids = try await deliver(bench, 3)
            let first = try await acknowledge(bench, done(ids[0], 1, key: "k"))
            let again = try await acknowledge(bench, done(ids[1], 1, key: "k"))
            let reply = try #require(again.json["replies"]?.elements?.first)
            #expect(reply["duplicate"] == true)
            #expect(reply["id"] == first.json["replies"]?.elements?.first?["id"])
            let other = try await acknowledge(bench, done(ids[2], 2, key: "k"))
            #expect(other.status == 409)
            #expect(other.errorMessage?.hasPrefix("delivery 0: reply: ") == true)
            #expect(try await bench.get(answers).numbers == [1])
            // Nothing of the refused call was stored, so its delivery can still be acknowledged.
            #expect(try await acknowledge(bench, #"{"id":"\#(ids[2])","outcome":"done"}"#).json["acknowledged"] == 1)
        }
    }

    @Test(arguments: TestStore.allCases)
    func aLateReplyIsPublishedUnlessAnotherAnswerWasAccepted(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let ids = try await deliver(bench, 1)
            bench.events.clock.advance(31)
            // Nobody has it now: who asked still gets this answer, and the delivery stays for the next consumer.
            let late = try await acknowledge(bench, done(ids[0], 1, key: "a"))
            #expect(late.json["acknowledged"] == 0 && late.json["unknown"] == 1)
            #expect(late.json["replies"]?.elements?.first?["duplicate"] == false)
            let again = try await bench.get(stream).lines.compactMap { $0["deliveryId"]?.text }
            #expect(again.count == 1 && again != ids)
            // Another consumer has it.
            #expect(try await acknowledge(bench, done(ids[0], 2)).json["unknown"] == 1)
            #expect(try await bench.get(answers).numbers == [1, 2])
            #expect(try await acknowledge(bench, done(again[0], 3)).json["acknowledged"] == 1)
            let after = try await acknowledge(bench, "\(done(ids[0], 4)),\(done(again[0], 5)),\(done("dlv_9_1", 6))")
            #expect(after.text == #"{"acknowledged":0,"unknown":3,"replies":[null,null,null]}"#)
            #expect(try await bench.get(answers).numbers == [1, 2, 3])
        }
    }

    @Test(arguments: TestStore.allCases)
    func afterARetryTheSameDeliveryHasNoReply(_ store: TestStore) async throws {
        try await RouteBench.run(on: store) { bench in
            let ids = try await deliver(bench, 1)
            _ = try await acknowledge(bench, #"{"id":"\#(ids[0])","outcome":"retry"}"#)
            let after = try await acknowledge(bench, done(ids[0], 1))
            #expect(after.text == #"{"acknowledged":0,"unknown":1,"replies":[null]}"#)
            #expect(try await bench.get(answers).text.isEmpty)
        }
    }

    @Test(arguments: [
        (#"{"id":"dlv_1_1","outcome":"retry","reply":{"name":"a.b"}}"#, "delivery 0: reply goes with"),
        (#"{"id":"dlv_1_1","outcome":"dead","reply":{"name":"a.b"}}"#, "delivery 0: reply goes with"),
        (#"{"id":"dlv_1_1","outcome":"done"},{"id":"x","outcome":"done","reply":{}}"#, "delivery 1: reply: name"),
        (#"{"id":"dlv_1_1","outcome":"done","reply":{"name":"a.*"}}"#, "delivery 0: reply: name"),
        (#"{"id":"dlv_1_1","outcome":"done","reply":7}"#, "delivery 0: reply: "),
        (#"{"id":"dlv_1_1","outcome":"done","reply":{"name":"a.b","idempotencyKey":""}}"#, "delivery 0: reply: the id"),
        (#""x""#, "delivery 0: id"),
    ]) func refusesRepliesItDoesNotUnderstand(_ deliveries: String, _ message: String) async throws {
        try await RouteBench.run { bench in
            let answer = try await acknowledge(bench, deliveries)
            #expect(answer.status == 400)
            #expect(answer.errorMessage?.hasPrefix(message) == true, "\(answer.text)")
        }
    }
}
