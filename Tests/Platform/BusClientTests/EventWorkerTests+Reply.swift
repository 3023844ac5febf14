import BusContract
import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BusClient

/// Responses that travel with the acknowledgement of their request.
extension EventWorkerTests {
    private static let replying = EventsDouble.Step.reply(200, #"{"features":["batch","manual-ack","reply"]}"#)

    /// A double with replies, whose first stream brings `lines`.
    private func replies(
        to lines: [String], ack: @escaping @Sendable (EventsDouble.Call) -> EventsDouble.Step = { _ in .reply(200) }
    ) -> EventsDouble.Script {
        { call in
            switch call.route {
            case "capabilities": Self.replying
            case "stream": .openLines(call.number == 1 ? lines : [])
            case "ack": ack(call)
            default: .reply(202)
            }
        }
    }

    private func entries(_ call: EventsDouble.Call) -> [JSONValue] { call.body["deliveries"]?.elements ?? [] }

    private func entries(_ bench: WorkerBench) -> [JSONValue] { bench.double.calls("ack").flatMap { entries($0) } }

    @Test("a server with replies gets each response with its acknowledgement, and nothing else")
    func oneStep() async throws {
        let lines = (1...40).map { line("evt_\($0)", delivery: "d\($0)") }
        try await WorkerBench.run(script: replies(to: lines)) { bench in
            try await eventually("all are acknowledged") { entries(bench).count >= 40 ? true : nil }
            let all = entries(bench)
            #expect(Set(all.compactMap { $0["id"]?.text }) == Set((1...40).map { "d\($0)" }))
            for entry in all {
                let number = try #require(entry["id"]?.text).dropFirst()
                #expect(entry["outcome"] == "done")
                #expect(entry["reply"]?["correlationId"]?.text == "c-evt_\(number)")
                #expect(entry["reply"]?["name"]?.text == "bus.stripe.portal_session.create.response")
                #expect(entry["reply"]?["idempotencyKey"]?.text == "response:bus-example:evt_\(number)")
            }
            #expect(bench.responses.isEmpty)
            #expect(bench.double.calls("ack").allSatisfy { $0.body["group"] == "bus-example" })
        }
    }

    @Test("what waits while a call is under way goes into the next one")
    func shared() async throws {
        let lines = (1...30).map { line("evt_\($0)", delivery: "d\($0)") }
        try await WorkerBench.run(script: replies(to: lines) { $0.number == 1 ? .fail(503) : .reply(200) }) { bench in
            try await eventually("all are acknowledged") { Set(bench.outcomes.keys).count == 30 ? true : nil }
            #expect(bench.double.calls("ack").count < 30)
        }
    }

    @Test("a reply that is refused for good leaves its neighbours alone", arguments: [400, 409])
    func refusedNeighbour(status: Int) async throws {
        let lines = (1...20).map { line("evt_\($0)", delivery: "d\($0)") }
        let script = replies(to: lines) { call in
            let isBad = call.body["deliveries"]?.elements?.contains { $0["id"] == "d7" && $0["reply"] != nil } == true
            return isBad ? .fail(status) : .reply(200)
        }
        try await WorkerBench.run(script: script) { bench in
            try await eventually("the bad one is settled") {
                entries(bench).contains { $0["id"] == "d7" && $0["reply"] == nil } ? true : nil
            }
            try await eventually("all are acknowledged") { Set(bench.outcomes.keys).count == 20 ? true : nil }
            // A conflict means that the first answer stands.
            #expect(bench.outcomes["d7"] == (status == 409 ? "done" : "retry"))
            #expect(bench.codes["d7"] == (status == 409 ? nil : "events_unavailable"))
            #expect(bench.outcomes.filter { $0.key != "d7" }.allSatisfy { $0.value == "done" })
            #expect(bench.requests.count == 20)
        }
    }

    @Test("a reply that cannot be published for now is tried again and handled once")
    func repliesWait() async throws {
        for (failures, outcome) in [(4, "done"), (5, "retry")] {
            let script = replies(to: [line("evt_1", delivery: "d1")]) {
                $0.number <= failures ? .fail(503) : .reply(200)
            }
            try await WorkerBench.run(script: script) { bench in
                try await bench.acknowledgements(failures + 1)
                #expect(bench.outcomes == ["d1": outcome])
                #expect(bench.requests.count == 1)
            }
        }
    }

    @Test("a token that may not send the reply ends the worker")
    func refusedReply() async throws {
        let failure = try await WorkerBench.run(
            script: replies(to: [line("evt_1", delivery: "d1")]) { $0.number == 1 ? .fail(403) : .reply(200) }
        ) { bench in
            try await bench.ends()
        }
        #expect(failure?.description.contains("bus.stripe.portal_session.create.response") == true, "\(failure as Any)")
    }

    @Test("what is parked is answered first, and its reply is an event of its own")
    func dead() async throws {
        let name = Exchange.stripeMeterEvent.request
        try await WorkerBench.run(
            [name], failures: 1, refusal: .invalidRequest,
            script: replies(to: [line("e1", delivery: "d1", name: name)])
        ) { bench in
            try await bench.acknowledgements(1)
            #expect(bench.outcomes == ["d1": "dead"])
            #expect(bench.responses.count == 1)
            #expect(entries(bench).allSatisfy { $0["reply"] == nil })
        }
    }

    @Test("what is under way at the stop is still answered")
    func stops() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        try await WorkerBench.run { _ in
            for await _ in gate {}
        } script: {
            replies(to: [line("evt_1", delivery: "d1")])($0)
        } _: { bench in
            try await eventually("the handler runs") { bench.requests.count == 1 ? true : nil }
            async let stopped: Void = bench.stop()
            await stopped
            open.finish()
            try await bench.ends()
            #expect(entries(bench).map { $0["reply"] != nil } == [true])
        }
    }
}
