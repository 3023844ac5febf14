import BusContract
import BusCore
import BusSQL

/// Stores events in the log and wakes the streams that wait for them.
struct EventAppender: Sendable {
    let log: EventLog
    let commits: GroupCommit
    let wakeUps: WakeUps
    let now: @Sendable () -> Timestamp

    /// Stores one event; returns when it is as durable as it has to be.
    func append(_ draft: StampedEvent) async throws -> AcceptedEvent {
        let accepted = try await store([draft], isBatch: false)
        guard let first = accepted.first else {
            throw BusError(.internalError, "the event log did not answer")
        }
        return first
    }

    /// Stores all events in order, or none.
    ///
    /// The error names a rejected event by its index.
    func append(batch drafts: [StampedEvent]) async throws -> [AcceptedEvent] {
        try await store(drafts, isBatch: true)
    }

    private func store(_ drafts: [StampedEvent], isBatch: Bool) async throws -> [AcceptedEvent] {
        let bytes = drafts.reduce(0) { $0 + $1.body.count }
        let needsSync = drafts.contains { $0.durability == .synced }
        return try await commits.performTogether(
            needsSync ? .synced : .unsynced, events: drafts.count, bytes: bytes
        ) { [log, now] connection in
            try log.append(drafts, isBatch: isBatch, at: now(), connection)
        } committed: { [wakeUps] accepted in
            // Streams that wait hear of it no later than the publisher.
            wakeUps.ring(appended: Set(accepted.lazy.filter { !$0.isDuplicate }.map(\.name)))
        }
    }
}
