import BusCore
import BusRuntime
import BusSQL
import Synchronization

/// Whether the store can be read and written: real commits say so, and a look at it when somebody asks.
package final class StoreHealth: Sendable {
    private struct State {
        var canRead = true
        var lookingSince: ContinuousClock.Instant?
        var nextLook = ContinuousClock.now
    }

    private let commits: GroupCommit
    private let log: EventLog
    private let readiness: Readiness
    private let interval: Duration
    private let state = Mutex(State())

    /// Health of the log behind `commits`; looks at it at most once in `interval`.
    package init(
        commits: GroupCommit, log: EventLog, readiness: Readiness,
        interval: Duration = .seconds(Limits.storeProbeIntervalSeconds)
    ) {
        self.commits = commits
        self.log = log
        self.readiness = readiness
        self.interval = interval
    }

    /// Brings the condition `store` up to date.
    @Sendable package func refresh() async {
        let isFailing = await commits.isFailing
        if startLook() {
            var canRead = true
            do { _ = try await log.newest() } catch { canRead = false }  // The condition is the report.
            endLook(canRead)
            if isFailing { await commits.tryAgain() }
        }
        readiness.set("store", !isFailing && isReadable)
    }

    private var isReadable: Bool {
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

    private func endLook(_ canRead: Bool) {
        state.withLock { state in
            state.lookingSince = nil
            state.canRead = canRead
        }
    }
}
