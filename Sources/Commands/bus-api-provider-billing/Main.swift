import ArgumentParser
import BillingAPI
import BusCLI
import BusCore
import BusRuntime

@main
struct BillingAPICommand: LeafCommand {
    static let binary = BillingAPIModule.name
    static let secretFlags = [
        "--jwt-secret": "BUS_BILLING_JWT_SECRET", "--billing-jwt-secret": "BUS_BILLING_JWT_SECRET",
        "--api-jwt-secret": "BUS_API_JWT_SECRET", "--secret": "BUS_BILLING_JWT_SECRET", "--token": "BUS_API_TOKEN",
        "--api-token": "BUS_API_TOKEN", "--database-url": "BUS_BILLING_DATABASE_URL",
    ]

    static let configuration = CommandConfiguration(
        commandName: binary,
        abstract: "Serves the Billing API: status, checkout, portal, entitlements, catalog.",
        discussion: """
            EXAMPLE
              export BUS_BILLING_JWT_SECRET_FILE=./local/jwt-secret
              export BUS_API_TOKEN_FILE=./local/billing-api.jwt
              bus-api-provider-billing --addr 127.0.0.1:8083 \\
                --events-url http://127.0.0.1:8081 \\
                --billing-sqlite-path ./local/billing.sqlite

            Account routes ask the billing worker by events. The catalog is kept in the
            billing database, which the worker shares. With --backend local there is no
            worker: the catalog alone is served and account routes answer 503. With
            --store-backend memory there is no catalog.

            ENVIRONMENT (every secret also as NAME_FILE, a file that holds it)
              BUS_BILLING_JWT_SECRET        verifies the callers' tokens; base64:… for bytes
              BUS_API_JWT_SECRET            used where the one before is not set
              BUS_BILLING_ADDR              same as --addr (default 127.0.0.1:8083)
              BUS_BILLING_BACKEND           same as --backend (default events)
              BUS_BILLING_TIMEOUT           same as --timeout (default 30s)
              BUS_BILLING_STORE_BACKEND     same as --store-backend (default sqlite)
              BUS_BILLING_SQLITE_PATH       same as --billing-sqlite-path
                                            ($XDG_STATE_HOME or ~/.local/state)
              BUS_BILLING_DATABASE_URL      for --store-backend postgres
              BUS_EVENTS_API_URL            the Events API, same as --events-url
              BUS_API_TOKEN                 Bus token for the Events API; needs billing:read,
                                            billing:setup and billing:entitlement:check
              BUS_EVENTS_LISTENER_RETRY     reopen streams (true)
              BUS_EVENTS_LISTENER_RETRY_MIN, _MAX   wait before that (1s, 30s)
              BUS_EVENTS_LISTENER_REQUIRED  not ready while a stream is down (true)
              BUS_EVENTS_TOKEN_REFRESH      0 keeps the first token of a token file
              BUS_WORKER_SHUTDOWN_TIMEOUT   time for stopping (default 10s)
              BUS_OPS_ADDR                  /livez /readyz /metrics (default 127.0.0.1:0)
              BUS_LOG_LEVEL, BUS_LOG_FORMAT trace…error (info); json or text
            """)

    static func main() async { await runLeaf() }

    @Option(name: .customLong("addr"), help: "host:port to listen on; port 0 lets the system choose.")
    var address: String?
    @Option(help: "Who answers account routes: events or local (nobody).")
    var backend: String?
    @Option(name: .customLong("events-url"), help: "Events API base URL.")
    var eventsURL: String?
    @Option(
        name: [.customLong("token-file"), .customLong("api-token-file")], help: "File that holds the Bus token.")
    var tokenFile: String?
    @Option(help: "Time the worker has for an answer, such as 30s.")
    var timeout: String?
    @Option(name: .customLong("store-backend"), help: "sqlite or memory.")
    var storeBackend: String?
    @Option(name: .customLong("billing-sqlite-path"), help: "File of the sqlite backend.")
    var sqlitePath: String?
    @Flag(help: "Print the effective settings, secrets redacted, then exit 0 or 2.")
    var checkConfig = false

    func start() async throws {
        var flags = BillingAPIFlags()
        flags.address = address
        flags.backend = backend
        flags.eventsURL = eventsURL
        flags.timeout = timeout
        flags.storeBackend = storeBackend
        flags.sqlitePath = sqlitePath
        var reader = SettingsReader.ofProcess()
        let process = ServiceProcess(label: Self.binary, settings: &reader)
        let settings = BillingAPISettings(&reader, flags: flags)
        if checkConfig { Terminal.output(reader.effectiveText) }
        try reader.check()
        if checkConfig { return }
        try await BillingAPIService.run(settings, tokenFile: tokenFile, reader: reader, process: process)
    }
}
