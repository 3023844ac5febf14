import ArgumentParser
import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusRuntime
import BusSQL

/// Fills a billing file: for every account a subscription, its update, an accepted export and its buckets.
struct Fill: AsyncParsableCommand {
    @Option(help: "The SQLite file.") var path: String
    @Option(help: "Accounts to end with.") var accounts: Int
    @Option(help: "Accounts that are there already.") var from = 0

    func run() async throws {
        let database = try await BenchStore.open(path)
        for start in stride(from: from, to: accounts, by: 2_000) {
            let range = start..<min(start + 2_000, accounts)
            try await database.write { connection in
                let (subscriptions, usage) = (SubscriptionStore(connection), UsageStore(connection, in: .test))
                let ledger = ExportLedger(connection)
                for number in range {
                    _ = try subscriptions.apply(BenchStore.update(number), source: "bench", at: BenchStore.since)
                    var request = UsageExportRequest()
                    request.accountID = BenchStore.account(number)
                    request.feature = "llm:proxy"
                    request.meterEventName = "tokens"
                    request.quantity = 5
                    request.eventID = "use_\(number)"
                    var export = UsageExport(
                        request, usedAt: BenchStore.since, mode: .test, provider: "stripe", at: BenchStore.since)
                    if let sending = export.beginSending(to: "cus_1", answerSeconds: 30, at: BenchStore.since) {
                        export.end(sending, .accepted(providerEventID: nil), at: BenchStore.since, random: 0)
                    }
                    try ledger.save(export, at: BenchStore.since)
                    try usage.count(5, of: UsageSubject(request), hold: nil, at: BenchStore.since)
                }
            }
        }
        try database.close()
        Terminal.output(#"{"accounts":\#(accounts)}"#)
    }
}
