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
    private let catalogs: CatalogCache
    private let quotaFile: QuotaTable?

    /// A desk over an open database; `quotaFile` takes the place of the catalog's quotas.
    package init(
        database: any SQLDatabase, commits: GroupCommit, mode: DeploymentMode, catalogs: CatalogCache,
        quotaFile: QuotaTable?
    ) {
        self.database = database
        self.commits = commits
        self.mode = mode
        self.catalogs = catalogs
        self.quotaFile = quotaFile
    }

    private func quotas(_ connection: any SQLConnection) throws -> QuotaTable {
        try quotaFile ?? .catalog(catalogs.current(on: connection))
    }

    // MARK: Reading

    /// What an account has bought, may use and has used.
    package func status(of accountID: String, at now: Timestamp) async throws -> AccountStatus {
        try await database.read { connection in
            let standing = try SubscriptionStore(connection).standing(of: accountID, in: mode.current(on: connection))
            let quotas = try quotas(connection)
            let counts = try UsageStore(connection).counts(
                of: accountID, for: AccountStatus.quotas(of: standing, quotas), at: now)
            return AccountStatus(standing, quotas: quotas, counts: counts)
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
        for request: CheckoutSessionRequest, provider: String
    ) async throws -> (offer: CheckoutOffer, customerID: String?) {
        try await database.read { connection in
            let offer = try CheckoutOffer(request, catalog: try catalogs.current(on: connection), provider: provider)
            let standing = try SubscriptionStore(connection).standing(
                of: request.accountID, in: mode.current(on: connection))
            return (offer, standing.customerID(provider: provider))
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
                return (answer: answered, holds: false)
            }
            let judged = try judge(check, connection, at: now)
            return (answer: judged.entitlement.answer, holds: judged.mustHold)
        }
        guard first.holds else { return first.answer }
        // Judged again where nobody else can change the counts in between.
        return try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: EntitlementAnswer = try handled.response(to: eventID) { return answered }
            let judged = try judge(check, connection, at: now)
            if judged.mustHold, let usage = check.usage {
                let subject = UsageSubject(
                    accountID: check.accountID, feature: check.feature, meterEventName: usage.meterEventName)
                try UsageStore(connection).hold(usage.quantity, of: subject, id: eventID ?? UUIDText.random(), at: now)
            }
            let answer = judged.entitlement.answer
            try handled.record(answer, to: eventID, at: now)
            return answer
        }
    }

    private func judge(
        _ check: EntitlementCheck, _ connection: any SQLConnection, at now: Timestamp
    ) throws -> (entitlement: Entitlement, mustHold: Bool) {
        let standing = try SubscriptionStore(connection).standing(
            of: check.accountID, in: mode.current(on: connection))
        let quotas = try quotas(connection)
        let matching = standing.active.flatMap { quotas[$0.planID] }.filter { $0.feature == check.feature }
        let counts = try UsageStore(connection).counts(of: check.accountID, for: matching, at: now)
        let entitlement = Entitlement(check, standing: standing, quotas: quotas, counts: counts)
        let isLimited = matching.contains { $0.meterEventName == check.usage?.meterEventName }
        return (entitlement, entitlement.isAllowed && isLimited)
    }
}
