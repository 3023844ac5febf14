import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("Asking by events", .timeLimit(.minutes(5)))
struct RequestReplyTests {
    /// A double whose streams are told by their number, and which answers each request at once or not at all.
    private func script(
        answers: Bool = true, stream: @escaping @Sendable (Int) -> EventsDouble.Step = { _ in .openLines([]) }
    ) -> EventsDouble.Script {
        { call in
            if call.route == "stream" { return stream(call.number) }
            return answers ? .answer { responseLine($0) } : .reply(202)
        }
    }

    @Test("a request is published under a fresh correlation id and its response comes back")
    func answered() async throws {
        try await RequestReplyBench.run(script()) { bench in
            #expect(try await bench.ask(7) == 7)
            let request = try await bench.firstPublished()
            #expect(request["name"]?.text == "bus.billing.status.request")
            #expect(request["source"]?.text == "bus-example")
            #expect(request["metadata"]?["example.key"]?.text == "value")
            #expect(UUIDText.normalized(try #require(request["correlationId"]?.text)) != nil)
            #expect(bench.double.calls("stream").map(\.query) == ["name=bus.billing.status.response"])
            #expect(bench.requests.pendingCount == 0)
        }
    }

    @Test("a thousand requests at once each get their own response, in shared batches")
    func many() async throws {
        try await RequestReplyBench.run(script()) { bench in
            let answers = try await withThrowingTaskGroup(of: (Int, Int64?).self) { group in
                for number in 0..<1_000 { group.addTask { (number, try await bench.ask(number)) } }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(answers.count == 1_000)
            for (number, answer) in answers { #expect(answer == Int64(number)) }
            let ids = bench.published.compactMap { $0["correlationId"]?.text }
            #expect(ids.count == 1_000 && Set(ids).count == 1_000)
            #expect(bench.double.calls("stream").count == 1)
            #expect(bench.double.calls("batch").count + bench.double.calls("events").count < 1_000)
        }
    }

    @Test("the keys of requests are different, and begin with their time")
    func keys() async throws {
        let begun = Timestamp.now.nanoseconds / 1_000_000
        try await RequestReplyBench.run(script()) { bench in
            try await withThrowingDiscardingTaskGroup { group in
                for number in 0..<100 { group.addTask { _ = try await bench.ask(number) } }
            }
            let latest = Timestamp.now.nanoseconds / 1_000_000
            // Those of a batch; a request that is published alone has its key in a header.
            let keys = bench.published.compactMap { $0["idempotencyKey"]?.text }
            #expect(!keys.isEmpty && Set(keys).count == keys.count)
            for key in keys {
                let digits = key.dropFirst("request:".count).prefix { $0 != ":" }
                let time = try #require(Int64(digits, radix: 16), "\(key)")
                #expect(digits.count == 11 && begun...latest ~= time, "\(key)")
            }
        }
    }

    @Test("nothing is published before its response would be heard")
    func waitsForTheStream() async throws {
        let isOpen = Mutex(false)
        let isEarly = Mutex(false)
        let script: EventsDouble.Script = { call in
            if call.route == "stream" {
                if call.number < 4 { return .fail(503) }
                isOpen.withLock { $0 = true }
                return .openLines([])
            }
            if !isOpen.withLock({ $0 }) { isEarly.withLock { $0 = true } }
            return .answer { responseLine($0) }
        }
        try await RequestReplyBench.run(script) { bench in
            let answer = try await bench.ask(1)
            #expect(answer == 1)
            #expect(!isEarly.withLock { $0 })
        }
    }

    @Test("without a stream a request ends in its own time, unpublished")
    func noStream() async throws {
        try await RequestReplyBench.run(script { _ in .fail(503) }) { bench in
            let fault = await bench.fault(within: .milliseconds(50))
            #expect(fault == .unavailable(reason: "the stream of bus.billing.status.response is not open"))
            #expect(bench.published.isEmpty && bench.requests.pendingCount == 0)
            #expect(bench.readiness.missing == ["stream bus.billing.status.response"])
        }
    }

    @Test("what a server has no names for is not asked, and the requester is ready without it")
    func unknownNames() async throws {
        for (capabilities, isKnown) in [
            (EventsDouble.Step.missing, false), (.manualAck, false),
            (.reply(200, #"{"features":["unlinked-updates"]}"#), true),
        ] {
            let script: EventsDouble.Script = { call in
                switch call.route {
                case "capabilities": capabilities
                case "stream": .openLines([])
                default: .answer { responseLine($0, name: $0["name"]?.text?.replacing(".request", with: ".response")) }
                }
            }
            try await RequestReplyBench.run(asking: [Exchange.status.rules, Exchange.stripeObserve.rules], script) {
                bench in
                try await bench.streams(isKnown ? 2 : 1)
                #expect(try await bench.ask(1) == 1)
                let observe = ObserveRequest(accountID: "a", providerSubscriptionID: "sub_1")
                let started = ContinuousClock.now
                // The double answers with the request, which is no answer to it.
                await #expect {
                    _ = try await bench.requests.ask(.stripeObserve, observe, metadata: [:], within: .seconds(300))
                } throws: { error in
                    let name = "bus.stripe.subscription.observe.request"
                    let fault = RequestReplyFault.unavailable(reason: "this Events API does not know \(name)")
                    return isKnown ? error is ReplyFault : error as? RequestReplyFault == fault
                }
                #expect(ContinuousClock.now - started < .seconds(300), "it does not wait in vain")
                #expect(bench.double.calls("stream").count == (isKnown ? 2 : 1))
                #expect(bench.published.count == (isKnown ? 2 : 1))
            }
        }
    }

    @Test("late responses and those of others are dropped and counted, and harm nobody")
    func dropped() async throws {
        let metrics = PrometheusRegistry()
        _ = try await withMetricsFactory(metrics) {
            try await RequestReplyBench.run(script(answers: false)) { bench in
                try await bench.streams(1)
                #expect(await bench.fault(within: .milliseconds(50)) == .timedOut)
                let late = try await bench.firstPublished()
                bench.double.send(responseLine(late))
                bench.double.send("no JSON")
                async let answer = bench.ask(2)
                let request = try await eventually("the second is published") {
                    bench.published.count == 2 ? bench.published.last : nil
                }
                bench.double.send(responseLine(request, correlationID: UUIDText.random()))
                let other: JSONValue = ["correlationId": request["correlationId"] ?? .null, "payload": ["n": 99]]
                bench.double.send(responseLine(other, name: "bus.billing.portal_session.response"))
                bench.double.send(responseLine(request))
                bench.double.send(responseLine(request))
                #expect(try await answer == 2)
                let counted = #"bus_responses_dropped_total{event="bus.billing.status.response"} 4"#
                try await eventually("four were counted") { metrics.exposition().contains(counted) ? true : nil }
            }
        }
    }

    @Test("a caller that goes away leaves nothing behind")
    func cancelled() async throws {
        try await RequestReplyBench.run(script(answers: false)) { bench in
            let caller = Task { try await bench.ask(1) }
            try await bench.pending(1)
            caller.cancel()
            await #expect(throws: CancellationError.self) { try await caller.value }
            #expect(bench.requests.pendingCount == 0)
        }
    }

    @Test("more requests than may wait are refused at once")
    func tooMany() async throws {
        try await RequestReplyBench.run(pendingMax: 2, script(answers: false)) { bench in
            async let first = bench.fault()
            async let second = bench.fault()
            try await bench.pending(2)
            #expect(await bench.fault() == .tooMany)
            await bench.stop()
            #expect(await [first, second] == [.stopped, .stopped])
            #expect(await bench.fault() == .stopped)
        }
    }

    @Test("a response that passed while the stream was down is found in one replay", arguments: [true, false])
    func reconnectGap(isWaiting: Bool) async throws {
        let request = Mutex(JSONValue.null)
        let script = script(answers: false) { number in
            number == 1
                ? .openLines([])
                : .openLines([responseLine(["correlationId": "old"]), responseLine(request.withLock { $0 })])
        }
        try await RequestReplyBench.run(script) { bench in
            try await bench.streams(1)
            if isWaiting {
                async let answer = bench.ask(5)
                let published = try await bench.firstPublished()
                request.withLock { $0 = published }
                bench.double.breakStreams()
                #expect(try await answer == 5)
                bench.double.breakStreams()
                try await bench.streams(3)
            } else {
                bench.double.breakStreams()
                try await bench.streams(2)
            }
            let plain = "name=bus.billing.status.response"
            let queries = bench.double.calls("stream").map(\.query)
            #expect(queries == (isWaiting ? [plain, plain + "&replay=true", plain] : [plain, plain]))
        }
    }

    @Test("a request whose publish fails ends at once with the reason")
    func unpublished() async throws {
        let script: EventsDouble.Script = { $0.route == "stream" ? .openLines([]) : .fail(503, "backend_unavailable") }
        try await RequestReplyBench.run(script) { bench in
            #expect(await bench.fault() == .unavailable(reason: "503 backend_unavailable"))
            #expect(bench.requests.pendingCount == 0)
        }
    }

    @Test("a refused stream ends the process, naming event and scope", arguments: [401, 403])
    func refusedStream(status: Int) async throws {
        let failure = try await RequestReplyBench.run(script { _ in .fail(status) }) { bench in
            #expect(await bench.fault() == .stopped)
            await bench.ended()
        }
        let text = failure?.description ?? ""
        for part in ["bus.billing.status.response", "\(status)", "billing:read", "BUS_API_TOKEN"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(failure?.exitCode == 1)
        #expect(!text.contains("canary"))
    }

    @Test("a refused request ends the process too, naming the request", arguments: [401, 403])
    func refusedPublish(status: Int) async throws {
        let script: EventsDouble.Script = { $0.route == "stream" ? .openLines([]) : .fail(status) }
        let failure = try await RequestReplyBench.run(script) { bench in
            #expect(await bench.fault() == .unavailable(reason: "the Events API refused the request (\(status))"))
            await bench.ended()
        }
        #expect(failure?.description.contains("bus.billing.status.request") == true)
        #expect(failure?.description.contains("billing:read") == true)
    }
}
