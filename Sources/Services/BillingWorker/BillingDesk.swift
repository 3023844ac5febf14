import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusSQL

/// The billing database as the worker uses it: reads on snapshots, changes gathered into shared commits.
package struct BillingDesk: Sendable {
    private let database: any SQLDatabase
    private let commits: GroupCommit
    private let catalogs: CatalogCache
    private let quotaFile: QuotaTable?

    /// A desk over an open database; `quotaFile` takes the place of the catalog's quotas.
    package init(database: any SQLDatabase, commits: GroupCommit, catalogs: CatalogCache, quotaFile: QuotaTable?) {
        self.database = database
        self.commits = commits
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
            let standing = try SubscriptionStore(connection).standing(of: accountID)
            let quotas = try quotas(connection)
            let counts = try UsageStore(connection).counts(
                of: accountID, for: AccountStatus.quotas(of: standing, quotas), at: now)
            return AccountStatus(standing, quotas: quotas, counts: counts)
        }
    }

    /// What an account has bought.
    package func standing(of accountID: String) async throws -> AccountStanding {
        try await database.read { try SubscriptionStore($0).standing(of: accountID) }
    }

    /// What a checkout sells, and the payment company's id for its buyer.
    package func offer(
        for request: CheckoutSessionRequest, provider: String
    ) async throws -> (offer: CheckoutOffer, customerID: String?) {
        try await database.read { connection in
            let offer = try CheckoutOffer(request, catalog: try catalogs.current(on: connection), provider: provider)
            let standing = try SubscriptionStore(connection).standing(of: request.accountID)
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
        let standing = try SubscriptionStore(connection).standing(of: check.accountID)
        let quotas = try quotas(connection)
        let matching = standing.active.flatMap { quotas[$0.planID] }.filter { $0.feature == check.feature }
        let counts = try UsageStore(connection).counts(of: check.accountID, for: matching, at: now)
        let entitlement = Entitlement(check, standing: standing, quotas: quotas, counts: counts)
        let isLimited = matching.contains { $0.meterEventName == check.usage?.meterEventName }
        return (entitlement, entitlement.isAllowed && isLimited)
    }

    // MARK: Changing

    /// Adds an update to its subscription and says what that changed; a repeated event gets the answer it got.
    package func apply(
        _ update: SubscriptionUpdate, source: String?, eventID: String?, at now: Timestamp
    ) async throws -> (result: SubscriptionResult, isRepeated: Bool) {
        try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: SubscriptionResult = try handled.response(to: eventID) { return (answered, true) }
            let store = SubscriptionStore(connection)
            let change = try store.apply(update, source: source, at: now)
            let accountID = change.standing?.accountID ?? update.accountID
            let result = SubscriptionResult(
                accountID: accountID, status: try store.standing(of: accountID).status, isApplied: change.isApplied,
                isUndecided: change.standing?.isUndecided ?? false)
            try handled.record(result, to: eventID, at: now)
            return (result, false)
        }
    }
}

extension BillingDesk {
    // MARK: Exporting usage

    /// What is to be done about a usage, and whom it is for.
    package enum ExportStep: Sendable {
        case answered(UsageExportAnswer)
        case send(UsageExport, customerID: String?)
    }

    /// Decides about a request for a usage; before it is sent, the ledger says so on disk.
    package func beginExport(
        _ request: UsageExportRequest, provider: String, needsCustomer: Bool, eventID: String?, at now: Timestamp
    ) async throws -> ExportStep {
        try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: UsageExportAnswer = try handled.response(to: eventID) { return .answered(answered) }
            let ledger = ExportLedger(connection)
            let standing = try SubscriptionStore(connection).standing(of: request.accountID)
            let stored = try ledger.export(of: request.accountID, key: request.idempotencyKey)
            let step = UsageExport.step(
                for: request, stored: stored, standing: standing, provider: provider, needsCustomer: needsCustomer,
                at: now)
            switch step {
            case .send(let since):
                let export = UsageExport(stored?.request ?? request, state: .sent(since: since))
                try ledger.save(export, provider: provider, at: now)
                return .send(export, customerID: standing.customerID(provider: provider))
            case .done(let providerEventID):
                let export = UsageExport(request, state: .accepted(providerEventID: providerEventID))
                return .answered(export.answer(provider: provider))
            case .fail(let reason):
                let export = UsageExport(request, state: .refused(reason: reason))
                // What was sent keeps its state: nobody knows that it was refused.
                if stored.map({ $0.isOpen }) ?? true { try ledger.save(export, provider: provider, at: now) }
                return .answered(export.answer(provider: provider))
            }
        }
    }

    /// Writes down what the payment company said; accepted usage is counted in the same transaction, once per key.
    package func endExport(
        _ export: UsageExport, outcome: UsageOutcome, provider: String, eventID: String?, at now: Timestamp
    ) async throws -> UsageExportAnswer {
        try await commits.perform { connection in
            let request = export.request
            let ledger = ExportLedger(connection)
            var ended = export
            switch outcome {
            case .accepted(let providerEventID):
                let stored = try ledger.export(of: request.accountID, key: request.idempotencyKey)
                ended.state = .accepted(providerEventID: providerEventID)
                if case .accepted = stored?.state { break }
                try ledger.save(ended, provider: provider, at: now)
                let moment = min(request.occurredAt ?? now, now)
                try UsageStore(connection).count(request.quantity, of: UsageSubject(request), at: moment)
            case .refused(let reason):
                ended.state = .refused(reason: reason)
                try ledger.save(ended, provider: provider, at: now)
            case .unknown(let reason):
                // The ledger keeps saying `sent`; only the answer tells the caller why to ask again.
                ended.state = .refused(reason: reason)
            }
            let answer = ended.answer(provider: provider)
            try HandledEvents(connection).record(answer, to: eventID, at: now)
            return answer
        }
    }
}

extension UsageExport {
    /// Nothing was sent for it that the payment company might have taken.
    fileprivate var isOpen: Bool {
        switch state {
        case .queued, .refused: true
        case .sent, .accepted: false
        }
    }
}
