import BusContract
import BusCore
import BusRuntime
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("Keeping streams open", .timeLimit(.minutes(5)))
struct EventSubscriptionTests {
    /// A double without acknowledgements whose streams are told by their number.
    private func streams(_ stream: @escaping @Sendable (Int) -> EventsDouble.Step) -> EventsDouble.Script {
        { call in
            switch call.route {
            case "capabilities": .missing
            case "stream": stream(call.number)
            default: .reply(202)
            }
        }
    }

    @Test("a stream that ends, breaks or is refused for now is opened again")
    func reopened() async throws {
        let script = streams { number in
            switch number {
            case 1: .lines([line("evt_1")])
            case 2: .fail(503)
            case 3: .brokenLines([line("evt_3")])
            case 4: .fail(429)
            case 5: .fail(408)
            case 6: .lines([])
            default: .openLines([line("evt_7")])
            }
        }
        let failure = try await WorkerBench.run(script: script) { bench in
            try await bench.responses(3)
            #expect(Set(bench.requests.compactMap(\.eventID)) == ["evt_1", "evt_3", "evt_7"])
            #expect(bench.double.calls("stream").count == 7)
        }
        #expect(failure == nil)
    }

    @Test("a request under way is answered although its stream ended or broke", arguments: [true, false])
    func handlersOutliveStreams(breaks: Bool) async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let script = streams { number in
            number > 1 ? .openLines([line("evt_2")]) : breaks ? .brokenLines([line("evt_1")]) : .lines([line("evt_1")])
        }
        let cancelled = Mutex(false)
        try await WorkerBench.run { request in
            guard request.eventID == "evt_1" else { return open.finish() }
            // Ends when the second stream brings its request: reopening must not wait for this one.
            for await _ in gate {}
            cancelled.withLock { $0 = Task.isCancelled }
        } script: {
            script($0)
        } _: { bench in
            try await bench.responses(2)
            #expect(Set(bench.responses.compactMap { $0["correlationId"]?.text }) == ["c-evt_1", "c-evt_2"])
            #expect(!cancelled.withLock { $0 })
        }
    }

    @Test("a stop lets the request under way be answered")
    func graceful() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        let started = Mutex(false)
        let failure = try await WorkerBench.run { _ in
            started.withLock { $0 = true }
            for await _ in gate {}
        } script: {
            streams { _ in .openLines([line("evt_1")]) }($0)
        } _: { bench in
            try await eventually("the handler runs") { started.withLock { $0 } ? true : nil }
            await bench.stop()
            #expect(bench.responses.isEmpty)
            open.finish()
            try await bench.responses(1)
        }
        #expect(failure == nil)
    }

    @Test("a stop gives back at once what waits for a slot, while a handler still works")
    func stopGivesBack() async throws {
        let (gate, open) = AsyncStream.makeStream(of: Void.self)
        // In one piece: who has read the first two has the others, too, before the stop.
        let lines = (1...4).map { line("evt_\($0)", delivery: "d\($0)") }.joined(separator: "\n")
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .manualAck
            case "stream": .openLines([lines])
            default: .reply(202)
            }
        }
        try await WorkerBench.run(settings: ["BUS_WORKER_CONCURRENCY": "2"]) { _ in
            for await _ in gate {}
        } script: {
            script($0)
        } _: { bench in
            defer { open.finish() }
            try await eventually("both handlers run") { bench.requests.count == 2 ? true : nil }
            await bench.stop()
            try await bench.acknowledgements(2)
            #expect(bench.requests.count == 2 && bench.responses.isEmpty)
            #expect(bench.outcomes.count == 2 && Set(bench.outcomes.values) == ["retry"])
            #expect(bench.codes.count == 2 && Set(bench.codes.values) == ["unhandled"])
            open.finish()
            try await bench.acknowledgements(4)
            #expect(bench.outcomes.values.sorted() == ["done", "done", "retry", "retry"])
        }
    }

    @Test("a refused token ends the worker at once, naming event and scope and never the token", arguments: [401, 403])
    func refused(status: Int) async throws {
        let failure = try await WorkerBench.run(script: streams { _ in .fail(status, "forbidden") }) { bench in
            try await bench.calls("stream", 1)
            try await bench.ends()
            #expect(bench.double.calls("stream").count == 1)
        }
        #expect(failure?.exitCode == 1)
        let text = failure?.description ?? ""
        let parts = ["bus.stripe.portal_session.create.request", "\(status)", "billing:provider", "BUS_API_TOKEN"]
        for part in parts { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("canary"))
    }

    @Test("a response that is refused ends the worker too, and its request is not done", arguments: [401, 403])
    func refusedResponse(status: Int) async throws {
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .manualAck
            case "stream": .openLines([line("evt_1", delivery: "d1")])
            case "events": .fail(status)
            default: .reply(200)
            }
        }
        let failure = try await WorkerBench.run(script: script) { bench in
            try await bench.ends()
            #expect(bench.outcomes["d1"] != "done")
            #expect(bench.responses.count == 1)
        }
        #expect(failure?.exitCode == 1)
        #expect(failure?.description.contains("bus.stripe.portal_session.create.response") == true)
        #expect(failure?.description.contains("billing:provider") == true)
    }

    @Test("a wrong URL and a rejected query end the worker", arguments: [404, 400])
    func misconfigured(status: Int) async throws {
        let failure = try await WorkerBench.run(script: streams { _ in .fail(status) }) { try await $0.ends() }
        #expect(failure?.exitCode == 1)
        #expect(failure?.description.contains(status == 404 ? "BUS_EVENTS_API_URL" : "settings") == true)
    }

    @Test("without retries the first failure ends the worker, without waiting")
    func noRetries() async throws {
        for step in [EventsDouble.Step.lines([]), .brokenLines([]), .fail(503, retryAfter: "60")] {
            let failure = try await WorkerBench.run(
                settings: ["BUS_EVENTS_LISTENER_RETRY": "0"], script: streams { _ in step }
            ) { bench in
                try await bench.ends()
                #expect(bench.double.calls("stream").count == 1)
            }
            #expect(failure?.exitCode == 1)
            #expect(failure?.description.contains("BUS_EVENTS_LISTENER_RETRY") == true)
        }
    }

    @Test("--once ends after one event, also beside other streams and without retries", arguments: ["1", "0"])
    func once(retries: String) async throws {
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .missing
            case "stream":
                .openLines(call.query.contains("portal") ? [line("evt_1"), line("evt_2")] : [])
            default: .reply(202)
            }
        }
        let failure = try await WorkerBench.run(
            [Exchange.stripePortal.request, Exchange.stripeCheckout.request],
            settings: ["BUS_EVENTS_LISTENER_RETRY": retries], once: true, script: script
        ) { bench in
            try await bench.ends()
            #expect(bench.requests.count == 1 && bench.responses.count == 1)
        }
        #expect(failure == nil)
    }

    @Test("readiness follows the streams only where listeners are required")
    func readiness() async throws {
        let script = streams { _ in .fail(503) }
        try await WorkerBench.run(script: script) { bench in
            try await bench.calls("stream", 3)
            #expect(bench.readiness.missing.isEmpty)
        }
        try await WorkerBench.run(settings: ["BUS_EVENTS_LISTENER_REQUIRED": "1"], script: script) { bench in
            try await bench.calls("stream", 3)
            #expect(bench.readiness.missing == ["stream bus.stripe.portal_session.create.request"])
        }
        try await WorkerBench.run(
            settings: ["BUS_EVENTS_LISTENER_REQUIRED": "1"], script: streams { _ in .openLines([]) }
        ) { bench in
            _ = try await eventually("ready") { bench.readiness.missing.isEmpty ? true : nil }
        }
    }
}
