import BillingCore
import BusContract
import BusCore
import TestSupport

/// Rules for the ledger that people write first and that are wrong: they bill usage twice, or not at all.
enum WrongUsageRule: CaseIterable {
    /// The last answer stands.
    case refusedOverwritesAccepted
    /// After a failure of the payment company's the usage is told under a fresh identifier.
    case newIdentifierAfterFailure
    /// What nobody answered is told again for as long as it takes.
    case toldAgainAfterADay
    /// A refusal ends the usage, whatever else is on its way.
    case refusalHoldsForTellingsOnTheirWay
}

/// The ledger's rows without a database, one call for each transaction of the billing worker.
struct UsageLedgerInMemory: UsageLedger {
    var wrong: WrongUsageRule?
    private var rowsByKey: [UsageKey: UsageExport] = [:]
    private var handled: Set<String> = []
    private var used: Int64 = 0
    private static let answerSeconds: Int64 = 30

    init(wrong: WrongUsageRule? = nil) {
        self.wrong = wrong
    }

    mutating func begin(_ request: UsageExportRequest, event: String, at now: Timestamp) -> UsageLedgerStep {
        if handled.contains(event) { return .answered }
        var row: UsageExport
        if let stored = rowsByKey[UsageKey(request, mode: .test)] {
            row = stored
            switch row.ask(request, usedAt: now, at: now) {
            case .open, .again: break
            case .underWay: return .busy
            case .ended, .conflict: return .answered
            }
        } else {
            row = UsageExport(request, usedAt: now, mode: .test, provider: "stripe", at: now)
        }
        let sending = tell(&row, at: now)
        rowsByKey[row.key] = row
        if let sending { return .send(sending) }
        handled.insert(event)
        return .answered
    }

    private func tell(_ row: inout UsageExport, at now: Timestamp) -> UsageSending? {
        if wrong == .toldAgainAfterADay, case .sent = row.state { row = row.replacing(.sent(since: now)) }
        row.expire(at: now)
        guard row.state.isOpen else { return nil }
        return row.beginSending(to: row.customerID ?? "cus_1", answerSeconds: Self.answerSeconds, at: now)
    }

    mutating func beginDue(at now: Timestamp) -> [UsageSending] {
        let due = rowsByKey.values.filter { $0.dueAt.map { $0 <= now } ?? false }
        return due.sorted { $0.key.atProvider < $1.key.atProvider }.compactMap { stored in
            var row = stored
            let sending = tell(&row, at: now)
            rowsByKey[row.key] = row
            return sending
        }
    }

    mutating func end(_ sending: UsageSending, _ outcome: UsageOutcome, event: String?, at now: Timestamp) {
        let stored = rowsByKey[sending.export.key] ?? sending.export
        var row = stored
        row.end(sending, outcome, at: now, random: 0.5)
        if case .refused(let reason) = outcome, mayOverwrite(stored, sending) {
            row = row.replacing(.refused(reason: reason))
        }
        rowsByKey[row.key] = row
        if row.state.isAccepted, !stored.state.isAccepted { used += row.request.quantity }
        if let event { handled.insert(event) }
    }

    mutating func disown(_ providerKey: String, at now: Timestamp) {
        for stored in rowsByKey.values where stored.providerKey == providerKey {
            var row = stored
            row.disown("meter_event_customer_not_found")
            rowsByKey[row.key] = row
            if stored.state.isAccepted { used -= stored.request.quantity }
        }
    }

    private func mayOverwrite(_ stored: UsageExport, _ sending: UsageSending) -> Bool {
        switch wrong {
        case .refusedOverwritesAccepted: stored.state.isAccepted
        case .refusalHoldsForTellingsOnTheirWay:
            !stored.state.isAccepted && !sending.isAlone && stored.openUntil == sending.expiresAt
        case .newIdentifierAfterFailure, .toldAgainAfterADay, nil: false
        }
    }

    func identifier(for sending: UsageSending) -> String {
        let key = sending.export.providerKey
        let isFirst = sending.export.attempts == 1
        return wrong == .newIdentifierAfterFailure && !isFirst ? "\(key)-\(sending.export.attempts)" : key
    }

    func rows() -> [UsageExport] { Array(rowsByKey.values) }
    func counted() -> Int64 { used }
}

extension UsageExport {
    fileprivate func replacing(_ state: UsageState) -> UsageExport {
        UsageExport(
            request, mode: key.mode, provider: provider, usedAt: usedAt, providerKey: providerKey,
            customerID: customerID, state: state, waitsFor: waitsFor, attempts: attempts,
            dueAt: state.isOpen ? dueAt : nil, leasedUntil: state.isOpen ? leasedUntil : nil, openUntil: openUntil)
    }
}
