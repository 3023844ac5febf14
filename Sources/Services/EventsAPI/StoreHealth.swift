import BusCore
import BusRuntime
import BusSQL
import CoreMetrics

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
        let deadLetters = Gauge(label: "bus_events_dead_letters")
        probe = StoreProbe(interval: interval) {
            _ = try await log.newest()
            let count = try await log.read { try $0.first(StoreHealth.deadLetters)?.integer(0) ?? 0 }
            deadLetters.record(count)
        }
    }

    /// Counting ends where nobody needs to know better.
    private static let deadLetters: SQL =
        "SELECT count(*) FROM (SELECT 1 FROM bus_event_dead_letters LIMIT 10000) AS letters"

    /// Brings the condition `store` up to date.
    @Sendable func refresh() async {
        let isFailing = commits.isFailing
        if await probe.look(), isFailing { commits.tryAgain() }
        readiness.set("store", !isFailing && probe.answers)
    }
}
