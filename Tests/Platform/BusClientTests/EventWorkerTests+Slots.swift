import BusContract
import BusCore
import Synchronization
import TestSupport
import Testing

@testable import BusClient

/// How many handlers run at once, and whom they delay.
extension EventWorkerTests {
    @Test("at most so many handlers of one exchange run at once")
    func concurrency() async throws {
        let running = Mutex((now: 0, most: 0))
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .missing
            case "stream": .openLines((1...40).map { line("evt_\(call.number)_\($0)") })
            default: .reply(202)
            }
        }
        try await WorkerBench.run(settings: ["BUS_WORKER_CONCURRENCY": "3"]) { _ in
            running.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { $0.now -= 1 }
        } script: {
            script($0)
        } _: { bench in
            try await bench.responses(40)
            #expect(running.withLock { $0.most } <= 3)
        }
    }

    @Test("an exchange whose handlers all wait delays no other exchange")
    func slowNeighbours() async throws {
        let names: [EventName] = [Exchange.stripeMeterEvent.request, Exchange.stripePortal.request]
        let gate = Gate()
        let script: EventsDouble.Script = { call in
            switch call.route {
            case "capabilities": .missing
            case "stream":
                call.query.contains("meter_event")
                    ? .openLines((1...20).map { line("slow_\($0)", name: Exchange.stripeMeterEvent.request) })
                    : .openLines((1...20).map { line("fast_\($0)") })
            default: .reply(202)
            }
        }
        try await WorkerBench.run(names, settings: ["BUS_WORKER_CONCURRENCY": "2"]) { caller in
            if caller.eventID?.hasPrefix("slow") == true { await gate.wait() }
        } script: {
            script($0)
        } _: { bench in
            let fast = await Result { try await bench.responses(20) }
            #expect(bench.requests.filter { $0.eventID?.hasPrefix("slow") == true }.count <= 2)
            // Also after a failure, or the worker would never end.
            await gate.open()
            try fast.get()
            try await bench.responses(40)
        }
    }
}

/// Holds everybody up until it opens.
private actor Gate {
    private var isOpen = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    func wait() async {
        if isOpen { return }
        await withCheckedContinuation { waiting.append($0) }
    }

    func open() {
        isOpen = true
        for waiter in waiting { waiter.resume() }
        waiting = []
    }
}
