import BusContract
import BusCore
import BusSQL

/// Stores events durably in the log and wakes the streams that wait for them.
package struct EventAppender: Sendable {
    private let log: EventLog
    private let commits: GroupCommit
    private let wakeUps: WakeUps
    private let now: @Sendable () -> Timestamp

    /// Appends to `log` through shared commits.
    package init(
        log: EventLog, commits: GroupCommit, wakeUps: WakeUps, now: @escaping @Sendable () -> Timestamp
    ) {
        self.log = log
        self.commits = commits
        self.wakeUps = wakeUps
        self.now = now
    }

    /// Stores one event; returns when it is durable.
    package func append(_ draft: StampedEvent) async throws -> AcceptedEvent {
        let accepted = try await store([draft], isBatch: false)
        guard let first = accepted.first else {
            throw BusError(.internalError, "the event log did not answer")
        }
        return first
    }

    /// Stores all events in order, or none.
    ///
    /// The error names a rejected event by its index.
    package func append(batch drafts: [StampedEvent]) async throws -> [AcceptedEvent] {
        try await store(drafts, isBatch: true)
    }

    private func store(_ drafts: [StampedEvent], isBatch: Bool) async throws -> [AcceptedEvent] {
        let bytes = drafts.reduce(0) { $0 + $1.body.count }
        let accepted = try await commits.perform(events: drafts.count, bytes: bytes) { [log, now] connection in
            try log.append(drafts, isBatch: isBatch, at: now(), connection)
        }
        let names = Set(accepted.lazy.filter { !$0.isDuplicate }.map(\.name))
        if !names.isEmpty { wakeUps.ring([.appendedAny] + names.map { .appended($0) }) }
        return accepted
    }
}
