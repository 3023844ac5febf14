import BusCore
import BusRuntime
import BusSQL

/// Whether the store can be read and written, judged by the commits and by a read when somebody asks.
struct StoreHealth: Sendable {
    private let commits: GroupCommit
    private let readiness: Readiness
    private let probe: StoreProbe

    /// The health of `log`, which is read at most once in `interval`.
    init(
        commits: GroupCommit, log: EventLog, readiness: Readiness,
        interval: Duration = .seconds(Limits.storeProbeIntervalSeconds)
    ) {
        self.commits = commits
        self.readiness = readiness
        probe = StoreProbe(interval: interval) { _ = try await log.newest() }
    }

    /// Brings the condition `store` up to date.
    @Sendable func refresh() async {
        let isFailing = commits.isFailing
        if await probe.look(), isFailing { commits.tryAgain() }
        readiness.set("store", !isFailing && probe.answers)
    }
}
