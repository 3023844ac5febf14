import BusCLI
import BusClient
import BusContract
import StripeIntegration

@main
enum StripeProgram {
    static func main() async {
        let program = ServiceProgram(
            name: BusModule.stripe.name,
            summary: "Turns Stripe's webhooks into Bus events and Bus requests into Stripe calls.",
            example: [
                "export BUS_API_TOKEN=\"$(cat ./local/billing-worker.token)\"",
                "export BUS_STRIPE_WEBHOOK_SECRET=\"$(cat ./local/stripe-webhook-secret)\"",
                "bus-integration-stripe --events-url http://127.0.0.1:8081 \\",
                "  --webhook-addr 127.0.0.1:8084",
            ],
            about: [
                "Without BUS_STRIPE_SECRET_KEY sessions and meter events are answered here, deterministically and "
                    + "without a network (local mode). Webhooks are verified in every mode."
            ],
            readSettings: { StripeSettings(&$0) },
            selfTest: StripeSelfTest.run,
            events: { _ in EventList.stripe },
            inspectToken: { _, reader in try TokenSource.report(in: reader) },
            run: { try await StripeService.run($0, reader: $1, process: $2) })
        await program.main()
    }
}
