import ArgumentParser
import BillingWorker
import BusCLI
import BusContract
import BusCore
import BusRuntime

@main
struct BillingCommand: LeafCommand {
    static let binary = "bus-integration-billing"
    static let secretFlags = [
        "--database-url": "BUS_BILLING_DATABASE_URL", "--token": "BUS_API_TOKEN", "--api-token": "BUS_API_TOKEN",
    ]

    static let configuration = CommandConfiguration(
        commandName: binary,
        abstract: "Keeps what accounts have bought, may use and have used.",
        discussion: """
            EXAMPLE
              export BUS_API_TOKEN="$(cat ./local/billing-worker.token)"
              bus-integration-billing --events-url http://127.0.0.1:8081 \\
                --provider-backend events

            With --provider-backend local, checkout and portal pages and usage are answered
            here, deterministically and without a payment company.

            ENVIRONMENT (every secret also as NAME_FILE, a file that holds it)
              BUS_EVENTS_API_URL            the Events API, same as --events-url
              BUS_API_TOKEN                 Bus token; needs billing:read billing:setup
                                            billing:entitlement:check
                                            billing:subscription:write
                                            billing:usage:export billing:provider
              BUS_BILLING_PROVIDER_BACKEND  same as --provider-backend (local)
              BUS_BILLING_PROVIDER          same as --provider (stripe)
              BUS_BILLING_PROVIDER_TIMEOUT  same as --provider-timeout (30s)
              BUS_BILLING_STORE_BACKEND     same as --store-backend (sqlite)
              BUS_BILLING_SQLITE_PATH       same as --billing-sqlite-path
                                            (~/.local/state/bus/billing.sqlite)
              BUS_BILLING_DATABASE_URL      for the postgres backend
              BUS_BILLING_QUOTA_CONFIG      same as --quota-config; without it the
                                            catalog's quotas count
              BUS_TRUSTED_SERVICE_SUBJECTS  subjects that may act for any account
              BUS_EVENTS_GROUP              same as --group
              BUS_EVENTS_CONSUMER           same as --consumer
              BUS_EVENTS_LISTENER_RETRY     reopen streams (true)
              BUS_EVENTS_LISTENER_RETRY_MIN, _MAX   wait before that (1s, 30s)
              BUS_EVENTS_LISTENER_REQUIRED  not ready while a stream is down
              BUS_EVENTS_TOKEN_REFRESH      0 keeps the first token of a token file
              BUS_EVENTS_REQUEST_MAX_AGE    drop older requests (10m); updates and usage
                                            are never dropped
              BUS_WORKER_CONCURRENCY        handlers at once (8)
              BUS_WORKER_SHUTDOWN_TIMEOUT   time to stop in (10s)
              BUS_OPS_ADDR                  /livez /readyz /metrics (127.0.0.1:0)
              BUS_LOG_LEVEL, BUS_LOG_FORMAT trace to error (info); json or text
            """)

    static func main() async { await runLeaf() }

    @Option(name: .customLong("events-url"), help: "Events API base URL.")
    var eventsURL: String?
    @Option(
        name: [.customLong("token-file"), .customLong("api-token-file")], help: "File that holds the Bus token.")
    var tokenFile: String?
    @Option(help: "Who answers for the payment company: local or events.")
    var providerBackend: String?
    @Option(help: "The payment company's label.")
    var provider: String?
    @Option(help: "Time the payment company's worker has, such as 30s.")
    var providerTimeout: String?
    @Option(
        name: [.customLong("store-backend"), .customLong("billing-backend")],
        help: "Where state is kept: sqlite, memory or postgres.")
    var storeBackend: String?
    @Option(name: .customLong("billing-sqlite-path"), help: "File of the sqlite store.")
    var sqlitePath: String?
    @Option(help: "JSON file with the plans' quotas.")
    var quotaConfig: String?
    @Option(help: "Unicast group of the request streams.")
    var group: String?
    @Option(help: "This process's name inside the group.")
    var consumer: String?
    @Flag(help: "Handle one event, then exit 0.")
    var once = false
    @Flag(help: "Check the rules of access in memory, then exit.")
    var selfTest = false
    @Flag(help: "List handled and emitted events, then exit.")
    var events = false
    @Option(help: "Form of --events: text, json or asyncapi.")
    var format: EventList.Format = .text
    @Flag(help: "Print the effective settings, secrets redacted, then exit 0 or 2.")
    var checkConfig = false

    func start() async throws {
        if selfTest { return Terminal.output(try BillingSelfTest.run()) }
        if events {
            return Terminal.output(
                EventList.billing(provider: provider.flatMap(ProviderLabel.init) ?? .stripe).text(as: format))
        }
        var flags = BillingFlags()
        flags.eventsURL = eventsURL
        flags.tokenFile = tokenFile
        flags.providerBackend = providerBackend
        flags.provider = provider
        flags.providerTimeout = providerTimeout
        flags.storeBackend = storeBackend
        flags.sqlitePath = sqlitePath
        flags.quotaConfig = quotaConfig
        flags.group = group
        flags.consumer = consumer
        flags.once = once
        var reader = SettingsReader.ofProcess()
        let process = ServiceProcess(label: Self.binary, settings: &reader)
        let settings = BillingSettings(&reader, flags: flags)
        if checkConfig { Terminal.output(reader.effectiveText) }
        try reader.check()
        if checkConfig { return }
        try await BillingService.run(settings, tokenFile: tokenFile, reader: reader, process: process)
    }
}

extension EventList.Format: ExpressibleByArgument {}
