import BusCore
import CoreMetrics
import Synchronization

/// Tells in metrics which secrets of one kind this process accepts, and when each last verified something.
///
/// It knows nothing of the time before the process began; the metric says since when it watches.
package final class SecretUses: Sendable {
    private struct Entry {
        let since: Gauge
        let used: Gauge
        var lastSecond: Int64 = 0
    }

    private let kind: SecretUse.Kind
    private let entries = Mutex<[String: Entry]>([:])

    /// Secrets of one kind; none is accepted yet.
    package init(of kind: SecretUse.Kind) {
        self.kind = kind
    }

    /// Watches these secrets and stops watching all others.
    ///
    /// One that was watched before keeps its times.
    package func accept(_ labels: [String], at now: Timestamp) {
        entries.withLock { entries in
            for (label, entry) in entries where !labels.contains(label) {
                entry.since.record(0)
                entries[label] = nil
            }
            for label in labels where entries[label] == nil { entries[label] = entry(label, since: now) }
        }
    }

    /// A secret got another place: under its new label it keeps when it was used, and is watched from now on.
    package func move(_ label: String, to other: String, at now: Timestamp) {
        entries.withLock { entries in
            let lastSecond = entries.removeValue(forKey: label)?.lastSecond ?? 0
            var moved = entry(other, since: now)
            moved.lastSecond = lastSecond
            moved.used.record(lastSecond)
            entries[other] = moved
        }
    }

    /// It has verified something just now.
    package func note(_ label: String, at now: Timestamp) {
        entries.withLock { entries in
            guard let entry = entries[label], entry.lastSecond < now.seconds else { return }
            entries[label]?.lastSecond = now.seconds
            entry.used.record(now.seconds)
        }
    }

    private func entry(_ label: String, since now: Timestamp) -> Entry {
        let dimensions = [("kind", kind.rawValue), ("secret", label)]
        let entry = Entry(
            since: Gauge(label: "bus_secret_accepted_since_timestamp_seconds", dimensions: dimensions),
            used: Gauge(label: "bus_secret_last_used_timestamp_seconds", dimensions: dimensions))
        entry.since.record(now.seconds)
        entry.used.record(0)
        return entry
    }
}
