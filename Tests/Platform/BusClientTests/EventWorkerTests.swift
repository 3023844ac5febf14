import BusContract
import BusCore
import BusRuntime
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("Answering requests", .timeLimit(.minutes(5)))
struct EventWorkerTests {
    /// A double whose first stream brings `lines` and stays open; later ones are silent.
    private func script(_ lines: [String], capabilities: EventsDouble.Step = .missing) -> EventsDouble.Script {
        { call in
            switch call.route {
            case "capabilities": capabilities
            case "stream": .openLines(call.number == 1 ? lines : [])
            case "ack": .reply(200)
            default: .reply(202)
            }
        }
    }

    @Test("every request gets one response, with its correlation and a key of its own")
    func responses() async throws {
        let failure = try await WorkerBench.run(script: script((1...20).map { line("evt_\($0)") })) { bench in
            try await bench.responses(20)
            #expect(
                Set(bench.responses.compactMap { $0["correlationId"]?.text }) == Set((1...20).map { "c-evt_\($0)" }))
            #expect(bench.responses.allSatisfy { $0["name"]?.text == "bus.stripe.portal_session.create.response" })
            let keys = Set(bench.double.calls("events").compactMap(\.idempotencyKey))
            #expect(keys == Set((1...20).map { "response:bus-example:evt_\($0)" }))
            #expect(bench.double.calls("ack").isEmpty)
            #expect(bench.readiness.missing.isEmpty)
        }
        #expect(failure == nil)
    }

    @Test("the stream is unicast in the module's group; acknowledgements are asked for only where they exist")
    func query() async throws {
        for (capabilities, acknowledges) in [
            (EventsDouble.Step.missing, false), (.reply(200, #"{"features":["batch"]}"#), false),
            (.reply(200, "html"), false), (.fail(405), false), (.manualAck, true),
        ] {
            let lines = [line("evt_1", delivery: acknowledges ? "d1" : nil)]
            try await WorkerBench.run(script: script(lines, capabilities: capabilities)) { bench in
                try await bench.responses(1)
                if acknowledges { try await bench.acknowledgements(1) }
                let base =
                    "name=bus.stripe.portal_session.create.request&delivery=unicast&group=bus-example&consumer=one"
                let terms = acknowledges ? "&ack=manual&lease=30&max_in_flight=16" : ""
                #expect(bench.double.calls("stream").map(\.query) == [base + terms])
                #expect(bench.outcomes == (acknowledges ? ["d1": "done"] : [:]))
                #expect(bench.double.calls("ack").allSatisfy { $0.body["group"]?.text == "bus-example" })
            }
        }
    }

    @Test("names that the server does not know are not asked for, and the worker is ready without them")
    func unknownNames() async throws {
        let names = [Exchange.customerDeletion.request, Exchange.stripePortal.request]
        for (capabilities, isKnown) in [
            (EventsDouble.Step.missing, false), (.manualAck, false), (.fail(403), false),
            (.reply(200, #"{"features":["unlinked-updates"]}"#), true),
        ] {
            try await WorkerBench.run(names, script: script([], capabilities: capabilities)) { bench in
                try await bench.calls("stream", isKnown ? 2 : 1)
                try await eventually("it is ready") { bench.readiness.missing.isEmpty ? true : nil }
                let opened = bench.double.calls("stream").map(\.query)
                #expect(opened.contains { $0.hasPrefix("name=bus.billing.customer.deleted&") } == isKnown)
                #expect(opened.count == (isKnown ? 2 : 1))
            }
        }
    }

    @Test("what a server knows is asked once a while, and again after it could not be asked")
    func knownFeatures() async throws {
        let script: EventsDouble.Script = { call in
            call.number == 1 ? .fail(503) : .reply(200, #"{"features":["unlinked-updates","invented"]}"#)
        }
        try await EventsDouble.run(script) { double, client in
            let features = KnownFeatures(client: client)
            await #expect(throws: EventsFault.self) { try await features.contains(.unlinkedUpdates) }
            for _ in 0..<3 {
                let (known, unknown) = (
                    try await features.contains(.unlinkedUpdates), try await features.contains(.batch)
                )
                #expect(known && !unknown)
            }
            #expect(double.calls("capabilities").count == 2)
        }
    }

    @Test("capabilities that cannot be asked for now are asked for again, not guessed")
    func capabilitiesAway() async throws {
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": call.number == 1 ? .fail(503) : .manualAck
            case "stream": .openLines([line("evt_1", delivery: "d1")])
            default: .reply(202)
            }
        }
        try await WorkerBench.run(script: script) { bench in
            try await bench.acknowledgements(1)
            let terms = "&ack=manual&lease=30&max_in_flight=16"
            #expect(bench.double.calls("stream").allSatisfy { $0.query.hasSuffix(terms) })
        }
    }

    @Test("a response that cannot be published gives the delivery back; one that is published late does not")
    func unpublished() async throws {
        for (failures, outcome) in [(4, "done"), (5, "retry")] {
            let script: EventsDouble.Script = { call in
                switch call.route {
                case "capabilities": .manualAck
                case "stream": .openLines(call.number == 1 ? [line("evt_1", delivery: "d1")] : [])
                case "events": call.number <= failures ? .fail(503) : .reply(202)
                default: .reply(200)
                }
            }
            try await WorkerBench.run(script: script) { bench in
                try await bench.acknowledgements(1)
                #expect(bench.outcomes == ["d1": outcome])
                #expect(bench.responses.count == 5)
                #expect(bench.requests.count == 1)
            }
        }
    }

    @Test("a rejected response is not repeated; a conflict means that the first answer stands", arguments: [400, 409])
    func rejected(status: Int) async throws {
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .manualAck
            case "stream": .openLines(call.number == 1 ? [line("evt_1", delivery: "d1")] : [])
            case "events": .fail(status)
            default: .reply(200)
            }
        }
        try await WorkerBench.run(script: script) { bench in
            try await bench.acknowledgements(1)
            #expect(bench.outcomes == ["d1": status == 409 ? "done" : "retry"])
            #expect(bench.responses.count == 1)
        }
    }

    @Test("a request whose requester has given up is dropped, except where it must not be lost")
    func stale() async throws {
        let lines = [
            line("evt_old", delivery: "d1", age: 601), line("evt_new", delivery: "d2", age: 500),
            line("evt_meter", delivery: "d3", name: Exchange.stripeMeterEvent.request, age: 90_000),
        ]
        let names: [EventName] = [Exchange.stripePortal.request, Exchange.stripeMeterEvent.request]
        try await WorkerBench.run(names, script: script(lines, capabilities: .manualAck)) { bench in
            try await bench.acknowledgements(3)
            #expect(Set(bench.requests.compactMap(\.eventID)) == ["evt_new", "evt_meter"])
            #expect(bench.outcomes == ["d1": "done", "d2": "done", "d3": "done"])
        }
        try await WorkerBench.run(
            names, settings: ["BUS_EVENTS_REQUEST_MAX_AGE": "0"], script: script(lines)
        ) { bench in
            try await bench.responses(3)
        }
    }

    @Test("what must not be lost is left to its next delivery while its failure may pass")
    func neverLostComesAgain() async throws {
        try await WorkerBench.run(
            [Exchange.stripeMeterEvent.request], failures: 1,
            script: script(
                [line("e1", delivery: "d1", name: Exchange.stripeMeterEvent.request)], capabilities: .manualAck)
        ) { bench in
            try await bench.acknowledgements(1)
            #expect(bench.outcomes == ["d1": "retry"])
            #expect(bench.codes == ["d1": "stripe_unavailable"])
            #expect(bench.responses.map { $0["error"]?["code"] } == ["stripe_unavailable"], "the requester waits")
        }
    }

    @Test("without acknowledgements it is tried again here, and at last answered")
    func neverLostIsRetried() async throws {
        try await WorkerBench.run(
            [Exchange.stripeMeterEvent.request], failures: 3,
            script: script([line("e1", name: Exchange.stripeMeterEvent.request)])
        ) { bench in
            try await bench.responses(1)
            #expect(bench.requests.count == 4)
            #expect(bench.responses.first?["error"] == nil)
        }
        try await WorkerBench.run(
            [Exchange.stripeMeterEvent.request], failures: 99,
            script: script([line("e1", name: Exchange.stripeMeterEvent.request)])
        ) { bench in
            try await bench.responses(1)
            #expect(bench.requests.count == Limits.handlerAttemptsMax)
            #expect(bench.responses.first?["error"]?["code"] == "stripe_unavailable")
        }
    }

    @Test("a request that comes again is handled once, before and after its answer")
    func duplicates() async throws {
        let lines = (1...6).map { line("evt_same", delivery: "d\($0)") }
        let again: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .manualAck
            case "stream": call.number < 3 ? .lines(lines) : .openLines([])
            default: .reply(202)
            }
        }
        try await WorkerBench.run(script: again) { bench in
            try await bench.acknowledgements(12)
            #expect(bench.requests.count == 1 && bench.responses.count == 1)
            #expect(bench.outcomes.values.contains("done"))
        }
    }

    @Test("what must not be lost and is refused for good is dead, with the refusal's code")
    func refusedForGood() async throws {
        try await WorkerBench.run(
            [Exchange.stripeMeterEvent.request, Exchange.stripePortal.request], failures: 99, refusal: .stripeError,
            script: script(
                [line("e1", delivery: "d1", name: Exchange.stripeMeterEvent.request), line("e2", delivery: "d2")],
                capabilities: .manualAck)
        ) { bench in
            try await bench.acknowledgements(2)
            #expect(bench.outcomes == ["d1": "dead", "d2": "done"])
            #expect(bench.codes == ["d1": "stripe_error"])
            #expect(bench.responses.allSatisfy { $0["error"]?["code"] == "stripe_error" })
        }
    }

    @Test("lines that hold no event are passed over")
    func unreadable() async throws {
        let lines = ["{", "", "[]", #"{"name":"*"}"#, "\r", line("evt_1") + "\r"]
        try await WorkerBench.run(script: script(lines)) { bench in
            try await bench.responses(1)
            #expect(bench.requests.map(\.eventID) == ["evt_1"])
        }
    }
}
