import AsyncHTTPClient
import BillingAPI
import BillingStorage
import BillingWorker
import BusAuth
import BusClient
import BusCore
import BusPages
import BusRuntime
import BusSQL
import BusServer
import EventsAPI
import FoundationEssentials
import Hummingbird
import ServiceLifecycle
import StripeIntegration
import StripeSandbox

/// Every service in one process, on one port, in one folder.
enum LocalStack {
    static func run(_ settings: LocalSettings, process: ServiceProcess) async throws {
        let serviceToken = try await LocalTokens.write(settings)
        let events = try await EventsService(settings.events, process: process)
        let database = try await BillingDatabase.open(settings.billingAPI.store)
        let catalogs = try await BillingDatabase.opening { try await CatalogStore.open(database) }
        if let path = settings.catalogPath { try await LocalCatalog.store(path, in: catalogs) }
        let ownEvents = OwnEvents(events.router())
        let token = TokenSource(token: serviceToken, label: "bus-local")
        try await HTTPClient.withHTTPClient(configuration: EventsClient.configuration) { http in
            try await HTTPClient.withHTTPClient(configuration: SandboxService.configuration) { webhooks in
                let offline = try settings.sandbox.map {
                    try OfflinePart(
                        $0, journalPath: "\(settings.folder)/stripe.journal", catalogs: catalogs, http: webhooks,
                        stripeHTTP: http, process: process)
                }
                let record = LiveRecord()
                let stripe = try StripeService(
                    settings.stripe, tokens: token, http: http, events: ownEvents, process: process,
                    offline: offline?.stripe, hearRefusal: { record.add($0) })
                stripe.announce()
                let api = try await BillingAPIService(
                    settings.billingAPI, tokens: token, events: ownEvents, process: process)
                let billing = try await BillingService(
                    settings.billing, tokens: token, events: ownEvents, process: process)
                let live = LiveRoutes(
                    record: record, desk: billing.desk, sandbox: offline?.sandbox, settings: settings)
                let listener = LiveListener(
                    record: record,
                    client: EventsClient(
                        transport: ownEvents, endpoint: try settings.endpoint(), tokens: token, logger: process.logger),
                    accountID: settings.accountID, sandbox: offline?.sandbox, logger: process.logger)
                let parts =
                    stripe.services() + billing.services() + api.services()
                    + [stripe.sideIngress()].compactMap(\.self) + (offline?.sandbox.services() ?? []) + [listener]
                // A signal wakes one waiter, so every one of them has its own.
                let clients = parts.map { ($0, Signal()) }
                let server = events.services(
                    addingRoutes: { router in
                        WebhookRoute(stripe.receiver).add(to: router)
                        api.addRoutes(to: router)
                        // They count for what is added behind them.
                        router.add(middleware: LiveProblems())
                        router.add(middleware: OwnPagesOnly(checksHost: settings.address.isLoopback))
                        live.add(to: router)
                        offline?.addRoutes(to: router)
                    },
                    handlers: SandboxService.handlers,
                    onListening: {
                        for (_, isListening) in clients { isListening.close() }
                        Terminal.output(welcome(settings))
                    })
                let storage = StorageCloser(database: database, logger: process.logger)
                try await process.run([storage] + server + clients.map { StartLater($0, after: $1) })
            }
        }
    }

    /// The folder of our own program, where `bus` is too.
    private static var programs: String {
        let parts = CommandLine.arguments[0].split(separator: "/", omittingEmptySubsequences: false)
        return parts.count > 1 ? parts.dropLast().joined(separator: "/") : "."
    }

    /// Three addresses to open and one command to try.
    private static func welcome(_ settings: LocalSettings) -> String {
        // People's commands find the usual address by themselves.
        let api = settings.origin == "http://127.0.0.1:8080" ? "" : " --api-url \(settings.origin)"
        let stripe =
            settings.sandbox == nil
            ? "Stripe's test mode" : "an offline Stripe: no account, no network, no real money"
        let pages =
            settings.sandbox == nil
            ? ""
            : """

              \(settings.origin)/sandbox/events   every webhook that was sent, and its answer
              \(settings.origin)/sandbox/clock    the time there

            """
        return """
            Bus is running, with \(stripe).

              \(settings.origin)/                 what happens, as it happens\(pages.isEmpty ? "\n" : pages)
            In a second terminal, in this folder:

              \(programs)/bus billing setup --feature llm:proxy\(api) --token-file \(settings.folder)/billing.token

            Open the address that it prints, pay there, and watch the first page. Ctrl-C stops everything; the data
            stays in \(settings.folder).
            """
    }
}

/// Development tokens, made anew at every start and readable by their owner alone.
enum LocalTokens {
    /// Scopes of the compose stack's local token that mean something here.
    private static let serviceScopes = [
        "events:send", "events:listen", "events:admin", "llm:proxy", "usage:write", "usage:read", "usage:delete",
        "billing:read", "billing:setup", "billing:entitlement:check", "billing:subscription:write",
        "billing:usage:export", "billing:provider", "billing:admin",
    ]
    private static let lifetimeSeconds: Int64 = 365 * 86_400

    /// Writes `service.token`, `billing.token` and `operator.token` into the data folder.
    ///
    /// Returns the first one, which the services inside use too.
    static func write(_ settings: LocalSettings) async throws -> Secret {
        try FileManager.default.createDirectory(
            atPath: settings.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let service = try await issue(Audience.api, serviceScopes, settings)
        let billing = try await issue(Audience.api, ["billing:read", "billing:setup"], settings)
        let administrator = try await issue(
            Audience.internal,
            [
                "billing:read", "billing:entitlement:check", "billing:catalog:read", "billing:catalog:write",
                "billing:admin", "events:admin",
            ],
            settings)
        for (name, token) in [("service", service), ("billing", billing), ("operator", administrator)] {
            try save(token, to: "\(settings.folder)/\(name).token")
        }
        return Secret(service)
    }

    private static func issue(_ audience: String, _ scopes: [String], _ settings: LocalSettings) async throws -> String
    {
        try await BusToken.issue(
            subject: settings.accountID, audience: audience, scopes: scopes, issuedAt: .now,
            lifetimeSeconds: lifetimeSeconds, secret: settings.tokenSecret)
    }

    /// The file is private before anything is in it.
    private static func save(_ token: String, to path: String) throws {
        try? FileManager.default.removeItem(atPath: path)  // An old token; creating the file fails if it cannot go.
        let isCreated = FileManager.default.createFile(
            atPath: path, contents: Data(token.utf8), attributes: [.posixPermissions: 0o600])
        if !isCreated {
            throw ProcessFailure(exitCode: 1, "the token file \(path) cannot be written; check the folder's owner")
        }
    }
}
