import BusCore

/// For which accounts the owner of an event may ask (docs/contract/events.md, "Acting for an account").
package struct CallerPolicy: Sendable {
    private let ownSubject: String?
    private let trustedSubjects: Set<String>

    /// The worker's own token subject and `BUS_TRUSTED_SERVICE_SUBJECTS`.
    package init(ownSubject: String?, trustedSubjects: Set<String>) {
        self.ownSubject = ownSubject
        self.trustedSubjects = trustedSubjects
    }

    /// False for an end user who publishes past the HTTP APIs: a UUID that is neither ours nor trusted.
    package func trusts(_ owner: String?) -> Bool {
        guard let owner, !owner.isEmpty else { return true }
        return owner == ownSubject || trustedSubjects.contains(owner) || UUIDText.normalized(owner) == nil
    }

    /// Services may ask for every account, end users for their own.
    package func permit(_ caller: Caller, for accountID: String) throws(BusError) {
        if trusts(caller.owner) || caller.owner.flatMap(UUIDText.normalized) == accountID { return }
        throw BusError(.forbiddenAccount, "account_id names another account; send your own")
    }
}
