import BusLoops
import NIOCore
import NIOPosix
import Testing

/// Waiting on event loops.
@Suite(.timeLimit(.minutes(1))) struct LoopTimerTests {
    @Test("a task sleeps for the time, and goes on on its loop", arguments: [0, 1, 30])
    func sleeps(_ milliseconds: Int) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await withTaskExecutorPreference(EventLoopExecutor(loop)) {
            let start = ContinuousClock.now
            try await LoopTimer.sleep(for: .milliseconds(milliseconds))
            #expect(start.duration(to: .now) >= .milliseconds(milliseconds))
            #expect(loop.inEventLoop)
        }
    }

    @Test("a task on no loop sleeps too")
    func sleepsAnywhere() async throws {
        let start = ContinuousClock.now
        try await LoopTimer.sleep(for: .milliseconds(5))
        #expect(start.duration(to: .now) >= .milliseconds(5))
    }

    @Test("a sleep ends with an error when its task is cancelled, before it or in it")
    func isCancelled() async {
        let sleeper = Task { try await LoopTimer.sleep(for: .seconds(3_600)) }
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await LoopTimer.sleep(for: .seconds(3_600)) }
            group.addTask { try await LoopTimer.sleep(for: .milliseconds(5)) }
            _ = try? await group.next()
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.waitForAll() }
        }
    }

    @Test("what was cancelled does not run")
    func cancelledWork() async throws {
        try await confirmation(expectedCount: 0) { ran in
            // On the loop of the timer, so that however late the cancelling is, the timer cannot come before it.
            try await withTaskExecutorPreference(EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.next())) {
                LoopTimer.after(.milliseconds(1)) { ran() }.cancel()
                try await LoopTimer.sleep(for: .milliseconds(20))
            }
        }
    }
}
