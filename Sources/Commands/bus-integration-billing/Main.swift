import BillingStorage
import BillingWorker
import BusCLI
import BusClient
import BusContract
import BusRuntime
import BusSQL

@main
enum BillingProgram {
    static func main() async {
        let program = ServiceProgram(
            name: BusModule.billing.name,
            summary: "Keeps what accounts have bought, may use and have used.",
            example: [
                "export BUS_API_TOKEN=\"$(cat ./local/billing-worker.token)\"",
                "bus-integration-billing --events-url http://127.0.0.1:8081 \\",
                "  --provider-backend events",
            ],
            about: [
                "With --provider-backend local, checkout and portal pages and usage are answered here, "
                    + "deterministically and without a payment company."
            ],
            readSettings: { BillingSettings(&$0) },
            selfTest: BillingSelfTest.run,
            events: { EventList.billing(provider: $0.provider ?? .stripe) },
            move: { reader in
                let store = StoreSettings.billing(&reader)
                return { try await store.move(.billing, from: $0) }
            },
            inspectToken: { _, reader in try TokenSource.report(in: reader) },
            run: { try await BillingService.run($0, reader: $1, process: $2) })
        await program.main()
    }
}
