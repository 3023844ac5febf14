import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

extension BillingDesk {
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
            let standing = try SubscriptionStore(connection).standing(
                of: request.accountID, in: mode.current(on: connection))
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
                try UsageStore(connection).count(
                    request.quantity, of: UsageSubject(request), hold: request.holdID, at: moment)
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
