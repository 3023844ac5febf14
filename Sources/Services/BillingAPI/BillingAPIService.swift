import AsyncHTTPClient
import BillingStorage
import BusClient
import BusContract
import BusCore
import BusLoops
import BusRuntime
import BusSQL
import BusServer
import Hummingbird
import Logging
import ServiceLifecycle

/// The Billing API as one value: storage, requests to the worker, routes.
package struct BillingAPIService: Sendable {
    private let process: ServiceProcess
    private let routes: BillingRoutes
    private let database: any SQLDatabase
    private let probe: StoreProbe
    private let clients: [any Service]

    /// Opens the storage and connects everything; nothing listens before the services run.
    ///
    /// `events` is shared and outlives the service; `tokens` is nil with the `local` backend.
    package init(
        _ settings: BillingAPISettings, tokens: TokenSource?, events transport: any EventsTransport,
        process: ServiceProcess
    ) async throws {
        self.process = process
        let database = try await BillingDatabase.open(settings.store)
        let store = try await BillingDatabase.opening { try await CatalogStore.open(database) }
        self.database = database
        probe = StoreProbe { try await store.probe() }
        var requests = WorkerCalls.none
        if let endpoint = settings.events, let tokens {
            let events = EventsClient(transport: transport, endpoint: endpoint, tokens: tokens, logger: process.logger)
            let publisher = EventPublisher(client: events, timeout: settings.timeout)
            let canForget = tokens.scopes?.contains(Scope.billingAdmin.rawValue) ?? true
            let exchanges = BillingAPIModule.exchanges.filter { canForget || $0.scope != .billingAdmin }
            let replies = RequestReply(
                exchanges: exchanges, client: events, publisher: publisher,
                source: BillingAPIModule.name, settings: settings.listener, readiness: process.readiness,
                logger: process.logger)
            requests = WorkerCalls { [timeout = settings.timeout] name, payload in
                if !canForget, name == Exchange.accountForget.request {
                    throw BusError(
                        .billingUnavailable,
                        "this billing API's own token lacks the scope billing:admin, and so cannot ask the worker; "
                            + "start it with a token that has it")
                }
                return try await replies.call(name, payload, within: timeout)
            }
            clients = [publisher, replies]
        } else {
            clients = []
        }
        routes = await BillingRoutes(
            tokenSecret: settings.tokenSecret, secretFile: process.watch(settings.tokenSecretOfFile),
            requests: requests,
            store: settings.store.backend == .memory ? nil : store)
    }

    /// Adds the API's routes to a router that has health and errors already.
    package func addRoutes(to router: some RouterMethods<BusRequestContext>) {
        routes.add(to: router)
    }

    /// Updates the condition `billing store`; call it before answering `/readyz`.
    @Sendable package func refreshReadiness() async {
        await probe.look()
        process.readiness.set("billing store", probe.answers)
    }

    /// Services in start order, without a listener; they stop in reverse order.
    package func services() -> [any Service] {
        [StorageCloser(database: database, logger: process.logger)] + clients
    }

    /// The API's routes and the health routes.
    package func router() -> Router<BusRequestContext> {
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: RequestObserver(logger: process.logger))
        router.add(middleware: ErrorResponses(logger: process.logger))
        operations.addHealth(to: router)
        addRoutes(to: router)
        return router
    }

    private var operations: OperationsRoutes {
        OperationsRoutes(process, refreshing: refreshReadiness)
    }

    /// Runs the API as a process of its own until a signal arrives.
    package static func run(
        _ settings: BillingAPISettings, reader: SettingsReader, process: ServiceProcess
    ) async throws {
        let tokens = settings.backend == .events ? try TokenSource.find(in: reader, at: .now) : nil
        let executor = EventLoopExecutor.ofProcess
        try await HTTPClient.withHTTPClient(
            eventLoopGroup: executor.loop, configuration: EventsClient.configuration
        ) { http in
            let service = try await BillingAPIService(settings, tokens: tokens, events: http, process: process)
            process.logger.notice(
                "starting",
                metadata: ["version": "\(BusVersion.text)", "backend": "\(settings.backend.rawValue)"])
            var services = service.services()
            services.append(
                ServerAssembly.operations(
                    service.operations, address: settings.operationsAddress, process: process))
            services.append(
                ServerAssembly.server(
                    name: "billing", router: service.router(), address: settings.address, process: process))
            try await process.run(services, on: executor)
        }
    }
}

/// What this module is called and asks for.
package enum BillingAPIModule {
    /// The `source` of its requests.
    package static let name = "bus-api-provider-billing"
    /// What it asks the billing worker.
    static let exchanges = [
        Exchange.status.rules, Exchange.checkoutSession.rules, Exchange.portalSession.rules,
        Exchange.entitlementCheck.rules, Exchange.accountForget.rules,
    ]
}
