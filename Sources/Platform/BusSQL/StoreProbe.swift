import BusCore
import Synchronization

/// Whether a store answers.
///
/// However often somebody asks, the store is read at most once in an interval.
package final class StoreProbe: Sendable {
    private struct State {
        var canRead = true
        var lookingSince: ContinuousClock.Instant?
        var nextLook = ContinuousClock.now
    }

    private let interval: Duration
    private let read: @Sendable () async throws -> Void
    private let state = Mutex(State())

    /// A probe around `read`, which throws when the store cannot be read.
    package init(
        interval: Duration = .seconds(Limits.storeProbeIntervalSeconds),
        read: @escaping @Sendable () async throws -> Void
    ) {
        self.interval = interval
        self.read = read
    }

    /// Reads the store if the interval is over; returns whether it did.
    @discardableResult
    package func look() async -> Bool {
        guard startLook() else { return false }
        var canRead = true
        do { try await read() } catch { canRead = false }  // The answer is the report.
        state.withLock { state in
            state.lookingSince = nil
            state.canRead = canRead
        }
        return true
    }

    /// What the last read found; false while a read takes too long.
    package var answers: Bool {
        state.withLock { state in
            let isSlow = state.lookingSince.map { .now - $0 > .seconds(Limits.storeProbeSeconds) } ?? false
            return state.canRead && !isSlow
        }
    }

    private func startLook() -> Bool {
        state.withLock { state in
            guard state.lookingSince == nil, .now >= state.nextLook else { return false }
            state.lookingSince = .now
            state.nextLook = .now + interval
            return true
        }
    }
}
