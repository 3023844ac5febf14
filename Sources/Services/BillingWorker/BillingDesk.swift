import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusSQL

/// The billing database as the worker uses it: reads on snapshots, changes gathered into shared commits.
package struct BillingDesk: Sendable {
    let database: any SQLDatabase
    let commits: GroupCommit
    let mode: DeploymentMode
    let catalogs: CatalogCache
    private let quotaFile: PlanQuotas?
    private let grace: Duration

    /// A desk over an open database; `quotaFile` takes the place of the catalog's quotas.
    package init(
        database: any SQLDatabase, commits: GroupCommit, mode: DeploymentMode, catalogs: CatalogCache,
        quotaFile: PlanQuotas?, grace: Duration
    ) {
        self.database = database
        self.commits = commits
        self.mode = mode
        self.catalogs = catalogs
        self.quotaFile = quotaFile
        self.grace = grace
    }

    func access(
        of accountID: String, in mode: BillingMode, _ connection: any SQLConnection, at now: Timestamp
    ) throws -> AccountAccess {
        AccountAccess(
            try SubscriptionStore(connection).standing(of: accountID, in: mode),
            tariff: Tariff(try catalogs.current(on: connection), quotaFile: quotaFile), grace: grace, at: now)
    }

    // MARK: Reading

    /// What an account has bought, may use and has used.
    package func status(of accountID: String, at now: Timestamp) async throws -> AccountStatus {
        try await database.read { connection in
            let mode = try mode.current(on: connection)
            let access = try access(of: accountID, in: mode, connection, at: now)
            let counts = try UsageStore(connection, in: mode).counts(
                of: accountID, for: access.grants.flatMap { $0.limits(at: now) }, at: now)
            return AccountStatus(access, counts: counts)
        }
    }

    /// What an account has bought.
    package func standing(of accountID: String) async throws -> AccountStanding {
        try await database.read { connection in
            try SubscriptionStore(connection).standing(of: accountID, in: mode.current(on: connection))
        }
    }

    /// What a checkout sells, and the payment company's id for its buyer.
    package func offer(
        for request: CheckoutSessionRequest, provider: String, at now: Timestamp
    ) async throws -> (offer: CheckoutOffer, customerID: String?) {
        try await database.read { connection in
            try checkThatItIsKnown(request.accountID, connection)
            let access = try access(of: request.accountID, in: mode.current(on: connection), connection, at: now)
            let offer = try CheckoutOffer(request, catalog: access.tariff.catalog, provider: provider)
            try offer.check(against: access)
            return (offer, access.standing.customerID(provider: provider))
        }
    }

    // MARK: Checking

    /// Whether an account may use a feature now; usage that is granted is held for it.
    ///
    /// - Parameter eventID: The request's id: repeated, it gets the answer it got.
    package func check(_ check: EntitlementCheck, eventID: String?, at now: Timestamp) async throws -> EntitlementAnswer
    {
        let first = try await database.read { connection in
            if check.usage != nil,
                let answered: EntitlementAnswer = try HandledEvents(connection).response(to: eventID)
            {
                return (answer: answered, mustWrite: false)
            }
            let (entitlement, store) = try judge(check, connection, at: now)
            var mustWrite = entitlement.mustHold(check)
            // Refused checks tidy up too: nothing else would for an account whose quota is used up.
            if case .quotaExceeded = entitlement, let subject = check.subject {
                mustWrite = try store.hasEndedHolds(of: subject, at: now)
            }
            return (entitlement.answer, mustWrite)
        }
        guard first.mustWrite else { return first.answer }
        // Judged again where nobody else can change the counts in between.
        return try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: EntitlementAnswer = try handled.response(to: eventID) { return answered }
            let (entitlement, store) = try judge(check, connection, at: now)
            var answer = entitlement.answer
            if let subject = check.subject, let usage = check.usage {
                try store.forgetEndedHolds(of: subject, at: now)
                if entitlement.mustHold(check) {
                    let id = eventID ?? UUIDText.random()
                    answer.holdID = id
                    answer.holdUntil = try store.hold(usage.quantity, of: subject, id: id, at: now)
                }
            }
            try handled.record(answer, to: eventID, at: now)
            return answer
        }
    }

    private func judge(
        _ check: EntitlementCheck, _ connection: any SQLConnection, at now: Timestamp
    ) throws -> (entitlement: Entitlement, store: UsageStore) {
        let mode = try mode.current(on: connection)
        let access = try access(of: check.accountID, in: mode, connection, at: now)
        let store = UsageStore(connection, in: mode)
        let limits = access.sellers(of: check.feature).flatMap { $0.limits(on: check.feature, at: now) }
        let counts = try store.counts(of: check.accountID, for: limits, at: now)
        return (Entitlement(check, access: access, counts: counts), store)
    }
}
