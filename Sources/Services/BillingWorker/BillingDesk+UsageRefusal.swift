import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL

extension BillingDesk {
    /// Marks usage refused that the payment company had taken and does not count, and takes it back from the quotas.
    ///
    /// Rows that it does not know, or knows to be refused, are left alone.
    package func refuse(
        _ refusal: UsageRefusal, eventID: String?, at now: Timestamp
    ) async throws -> (result: UsageRefusalResult, refused: [UsageExport]) {
        try await commits.perform { connection in
            let handled = HandledEvents(connection)
            if let answered: UsageRefusalResult = try handled.response(to: eventID) { return (answered, []) }
            let ledger = ExportLedger(connection)
            let mode = BillingMode(livemode: refusal.livemode)
            var refused: [UsageExport] = []
            for usage in refusal.usages {
                let told = try ledger.exports(toldAs: usage.idempotencyKey, provider: refusal.provider, in: mode)
                for stored in told {
                    var export = stored
                    export.disown(usage.reason)
                    try ledger.save(export, at: now)
                    guard export.state != stored.state else { continue }
                    refused.append(export)
                    guard stored.state.isAccepted else { continue }
                    try UsageStore(connection, in: mode).takeBack(
                        stored.request.quantity, of: UsageSubject(stored.request), at: min(stored.usedAt, now))
                }
            }
            var result = UsageRefusalResult()
            result.marked = Int64(refused.count)
            try handled.record(result, to: eventID, at: now)
            return (result, refused)
        }
    }
}
