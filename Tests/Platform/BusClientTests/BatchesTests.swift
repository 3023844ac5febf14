import BusContract
import BusCore
import BusLoops
import BusRuntime
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("Batches of what comes at the same time", .timeLimit(.minutes(5)))
struct BatchesTests {
    @Test("a sender that is woken takes whatever waits by then")
    func takesWhatWaits() async {
        let queue = Mutex(BatchQueue<Int>(countMax: 10))
        await withCheckedContinuation { sender in
            #expect(queue.withLock { $0.wait(sender) })
            guard case .wake(let woken) = queue.withLock({ $0.enqueue(1) }) else {
                Issue.record("nobody was woken")
                return sender.resume()
            }
            if case .queued(count: 2) = queue.withLock({ $0.enqueue(2) }) {} else { Issue.record("not queued") }
            woken.resume()
        }
        #expect(queue.withLock { $0.take() } == [1, 2])
        // Another sender that was woken for one of them finds nothing, which is not the end.
        #expect(queue.withLock { $0.take() } == [])
        _ = queue.withLock { $0.stop() }
        #expect(queue.withLock { $0.take() } == nil)
    }

    @Test("what waits at the stop is still sent")
    func stop() async {
        let batches = Batches<Int>(countMax: 10, gathering: .seconds(600))
        for number in 0..<3 { #expect(batches.add(number) == nil) }
        batches.stop()
        #expect(batches.add(3) == .stopped)
        let sent = Mutex<[[Int]]>([])
        await batches.run { batch in sent.withLock { $0.append(batch) } }
        #expect(sent.withLock { $0 } == [[0, 1, 2]])
    }

    private final class Sent: Sendable {
        let batches = Mutex<[[Int]]>([])
    }

    @Test("after a batch of several the next one gathers until enough wait")
    func gathers() async throws {
        let batches = Batches<Int>(countMax: 1_000, gathering: .seconds(600), quiet: .seconds(600))
        let sent = Sent()
        let enough = Limits.batchEventsEnough
        for number in 0..<2 { #expect(batches.add(number) == nil) }
        try await withThrowingTaskGroup { group in
            // The stop ends the gathering.
            defer { batches.stop() }
            group.addTask { await batches.run { batch in sent.batches.withLock { $0.append(batch) } } }
            try await eventually("the first batch is sent") { sent.batches.withLock { $0.isEmpty ? nil : true } }
            for number in 2..<(2 + enough) { #expect(batches.add(number) == nil) }
            try await eventually("the second batch is sent") { sent.batches.withLock { $0.count > 1 ? true : nil } }
        }
        #expect(sent.batches.withLock { $0[1] } == Array(2..<(2 + enough)))
    }

    @Test("a batch goes when nothing comes, and at once when it is one already", arguments: [1, 3, 32, 63, 64, 100])
    func goes(_ count: Int) async {
        let batches = Batches<Int>(
            countMax: 1_000, gathering: .seconds(600), fastCount: 32,
            quiet: count < 32 ? .milliseconds(1) : .seconds(600))
        let sent = Mutex<[[Int]]>([])
        for number in 0..<2 { #expect(batches.add(number) == nil) }
        await batches.run { batch in
            sent.withLock { $0.append(batch) }
            if batch == [0, 1] {
                // They come while the first batch is under way.
                for number in 0..<count { #expect(batches.add(number) == nil) }
            } else {
                batches.stop()
            }
        }
        #expect(sent.withLock { $0 } == [[0, 1], Array(0..<count)])
    }

    @Test("the time of gathering begins with the first item, so that what comes in bursts goes in one batch each")
    func bursts() async throws {
        let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let quiet = Duration.milliseconds(500)
        let batches = Batches<Int>(countMax: 1_000, gathering: .seconds(600), quiet: quiet)
        let sent = Sent()
        // One loop runs everything in order, timers too: what ends after `quiet` has ended when the sleep has. The stop sends
        // what still gathers.
        try await withTaskExecutorPreference(EventLoopExecutor(loops.any())) {
            try await withThrowingTaskGroup { group in
                defer { batches.stop() }
                group.addTask { await batches.run { batch in sent.batches.withLock { $0.append(batch) } } }
                for number in 0..<2 { #expect(batches.add(number) == nil) }
                try await LoopTimer.sleep(for: quiet * 2)
                for number in 2..<5 {
                    #expect(batches.add(number) == nil)
                    // Now the sender may take what waits.
                    for _ in 0..<10 { await Task.yield() }
                }
            }
        }
        #expect(sent.batches.withLock { $0 } == [[0, 1], [2, 3, 4]])
        try await loops.shutdownGracefully()
    }

    @Test("acknowledgements of what nobody waits for never hold up a response that somebody waits for")
    func twoQueues() async throws {
        let (deletion, portal) = (Exchange.customerDeletion.request, Exchange.stripePortal.request)
        let hangs = Signal()
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": return .reply(200, #"{"features":["batch","manual-ack","reply","unlinked-updates"]}"#)
            case "stream":
                return .openLines(
                    call.query.contains("name=\(deletion)&")
                        ? [line("e1", delivery: "d1", name: deletion)] : [line("e2", delivery: "d2", name: portal)])
            case "ack" where call.body["deliveries"]?.elements?.contains { $0["id"] == "d1" } == true:
                hangs.ring()
                return .silence
            case "ack": return .reply(200)
            default: return .reply(202)
            }
        }
        try await WorkerBench.run(
            [deletion, portal], handler: { if $0.eventID == "e2" { await hangs.wait() } }, script: script
        ) { bench in
            _ = try await eventually("the portal's response is there") { bench.outcomes["d2"] }
            // In one queue it would come after the call that hangs was given up and made again.
            #expect(bench.double.calls("ack").count == 2)
        }
    }
}
