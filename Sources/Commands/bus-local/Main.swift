import BusCLI

@main
enum LocalProgram {
    static func main() async {
        let program = ServiceProgram(
            name: "bus-local",
            summary: "Runs every Bus billing service and an offline Stripe in one process, for a laptop.",
            example: [
                "bus-local --catalog Examples/catalog.json",
                "bus billing setup --token-file .bus/local/billing.token    # in a second terminal: a page to pay on",
            ],
            about: [
                "Everything listens on one port and keeps its data in one folder. The page at / shows what happens, and "
                    + "lets time pass and things go wrong. Without a Stripe key an offline Stripe has the pages to pay on "
                    + "and sends the webhooks; with a test key Stripe's test mode does. Webhooks also arrive where the "
                    + "Stripe service takes them in production: stripe listen --forward-to "
                    + "http://127.0.0.1:8084/api/internal/stripe/webhook",
                "Secrets default to well-known local "
                    + "values, so it listens on this machine only. Tokens for trying things are written into the data "
                    + "folder, readable by you alone. Live Stripe keys are refused.",
            ],
            readSettings: { LocalSettings(&$0) },
            run: { settings, _, process in try await LocalStack.run(settings, process: process) })
        await program.main()
    }
}
