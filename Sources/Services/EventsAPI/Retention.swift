import BusCore
import BusSQL
import Logging
import ServiceLifecycle

/// Removes old events in small transactions, never one that a delivery still needs.
package struct Retention: Service {
    private let commits: GroupCommit
    private let keep: Duration
    private let now: @Sendable () -> Timestamp
    private let logger: Logger

    /// Keeps events for `keep`; zero keeps all.
    package init(
        commits: GroupCommit, keep: Duration, logger: Logger, now: @escaping @Sendable () -> Timestamp
    ) {
        self.commits = commits
        self.keep = keep
        self.logger = logger
        self.now = now
    }

    /// Removes what is too old, again and again until shutdown.
    package func run() async throws {
        guard keep > .zero else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    let removed = try await removeExpired()
                    if removed > 0 { logger.info("expired events removed", metadata: ["count": "\(removed)"]) }
                } catch {
                    logger.warning("expired events not removed", metadata: ["error": "\(error)"])
                }
                do { try await Task.sleep(for: .seconds(Limits.retentionIntervalSeconds)) } catch { return }
            }
        }
    }

    /// Removes everything that may go now; returns how many events that were.
    ///
    /// Kept regardless of age: the newest event, from which ids go on after a restart; events with an unacknowledged or
    /// parked delivery; and events that a group with unacknowledged deliveries has not reached yet.
    package func removeExpired() async throws -> Int {
        let cutoff = now().nanoseconds - keep.wholeNanoseconds
        var position: Int64 = 0
        var removed = 0
        while true {
            let start = position
            let step = try await commits.perform { connection in
                let range: [SQLValue] = [.integer(start), .integer(cutoff), .integer(Retention.chunk)]
                let row = try connection.first(Retention.stepEnd, range)
                guard let end = try row?.integerOrNil(0) else { return (end: Int64?.none, removed: 0) }
                return (end, try connection.run(Retention.removal, [.integer(start), .integer(end)]))
            }
            removed += step.removed
            guard let end = step.end else { return removed }
            position = end
        }
    }

    private static let chunk = Int64(Limits.retentionChunkEventsMax)

    static let stepEnd: SQL = """
        SELECT max(seq) FROM (
            SELECT seq FROM bus_events
            WHERE seq > $1 AND seq <= $2 AND seq < (SELECT max(seq) FROM bus_events) ORDER BY seq LIMIT $3
        ) AS step
        """
    static let removal: SQL = """
        DELETE FROM bus_events WHERE seq > $1 AND seq <= $2
        AND NOT EXISTS (SELECT 1 FROM bus_event_deliveries d WHERE d.event_seq = bus_events.seq)
        AND NOT EXISTS (SELECT 1 FROM bus_event_dead_letters l WHERE l.event_seq = bus_events.seq)
        AND NOT EXISTS (
            SELECT 1 FROM bus_event_group_cursors c
            WHERE c.name = bus_events.name AND c.last_seq < bus_events.seq
            AND EXISTS (
                SELECT 1 FROM bus_event_deliveries d
                WHERE d.owner_scope = c.owner_scope AND d.group_name = c.group_name AND d.name = c.name))
        """
}
