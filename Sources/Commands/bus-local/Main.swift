import ArgumentParser
import BusCLI
import BusRuntime

@main
struct LocalCommand: LeafCommand {
    static let binary = "bus-local"
    static let secretFlags = [
        "--stripe-secret-key": "BUS_STRIPE_SECRET_KEY", "--api-key": "BUS_STRIPE_SECRET_KEY",
        "--webhook-secret": "BUS_STRIPE_WEBHOOK_SECRET", "--jwt-secret": "BUS_API_JWT_SECRET",
        "--token": "BUS_API_TOKEN",
    ]

    static let configuration = CommandConfiguration(
        commandName: binary,
        abstract: "Runs every Bus billing service in one process, for a laptop.",
        discussion: """
            EXAMPLE
              bus-local
              make demo        # in a second terminal: one signed Stripe event, all the way

            Everything listens on one port and keeps its data in one folder. Webhooks also
            arrive where the Stripe service takes them in production:
              stripe listen --forward-to \
                http://127.0.0.1:8084/api/internal/stripe/webhook
            Secrets default to well-known local values, so it listens on this machine only.
            Tokens for trying things are written into the data folder, readable by you
            alone.

            ENVIRONMENT
              BUS_LOCAL_ACCOUNT_ID       subject of the local tokens
              BUS_LOCAL_JWT_SECRET       signs the local tokens
              BUS_STRIPE_WEBHOOK_SECRET  whsec_ signing secret (whsec_local_not_secret)
              BUS_STRIPE_WEBHOOK_ADDR    second address for webhooks (127.0.0.1:8084);
                                         empty turns it off
              BUS_STRIPE_SECRET_KEY      sk_test_ uses Stripe's test mode; live keys are
                                         refused
              and every other variable of bus-api-provider-events, bus-integration-stripe,
              bus-integration-billing and bus-api-provider-billing
            """)

    static func main() async { await runLeaf() }

    @Option(name: .customLong("addr"), help: "host:port to listen on (default 127.0.0.1:8080).")
    var address: String?
    @Option(help: "Folder for data and tokens (default ./.bus/local).")
    var data: String?
    @Flag(help: "Allow an address that other machines can reach.")
    var unsafeListen = false
    @Flag(help: "Print the effective settings, secrets redacted, then exit 0 or 2.")
    var checkConfig = false

    func start() async throws {
        var reader = LocalSettings.reader()
        let process = ServiceProcess(label: Self.binary, settings: &reader)
        let settings: LocalSettings
        do {
            settings = try LocalSettings(&reader, address: address, folder: data, allowsRemote: unsafeListen)
        } catch {
            if checkConfig { Terminal.output(reader.effectiveText) }
            throw error
        }
        if checkConfig { return Terminal.output(reader.effectiveText) }
        try await LocalStack.run(settings, process: process)
    }
}
