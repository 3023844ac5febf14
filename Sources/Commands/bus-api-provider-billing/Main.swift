import BillingAPI
import BusCLI
import BusClient

@main
enum BillingAPIProgram {
    static func main() async {
        let program = ServiceProgram(
            name: BillingAPIModule.name,
            summary: "Serves the Billing API: status, checkout, portal, entitlements, catalog.",
            example: [
                "export BUS_BILLING_JWT_SECRET_FILE=./local/jwt-secret",
                "export BUS_API_TOKEN_FILE=./local/billing-api.jwt",
                "bus-api-provider-billing --addr 127.0.0.1:8083 \\",
                "  --events-url http://127.0.0.1:8081 \\",
                "  --billing-sqlite-path ./local/billing.sqlite",
            ],
            about: [
                "Account routes ask the billing worker by events. The catalog is kept in the billing database, which "
                    + "the worker shares. With --backend local there is no worker: the catalog alone is served and "
                    + "account routes answer 503. With --store-backend memory there is no catalog."
            ],
            readSettings: { BillingAPISettings(&$0) },
            inspectToken: { $0.backend == .events ? try TokenSource.report(in: $1) : nil },
            run: { try await BillingAPIService.run($0, reader: $1, process: $2) })
        await program.main()
    }
}
