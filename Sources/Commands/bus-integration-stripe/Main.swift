import ArgumentParser
import BusCLI
import BusContract
import BusCore
import BusRuntime
import StripeIntegration

@main
struct StripeCommand: LeafCommand {
    static let binary = "bus-integration-stripe"
    static let secretFlags = [
        "--stripe-secret-key": "BUS_STRIPE_SECRET_KEY", "--secret-key": "BUS_STRIPE_SECRET_KEY",
        "--api-key": "BUS_STRIPE_SECRET_KEY", "--stripe-api-key": "BUS_STRIPE_SECRET_KEY",
        "--webhook-secret": "BUS_STRIPE_WEBHOOK_SECRET", "--stripe-webhook-secret": "BUS_STRIPE_WEBHOOK_SECRET",
        "--signing-secret": "BUS_STRIPE_WEBHOOK_SECRET", "--token": "BUS_API_TOKEN", "--api-token": "BUS_API_TOKEN",
    ]

    static let configuration = CommandConfiguration(
        commandName: binary,
        abstract: "Turns Stripe's webhooks into Bus events and Bus requests into Stripe calls.",
        discussion: """
            EXAMPLE
              export BUS_API_TOKEN="$(cat ./local/billing-worker.token)"
              export BUS_STRIPE_WEBHOOK_SECRET="$(cat ./local/stripe-webhook-secret)"
              bus-integration-stripe --events-url http://127.0.0.1:8081 \\
                --webhook-addr 127.0.0.1:8084

            Without BUS_STRIPE_SECRET_KEY sessions and meter events are answered here,
            deterministically and without a network (local mode). Webhooks are verified
            in every mode.

            ENVIRONMENT (every secret also as NAME_FILE, a file that holds it)
              BUS_EVENTS_API_URL            the Events API, same as --events-url
              BUS_API_TOKEN                 Bus token; needs billing:provider and
                                            billing:subscription:write; with the second
                                            alone it serves webhooks only
              BUS_STRIPE_SECRET_KEY         Stripe key, sk_test_ or rk_test_
              BUS_STRIPE_LIVE               1 allows a live key
              BUS_STRIPE_WEBHOOK_SECRET     whsec_ signing secret, commas between several
              BUS_STRIPE_WEBHOOK_ADDR       same as --webhook-addr
              BUS_STRIPE_WEBHOOK_ONLY       same as --webhook-only
              BUS_STRIPE_API_VERSION        pins Stripe-Version on requests
              BUS_STRIPE_DEFAULT_PRICE_ID   bought when a request names no price
              BUS_STRIPE_RETURN_URL         where people come back to
              BUS_STRIPE_WEBHOOK_TOLERANCE  largest age of a signature (300s)
              BUS_STRIPE_WEBHOOK_REFETCH    1 re-reads the subscription first
              BUS_STRIPE_TIMEOUT            same as --timeout (25s)
              BUS_STRIPE_LOCAL_BASE_URL     where local mode's pages are
              BUS_STRIPE_API_URL            for tests: a Stripe double on this machine
              BUS_TRUSTED_SERVICE_SUBJECTS  subjects that may act for any account
              BUS_EVENTS_GROUP              same as --group
              BUS_EVENTS_CONSUMER           same as --consumer
              BUS_EVENTS_LISTENER_RETRY     reopen streams (true)
              BUS_EVENTS_LISTENER_RETRY_MIN, _MAX   wait before that (1s, 30s)
              BUS_EVENTS_LISTENER_REQUIRED  not ready while a stream is down
              BUS_EVENTS_TOKEN_REFRESH      0 keeps the first token of a token file
              BUS_EVENTS_REQUEST_MAX_AGE    drop older requests (10m)
              BUS_WORKER_CONCURRENCY        handlers at once (8)
              BUS_WORKER_SHUTDOWN_TIMEOUT   time to stop in (10s)
              BUS_OPS_ADDR                  /livez /readyz /metrics (127.0.0.1:0)
              BUS_LOG_LEVEL, BUS_LOG_FORMAT trace to error (info); json or text
            """)

    static func main() async { await runLeaf() }

    @Option(name: .customLong("events-url"), help: "Events API base URL.")
    var eventsURL: String?
    @Option(name: .customLong("webhook-addr"), help: "host:port for webhooks; unset means no ingress.")
    var webhookAddress: String?
    @Flag(help: "Serve webhooks only; open no request streams.")
    var webhookOnly = false
    @Option(
        name: [.customLong("token-file"), .customLong("api-token-file")], help: "File that holds the Bus token.")
    var tokenFile: String?
    @Option(help: "Unicast group of the request streams.")
    var group: String?
    @Option(help: "This process's name inside the group.")
    var consumer: String?
    @Option(help: "Time one request may take, such as 25s.")
    var timeout: String?
    @Flag(help: "Handle one event, then exit 0.")
    var once = false
    @Flag(help: "Check signing, mapping and forms in memory, then exit.")
    var selfTest = false
    @Flag(help: "List handled and emitted events, then exit.")
    var events = false
    @Option(help: "Form of --events: text, json or asyncapi.")
    var format: EventList.Format = .text
    @Flag(help: "Print the effective settings, secrets redacted, then exit 0 or 2.")
    var checkConfig = false

    func start() async throws {
        if selfTest { return Terminal.output(try StripeSelfTest.run()) }
        if events { return Terminal.output(EventList.stripe.text(as: format)) }
        var flags = StripeFlags()
        flags.eventsURL = eventsURL
        flags.webhookAddress = webhookAddress
        flags.webhookOnly = webhookOnly
        flags.tokenFile = tokenFile
        flags.group = group
        flags.consumer = consumer
        flags.timeout = timeout
        flags.once = once
        var reader = SettingsReader.ofProcess()
        let process = ServiceProcess(label: Self.binary, settings: &reader)
        let settings = StripeSettings(&reader, flags: flags)
        if checkConfig { Terminal.output(reader.effectiveText) }
        try reader.check()
        if checkConfig { return }
        try await StripeService.run(settings, tokenFile: tokenFile, reader: reader, process: process)
    }
}

extension EventList.Format: ExpressibleByArgument {}
