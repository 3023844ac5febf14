/// Whether a secret may go: judged by what every process that an operator named says of it.
package struct SecretRetirement: Hashable, Sendable {
    /// Why it may not go yet; empty when it may.
    package let objections: [Objection]

    /// One reason to keep a secret.
    package enum Objection: Hashable, Sendable {
        /// A process does not accept it, so it reads another file, or has not read this one yet.
        case unknown(process: String)
        /// A process has not accepted it for the whole time yet, so nobody knows who used it before.
        case notWatched(process: String, since: Timestamp, until: Timestamp)
        /// A process has verified something with it.
        case used(process: String, at: Timestamp, until: Timestamp)
        /// Nothing shows that another secret has taken its place.
        case noSuccessor
    }

    /// Judges one secret of one kind.
    ///
    /// - Parameter unusedSeconds: How long it must not have been used, by any process, while all of them watched.
    package init(
        of label: String, _ kind: SecretUse.Kind, processes: [String], uses: [SecretUse], unusedSeconds: Int64,
        at now: Timestamp
    ) {
        var objections: [Objection] = []
        let uses = uses.filter { $0.kind == kind }
        let own = uses.filter { $0.label == label }
        for process in processes {
            guard let use = own.first(where: { $0.process == process }) else {
                objections.append(.unknown(process: process))
                continue
            }
            let watchedUntil = use.acceptedSince.advanced(bySeconds: unusedSeconds)
            if let lastUsed = use.lastUsed, lastUsed.advanced(bySeconds: unusedSeconds) > now {
                let until = max(watchedUntil, lastUsed.advanced(bySeconds: unusedSeconds))
                objections.append(.used(process: process, at: lastUsed, until: until))
            } else if watchedUntil > now {
                objections.append(.notWatched(process: process, since: use.acceptedSince, until: watchedUntil))
            }
        }
        let lastUsed = own.compactMap(\.lastUsed).max() ?? .earliest
        if !uses.contains(where: { $0.label != label && ($0.lastUsed ?? .earliest) > lastUsed }) {
            objections.append(.noSuccessor)
        }
        self.objections = objections
    }
}
