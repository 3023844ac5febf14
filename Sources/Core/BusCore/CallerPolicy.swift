/// For which accounts the owner of an event may ask a worker to act (bus.md D-08).
package struct CallerPolicy: Sendable {
    private let ownSubject: String?
    private let trustedSubjects: Set<String>

    /// The worker's own token subject and `BUS_TRUSTED_SERVICE_SUBJECTS`.
    package init(ownSubject: String?, trustedSubjects: Set<String>) {
        self.ownSubject = ownSubject
        self.trustedSubjects = trustedSubjects
    }

    /// False for a UUID that is neither ours nor trusted: an end user publishing past the HTTP APIs.
    package func trusts(_ owner: String?) -> Bool {
        guard let owner, !owner.isEmpty else { return true }
        return owner == ownSubject || trustedSubjects.contains(owner) || UUIDText.normalized(owner) == nil
    }

    /// True when a service asks, or an end user for their own account.
    package func mayAct(_ owner: String?, for accountID: String) -> Bool {
        trusts(owner) || owner.flatMap(UUIDText.normalized) == accountID
    }
}
