import BillingCore
import BusContract
import BusCore
import BusSQL

/// A row of the usage ledger as its columns.
extension UsageExport {
    /// Reads the columns in the order of `ExportLedger`.
    init(row: SQLRow) throws {
        func moment(_ column: Int) throws -> Timestamp? {
            try row.integerOrNil(column).map(Timestamp.init(clampingNanoseconds:))
        }
        var request = UsageExportRequest()
        request.accountID = try row.text(0)
        request.meterEventName = try row.text(2)
        request.feature = try row.text(3)
        request.quantity = try row.integer(4)
        request.eventID = try row.textOrNil(5)
        request.occurredAt = try moment(6)
        request.holdID = try row.textOrNil(7)
        let reason = try row.textOrNil(14)
        let state: UsageState =
            switch try row.text(12) {
            case "sent": .sent(since: try moment(13) ?? .earliest)
            case "accepted": .accepted(providerEventID: try row.textOrNil(19))
            case "refused":
                reason == UsageReason.outcomeUnknown ? .unanswered : .refused(reason: reason ?? "")
            default: .queued
            }
        self.init(
            request, mode: BillingMode(livemode: try row.integer(1) != 0), provider: try row.text(9),
            usedAt: try moment(8) ?? .earliest, providerKey: try row.textOrNil(10), customerID: try row.textOrNil(11),
            state: state, waitsFor: state.isOpen ? reason : nil, attempts: Int(try row.integer(15)),
            dueAt: try moment(16), leasedUntil: try moment(17), openUntil: try moment(18))
    }

    /// The values in the order of `ExportLedger.save`.
    func columns(at now: Timestamp) -> [SQLValue] {
        let (state, sentAt, providerEventID) = stateColumns
        let usage: [SQLValue] = [
            .text(key.accountID), key.mode.column, .text(key.meterEventName), .text(key.text), .text(request.feature),
            .integer(request.quantity), .optional(request.eventID), .optional(request.occurredAt),
            .optional(request.holdID), .optional(usedAt),
        ]
        let progress: [SQLValue] = [
            .text(provider), .text(providerKey), .optional(customerID), .text(state), .optional(sentAt),
            .optional(providerEventID), .optional(self.state.isOpen ? waitsFor : reason),
            .integer(Int64(attempts)), .optional(dueAt), .optional(leasedUntil), .optional(openUntil),
            .integer(now.nanoseconds),
        ]
        return usage + progress
    }

    private var stateColumns: (state: String, sentAt: Timestamp?, providerEventID: String?) {
        switch state {
        case .queued: ("queued", nil, nil)
        case .sent(let since): ("sent", since, nil)
        case .accepted(let id): ("accepted", nil, id)
        case .refused, .unanswered: ("refused", nil, nil)
        }
    }
}

extension BillingMode {
    /// How a row names its mode.
    var column: SQLValue { .integer(livemode ? 1 : 0) }
}
