import BusCore
import BusRuntime
import BusSQL
import Logging

/// One log line for each event that a call stored, in the event's own trace: a batch holds events of many.
///
/// What changes something is told at info. Queries, of which there are many more, are told at debug.
struct PublishLines: Sendable {
    let logger: Logger

    /// Tells of what was accepted, draft by draft.
    func tell(_ drafts: some Sequence<StampedEvent>, _ accepted: some Sequence<AcceptedEvent?>) {
        for (draft, event) in zip(drafts, accepted) {
            let level: Logger.Level = draft.durability == .synced ? .info : .debug
            guard let event, logger.logLevel <= level else { continue }
            Trace.$current.withValue(draft.trace.map { Trace.hop(after: $0) }) {
                logger.log(
                    level: level, "event stored",
                    metadata: [
                        "event.id": .string(event.id), "event.name": .string(event.name.text),
                        "correlation.id": .string(draft.correlationID ?? "-"),
                        "outcome": event.isDuplicate ? "duplicate" : "stored",
                    ])
            }
        }
    }
}
