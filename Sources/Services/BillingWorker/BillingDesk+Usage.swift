import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

/// Whom usage is told, and how.
package struct UsageTerms: Hashable, Sendable {
    /// The payment company's label.
    package let provider: String
    /// The payment company must know the account.
    package let needsCustomer: Bool
    /// Time its worker has for an answer.
    package let answerSeconds: Int64

    /// Terms with one payment company.
    package init(provider: String, needsCustomer: Bool, answerSeconds: Int64) {
        self.provider = provider
        self.needsCustomer = needsCustomer
        self.answerSeconds = answerSeconds
    }
}

extension BillingDesk {
    /// What is to be done about a usage.
    package enum ExportStep: Sendable {
        case answered(UsageExportAnswer)
        case send(UsageSending)
    }

    /// Decides about a request for a usage; before it is told, the ledger says so on disk.
    ///
    /// - Parameter usedAt: When it was used, if the request does not say.
    package func beginExport(
        _ request: UsageExportRequest, usedAt: Timestamp, _ terms: UsageTerms, eventID: String?, at now: Timestamp
    ) async throws -> ExportStep {
        let random = Double.random(in: 0..<1)
        return try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: UsageExportAnswer = try handled.response(to: eventID) { return .answered(answered) }
            let mode = try mode.current(on: connection)
            var export: UsageExport
            var isOwed = false
            if let stored = try ExportLedger(connection).export(UsageKey(request, mode: mode)) {
                export = stored
                switch export.ask(request, usedAt: usedAt, at: now) {
                case .open: isOwed = true
                case .again: break
                case .ended: return .answered(export.answer)
                case .underWay:
                    throw BusError(
                        .billingUnavailable, "another worker is handing this usage over; its answer follows")
                case .conflict:
                    var answer = UsageExportAnswer(
                        to: request, idempotencyKey: request.idempotencyKey, provider: terms.provider)
                    answer.reason = UsageReason.conflict
                    return .answered(answer)
                }
            } else {
                export = UsageExport(
                    request, usedAt: usedAt, mode: mode, provider: terms.provider, at: now)
            }
            var sending: UsageSending?
            let access = try access(of: request.accountID, in: mode, connection, at: now)
            if isOwed || access.counts(request, usedAt: export.usedAt) {
                sending = try begin(&export, terms, connection, at: now, random: random)
            } else if try ForgottenAccounts(connection).alias(of: request.accountID) != nil {
                // Nothing is stored under an id that was removed.
                export.refuse(UsageReason.accountForgotten)
                return .answered(export.answer)
            } else {
                export.refuse(UsageReason.billingRequired)
            }
            try ExportLedger(connection).save(export, at: now)
            if let sending { return .send(sending) }
            try handled.record(export.answer, to: eventID, at: now)
            return .answered(export.answer)
        }
    }

    /// Begins to tell a row that is owed; nil when it has to wait or has an end now.
    private func begin(
        _ export: inout UsageExport, _ terms: UsageTerms, _ connection: any SQLConnection, at now: Timestamp,
        random: Double
    ) throws -> UsageSending? {
        export.expire(at: now)
        guard export.state.isOpen else { return nil }
        guard export.provider == terms.provider, try export.key.mode == mode.current(on: connection) else {
            export.postpone(for: UsageReason.otherDeployment, at: now, random: random)
            return nil
        }
        let customerID =
            try export.customerID
            ?? access(of: export.key.accountID, in: export.key.mode, connection, at: now).customerID(for: export)
        if terms.needsCustomer, customerID == nil {
            export.postpone(for: UsageReason.customerUnknown, at: now, random: random)
            return nil
        }
        if export.state == .queued, try ExportLedger(connection).isFull() {
            export.queueUp(at: now)
            return nil
        }
        return export.beginSending(to: customerID, answerSeconds: terms.answerSeconds, at: now)
    }

    /// What the ledger says after a telling.
    package struct ExportEnd: Sendable {
        /// The row now.
        package let export: UsageExport
        /// More usage may be told now than before.
        package let makesRoom: Bool
    }

    /// Writes down what became of a telling; accepted usage is counted in the same transaction, once for each row.
    package func endExport(
        _ sending: UsageSending, _ outcome: UsageOutcome, eventID: String?, at now: Timestamp
    ) async throws -> ExportEnd {
        let random = Double.random(in: 0..<1)
        return try await commits.perform { connection in
            let ledger = ExportLedger(connection)
            let stored = try ledger.export(sending.export.key)
            let wasFull = try ledger.isFull()
            var export = stored ?? sending.export
            export.end(sending, outcome, at: now, random: random)
            // Its account was forgotten meanwhile, and its row has an end under the new id.
            if stored == nil, try ForgottenAccounts(connection).alias(of: export.key.accountID) != nil {
                return ExportEnd(export: export, makesRoom: wasFull)
            }
            if export != stored { try ledger.save(export, at: now) }
            if export.state.isAccepted, stored?.state.isAccepted != true {
                try UsageStore(connection, in: export.key.mode).count(
                    export.request.quantity, of: UsageSubject(export.request), hold: export.request.holdID,
                    at: min(export.usedAt, now))
            }
            try HandledEvents(connection).record(export.answer, to: eventID, at: now)
            return ExportEnd(export: export, makesRoom: wasFull)
        }
    }

    // MARK: Without being asked

    /// The rows that are due: those to tell now, and those that have an end now because their time is over.
    package struct DueUsage: Sendable {
        /// What is told now.
        package var sendings: [UsageSending] = []
        /// What has an end now.
        package var ended: [UsageExport] = []
    }

    /// Takes a few rows that are due, so that no other worker tells them at the same time.
    package func beginDue(_ terms: UsageTerms, at now: Timestamp) async throws -> DueUsage {
        let random = Double.random(in: 0..<1)
        return try await commits.perform { connection in
            let ledger = ExportLedger(connection)
            var due = DueUsage()
            for stored in try ledger.due(at: now, onlySent: ledger.isFull(), atMost: Limits.usageRoundMax) {
                var export = stored
                if let sending = try begin(&export, terms, connection, at: now, random: random) {
                    due.sendings.append(sending)
                }
                if !export.state.isOpen { due.ended.append(export) }
                try ledger.save(export, at: now)
            }
            return due
        }
    }

    /// When a row is due next, and when the oldest one that waits was used.
    package func waitingUsage() async throws -> (nextDue: Timestamp?, oldest: Timestamp?) {
        try await database.read { connection in
            let ledger = ExportLedger(connection)
            return (try ledger.nextDue(onlySent: ledger.isFull()), try ledger.oldestWaiting())
        }
    }
}
