import BusCLI
import StripeSandbox

@main
enum SandboxProgram {
    static func main() async {
        let program = ServiceProgram(
            name: "bus-stripe-sandbox",
            summary: "An offline Stripe for development: the API, a clock to move, and signed webhooks.",
            example: [
                "export BUS_STRIPE_WEBHOOK_SECRET=\"$(cat ./local/stripe-webhook-secret)\"",
                "bus-stripe-sandbox --addr 127.0.0.1:12111 --seed 1 \\",
                "  --forward-to http://127.0.0.1:8084/api/internal/stripe/webhook",
            ],
            about: [
                "It takes any key that begins with sk_test_ or rk_test_, keeps everything in memory, and is reached from "
                    + "this machine only unless --unsafe-listen says otherwise. The same seed and the same calls give the same ids and the same bytes."
            ],
            readSettings: { SandboxSettings(&$0) },
            run: { settings, _, process in try await SandboxService.run(settings, process: process) })
        await program.main()
    }
}
