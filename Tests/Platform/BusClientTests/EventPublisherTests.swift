import BusContract
import BusCore
import BusRuntime
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("Publishing in shared batches", .timeLimit(.minutes(5)))
struct EventPublisherTests {
    private func draft(_ number: Int) -> EventDraft {
        EventDraft(
            EventEnvelope(name: Exchange.subscriptionUpdate.request, payload: JSONText(["n": .integer(Int64(number))])),
            idempotencyKey: "stripe:evt_\(number)")
    }

    /// Runs `body` beside a publisher that is stopped afterwards; what its `run` threw comes back.
    private func withPublisher(
        timeout: Duration = .seconds(30), gathering: Duration? = nil, _ script: @escaping EventsDouble.Script,
        _ body: @escaping @Sendable (EventPublisher, EventsDouble) async throws -> Void
    ) async throws -> ProcessFailure? {
        try await EventsDouble.run(script) { double, client in
            let publisher = EventPublisher(client: client, timeout: timeout, gathering: gathering)
            let running = Task { try await publisher.run() }
            let result = await Result { try await body(publisher, double) }
            running.cancel()
            let ending = await running.result
            try result.get()
            if case .failure(let error) = ending { return error as? ProcessFailure }
            return nil
        }
    }

    /// Publishes drafts at once; the faults, by number.
    private func publish(_ numbers: Range<Int>, to publisher: EventPublisher) async -> [Int: EventsFault] {
        await withTaskGroup(of: (Int, EventsFault?).self) { group in
            for number in numbers {
                group.addTask {
                    do throws(EventsFault) {
                        try await publisher.publish(draft(number))
                        return (number, nil)
                    } catch {
                        return (number, error)
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test("a lone event goes by the single route with its key and our token")
    func alone() async throws {
        let failure = try await withPublisher({ _ in .reply(202, "") }) { publisher, double in
            try await publisher.publish(draft(7))
            let call = try #require(double.calls("events").first)
            #expect(double.calls("batch").isEmpty && double.calls("events").count == 1)
            #expect(call.idempotencyKey == "stripe:evt_7")
            #expect(call.authorization == "Bearer canary-token")
            #expect(call.body["name"]?.text == "bus.billing.subscription.update")
            #expect(call.body["payload"] == ["n": 7] && call.body["idempotencyKey"] == nil)
        }
        #expect(failure == nil)
    }

    @Test("concurrent events share batches, each with its own key")
    func batches() async throws {
        _ = try await withPublisher({ _ in .reply(202) }) { publisher, double in
            #expect(await publish(0..<1_200, to: publisher).isEmpty)
            let batches = double.calls("batch")
            let calls = batches + double.calls("events")
            #expect(calls.count < 300)
            #expect(batches.allSatisfy { (2...Limits.batchEventsMax).contains($0.events.count) })
            let keys =
                batches.flatMap { $0.events.compactMap { $0["idempotencyKey"]?.text } }
                + double.calls("events").compactMap(\.idempotencyKey)
            #expect(keys.sorted() == (0..<1_200).map { "stripe:evt_\($0)" }.sorted())
        }
    }

    @Test("a server without batches is asked for one once, and gets single events from then on", arguments: [404, 405])
    func withoutBatches(status: Int) async throws {
        _ = try await withPublisher({ $0.route == "batch" ? .fail(status) : .reply(202) }) { publisher, double in
            // Both workers may have a batch under way when the first answer comes.
            for round in 0..<3 {
                #expect(await publish(round * 50..<round * 50 + 50, to: publisher).isEmpty)
            }
            #expect(1...Limits.publishBatchesInFlightMax ~= double.calls("batch").count)
            #expect(Set(double.calls("events").compactMap(\.idempotencyKey)).count == 150)
        }
    }

    @Test("a rejected member fails alone")
    func rejectedMember() async throws {
        let script: EventsDouble.Script = { call in
            call.events.contains { $0["payload"] == ["n": 13] } ? .fail(400, "bad_request") : .reply(202)
        }
        _ = try await withPublisher(script) { publisher, _ in
            let faults = await publish(0..<40, to: publisher)
            #expect(Array(faults.keys) == [13])
            guard case .rejected(400, "bad_request", "because") = faults[13] else {
                Issue.record("\(String(describing: faults[13]))")
                return
            }
        }
    }

    @Test("a refused token ends the process after every caller has heard, naming the scope and never the token")
    func refused() async throws {
        let failure = try await withPublisher({ _ in .fail(403, "forbidden") }) { publisher, _ in
            #expect(await publish(0..<100, to: publisher).count == 100)
        }
        #expect(failure?.exitCode == 1)
        let text = failure?.description ?? ""
        for part in ["bus.billing.subscription.update", "403", "billing:subscription:write", "BUS_API_TOKEN"] {
            #expect(text.contains(part), "\(text)")
        }
        #expect(!text.contains("canary"))
    }

    @Test("in a batch of several names only the one whose scope is missing is refused, and named")
    func refusedName() async throws {
        let script: EventsDouble.Script = { call in
            let isRefused = call.events.contains { $0["name"]?.text == "bus.billing.status.request" }
            return isRefused ? .fail(403, "forbidden") : .reply(202)
        }
        let failure = try await withPublisher(script) { publisher, double in
            let published = Mutex<[Bool]>([])
            for number in 0..<50 {
                publisher.submit(draft(number)) { fault in published.withLock { $0.append(fault == nil) } }
            }
            // It comes last, so that its refusal stops nothing that is not in the queue yet.
            let request = EventEnvelope(name: Exchange.status.request, payload: JSONText([:]))
            await #expect(throws: EventsFault.self) { try await publisher.publish(EventDraft(request)) }
            try await eventually("all were answered") { published.withLock { $0.count == 50 ? true : nil } }
            let all = published.withLock { $0 }
            #expect(all.allSatisfy { $0 })
            #expect(double.calls("batch").contains { $0.events.count > 1 })
        }
        #expect(failure?.description.contains("bus.billing.status.request") == true)
        #expect(failure?.description.contains("billing:read") == true)
    }

    @Test("a server that hangs, before or within its answer, is unavailable in time", arguments: [0, 202, 503])
    func hung(status: Int) async throws {
        let script: EventsDouble.Script = { _ in status == 0 ? .silence : .silentBody(status) }
        let failure = try await withPublisher(timeout: .milliseconds(100), script) { publisher, _ in
            let faults = await publish(0..<20, to: publisher)
            #expect(faults.count == 20)
            for case .refused in faults.values { Issue.record("a hung server refuses nothing") }
        }
        #expect(failure == nil)
    }

    @Test("a server that is away, overloaded or answers nonsense is unavailable, with its wish for a pause")
    func unavailable() async throws {
        for status in [408, 425, 429, 500, 503] {
            _ = try await withPublisher({ _ in .fail(status, retryAfter: "7") }) { publisher, _ in
                guard case .unavailable(_, 7) = await publish(0..<1, to: publisher)[0] else {
                    Issue.record("\(status) is no outage")
                    return
                }
            }
        }
    }

    @Test("a batch gathers no longer than it may, and after a lone event not at all")
    func gatheringEnds() async throws {
        _ = try await withPublisher(gathering: .milliseconds(1), { _ in .reply(202, "") }) { publisher, _ in
            for _ in 0..<3 {
                let faults = await publish(0..<2, to: publisher)
                #expect(faults.isEmpty)
            }
        }
        _ = try await withPublisher(gathering: .seconds(600), { _ in .reply(202, "") }) { publisher, _ in
            for number in 0..<3 { try await publisher.publish(draft(number)) }
        }
    }

    @Test("an event after the stop is unavailable at once")
    func stopped() async throws {
        try await EventsDouble.run({ _ in .reply(202) }) { _, client in
            let publisher = EventPublisher(client: client, timeout: .seconds(30))
            let running = Task { try await publisher.run() }
            try await publisher.publish(draft(1))
            running.cancel()
            try await running.value
            #expect(await publish(0..<3, to: publisher).count == 3)
        }
    }

    @Test("the queue takes so many and no more, and gives everything out after the stop")
    func queue() {
        var queue = BatchQueue<Int>(countMax: 3)
        for number in 0..<3 { if case .queued = queue.enqueue(number) {} else { Issue.record("not queued") } }
        if case .full = queue.enqueue(3) {} else { Issue.record("not full") }
        #expect(queue.stop().isEmpty)
        if case .stopped = queue.enqueue(4) {} else { Issue.record("not stopped") }
    }

    @Test("a full queue answers unavailable while the server hangs")
    func full() async throws {
        let heard = Mutex(0)
        _ = try await withPublisher({ _ in .silence }) { publisher, double in
            let taken = Limits.publishBatchesInFlightMax
            for number in 1...taken {
                publisher.submit(draft(number)) { _ in }
                try await eventually("another worker is busy") { double.calls("events").count == number ? true : nil }
            }
            for number in 0..<Limits.publishQueueEventsMax { publisher.submit(draft(number)) { _ in } }
            publisher.submit(draft(0)) { fault in
                if case .unavailable = fault { heard.withLock { $0 += 1 } }
            }
            #expect(heard.withLock { $0 } == 1)
        }
    }

    @Test("whatever the server does, every caller hears exactly once")
    func exactlyOnce() async throws {
        let seed = PropertySettings.seed
        for await round in Rounds(4, proof: 200) {
            let random = Mutex(SeededGenerator(seed: seed &+ UInt64(round)))
            let script: EventsDouble.Script = { _ in
                let steps: [EventsDouble.Step] = [
                    .reply(202), .reply(202), .fail(400), .fail(404), .fail(409), .fail(503), .silence,
                    .silentBody(202), .brokenLines(["{"]),
                ]
                return random.withLock { steps.randomElement(using: &$0) } ?? .reply(202)
            }
            let heard = Mutex([Int](repeating: 0, count: 60))
            _ = try await withPublisher(timeout: .milliseconds(150), script) { publisher, _ in
                for number in 0..<60 {
                    publisher.submit(draft(number)) { _ in heard.withLock { $0[number] += 1 } }
                    if number % 7 == 0 { await Task.yield() }
                }
                if round % 2 == 0 {
                    try await eventually("all were heard") {
                        heard.withLock { $0.allSatisfy { $0 > 0 } } ? true : nil
                    }
                }
            }
            #expect(heard.withLock { $0.allSatisfy { $0 == 1 } }, "BUS_TEST_SEED=\(seed) round \(round)")
        }
    }
}
