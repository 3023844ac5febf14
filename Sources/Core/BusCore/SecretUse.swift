/// What one process says about one secret that it accepts.
package struct SecretUse: Hashable, Sendable {
    /// Where the process was asked.
    package let process: String
    /// What the secret verifies.
    package let kind: Kind
    /// A webhook secret's label, or which of the two token secrets it is.
    package let label: String
    /// Since when the process has accepted it, and so has watched it.
    package let acceptedSince: Timestamp
    /// When it last verified something; nil when it has not as long as the process has watched.
    package let lastUsed: Timestamp?

    /// What a secret verifies.
    package enum Kind: String, CaseIterable, Sendable {
        /// The signatures of webhooks.
        case webhook
        /// Bus tokens.
        case token
    }

    /// The label of the token secret in use.
    package static let current = "current"
    /// The label of the token secret before it.
    package static let previous = "previous"

    /// One secret of one process.
    package init(process: String, kind: Kind, label: String, acceptedSince: Timestamp, lastUsed: Timestamp?) {
        self.process = process
        self.kind = kind
        self.label = label
        self.acceptedSince = acceptedSince
        self.lastUsed = lastUsed
    }

    /// Until when the process accepts it by itself; nil for one that counts as long as it is configured.
    package var acceptedUntil: Timestamp? {
        guard kind == .token, label == SecretUse.previous else { return nil }
        return acceptedSince.advanced(bySeconds: Limits.previousTokenSecretSeconds)
    }

    /// The secrets that a process accepts, as its `/metrics` tell it, in the order of their labels.
    package static func all(in metrics: String, of process: String, at now: Timestamp) -> [SecretUse] {
        var since: [Series: Timestamp] = [:]
        var used: [Series: Timestamp] = [:]
        for line in metrics.split(separator: "\n") {
            let parts = line.split(separator: "\"")
            guard parts.count == 5, let kind = Kind(rawValue: String(parts[1])),
                let moment = SecretUse.moment(parts[4].dropFirst(2))
            else { continue }
            let series = Series(kind: kind, label: String(parts[3]))
            switch parts[0] {
            case "bus_secret_accepted_since_timestamp_seconds{kind=": since[series] = moment
            case "bus_secret_last_used_timestamp_seconds{kind=": used[series] = moment
            default: break
            }
        }
        return since.map { series, acceptedSince in
            SecretUse(
                process: process, kind: series.kind, label: series.label, acceptedSince: acceptedSince,
                lastUsed: used[series])
        }
        .filter { $0.acceptedUntil.map { $0 > now } ?? true }
        .sorted { ($0.kind.rawValue, $0.label) < ($1.kind.rawValue, $1.label) }
    }

    private struct Series: Hashable {
        let kind: Kind
        let label: String
    }

    /// Unix seconds; nil for 0, which means never.
    private static func moment(_ text: Substring) -> Timestamp? {
        guard let seconds = Double(text), 1..<1e11 ~= seconds else { return nil }
        return Timestamp(seconds: Int64(seconds))
    }
}
