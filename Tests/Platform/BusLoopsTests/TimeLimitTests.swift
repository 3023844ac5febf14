import BusLoops
import BusRuntime
import Testing

/// What ends by the time, and what ends before it.
@Suite(.timeLimit(.minutes(1))) struct TimeLimitTests {
    private struct Late: Error {}

    @Test("work that is done in time is not late, and work that takes longer is cancelled and late")
    func limitsWork() async throws {
        #expect(try await inTime(.seconds(3_600), late: Late()) { 1 } == 1)
        await #expect(throws: Late.self) {
            try await inTime(.milliseconds(5), late: Late()) { try await LoopTimer.sleep(for: .seconds(3_600)) }
        }
    }

    @Test("a failure of the work is its own, not a late one")
    func keepsFailures() async {
        struct Failure: Error {}
        await #expect(throws: Failure.self) { try await inTime(.seconds(3_600), late: Late()) { throw Failure() } }
    }

    @Test("a wait for a signal ends with the time, a ring before it or while it waits, and the close")
    func waitsForSignals() async {
        let signal = Signal()
        let start = ContinuousClock.now
        await signal.waitOnLoop(atMost: .milliseconds(5))
        #expect(start.duration(to: .now) >= .milliseconds(5))
        signal.ring()
        await signal.waitOnLoop(atMost: .seconds(3_600))
        async let waited: Void = signal.waitOnLoop(atMost: .seconds(3_600))
        signal.ring()
        await waited
        signal.close()
        await signal.waitOnLoop(atMost: .seconds(3_600))
    }
}
