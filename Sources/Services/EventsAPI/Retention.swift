import BusCore
import BusSQL
import Logging
import ServiceLifecycle

/// Removes old events in small transactions, but none that a delivery still needs.
struct Retention: Service {
    let commits: GroupCommit
    /// Time that events are kept; zero keeps all.
    let keep: Duration
    let logger: Logger
    let now: @Sendable () -> Timestamp

    /// Removes expired events and abandoned groups at intervals until shutdown.
    func run() async throws {
        guard keep > .zero else { return try await gracefulShutdown() }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    for group in try await endAbandonedGroups() {
                        logger.notice("abandoned group ended", metadata: ["group": "\(group)"])
                    }
                    let removed = try await removeExpired()
                    if removed > 0 { logger.info("expired events removed", metadata: ["count": "\(removed)"]) }
                } catch {
                    logger.warning("expired events not removed", metadata: ["error": "\(error)"])
                }
                do { try await Task.sleep(for: .seconds(Limits.retentionIntervalSeconds)) } catch { return }
            }
        }
    }

    /// Removes all expired events and returns how many there were.
    ///
    /// Kept regardless of age: the newest event, from which ids go on after a restart; events with an unacknowledged or
    /// parked delivery; and events that a group with unacknowledged deliveries has yet to reach. The group of one owner
    /// keeps only events of that owner.
    func removeExpired() async throws -> Int {
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

    /// Ends groups from which nobody has claimed for the retention time, or for a week if that is longer; returns their
    /// names.
    ///
    /// A claim takes waiting deliveries first. So a delivery that waited for all that time shows that nobody claimed. A
    /// group that comes back starts as a new one, at the oldest event kept.
    func endAbandonedGroups() async throws -> [String] {
        let seconds = max(keep.wholeNanoseconds / 1_000_000_000, Limits.abandonedGroupSecondsMin)
        let cutoff = now().advanced(bySeconds: -seconds).nanoseconds
        return try await commits.perform { connection in
            let values: [SQLValue] = [.integer(cutoff), .integer(Int64(Limits.abandonedGroupsEndedMax))]
            let groups = try connection.rows(Retention.abandonedGroups, values)
            for group in groups {
                let key: [SQLValue] = try [.text(group.text(0)), .text(group.text(1)), .text(group.text(2))]
                try connection.run(Retention.abandonedDeliveries, key + [.integer(cutoff), .integer(Retention.chunk)])
                try connection.run(Retention.emptyGroup, key)
            }
            try connection.run(Retention.forgottenGroups, values)
            return try groups.map { try $0.text(1) }
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
            AND c.owner_scope IN ('*', bus_events.owner)
            AND EXISTS (
                SELECT 1 FROM bus_event_deliveries d
                WHERE d.owner_scope = c.owner_scope AND d.group_name = c.group_name AND d.name = c.name))
        """
    static let abandonedGroups: SQL = """
        SELECT owner_scope, group_name, name FROM bus_event_group_cursors c
        WHERE updated_at <= $1 AND EXISTS (
            SELECT 1 FROM bus_event_deliveries d
            WHERE d.owner_scope = c.owner_scope AND d.group_name = c.group_name AND d.name = c.name
            AND d.available_at <= $1)
        LIMIT $2
        """
    static let abandonedDeliveries: SQL = """
        DELETE FROM bus_event_deliveries
        WHERE owner_scope = $1 AND group_name = $2 AND event_seq IN (
            SELECT event_seq FROM bus_event_deliveries
            WHERE owner_scope = $1 AND group_name = $2 AND name = $3 AND available_at <= $4 LIMIT $5)
        """
    static let emptyGroup: SQL = """
        DELETE FROM bus_event_group_cursors
        WHERE owner_scope = $1 AND group_name = $2 AND name = $3 AND NOT EXISTS (
            SELECT 1 FROM bus_event_deliveries d
            WHERE d.owner_scope = $1 AND d.group_name = $2 AND d.name = $3)
        """
    /// Groups before the oldest event kept: a new group would start at the same place.
    static let forgottenGroups: SQL = """
        DELETE FROM bus_event_group_cursors WHERE (owner_scope, group_name, name) IN (
            SELECT c.owner_scope, c.group_name, c.name FROM bus_event_group_cursors c
            WHERE c.updated_at <= $1 AND c.last_seq < (SELECT min(seq) FROM bus_events) AND NOT EXISTS (
                SELECT 1 FROM bus_event_deliveries d
                WHERE d.owner_scope = c.owner_scope AND d.group_name = c.group_name AND d.name = c.name)
            LIMIT $2)
        """
}
