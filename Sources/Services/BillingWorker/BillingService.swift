import AsyncHTTPClient
import BillingCore
import BillingStorage
import BusClient
import BusContract
import BusCore
import BusLoops
import BusRuntime
import BusSQL
import BusServer
import Logging
import ServiceLifecycle

/// The billing worker as one value: settings in, services out, composed by hand.
package struct BillingService: Sendable {
    /// What the worker knows of accounts.
    package let desk: BillingDesk
    private let settings: BillingSettings
    private let process: ServiceProcess
    private let commits: GroupCommit
    private let publisher: EventPublisher
    private let replies: RequestReply?
    private let sender: UsageSender
    private let worker: EventWorker
    private let retention: BillingRetention
    private let review: SubscriptionReview?
    private let plans: PlanWatch
    private let database: any SQLDatabase

    /// Opens the storage and connects everything; `events` is shared and outlives the service.
    package init(
        _ settings: BillingSettings, tokens: TokenSource, events transport: any EventsTransport,
        process: ServiceProcess
    ) async throws {
        guard let endpoint = settings.events else { throw EventsEndpoint.missing }
        guard let company = settings.provider else {
            throw ProcessFailure(exitCode: 2, "no payment company is named; set BUS_BILLING_PROVIDER")
        }
        self.settings = settings
        self.process = process
        let logger = process.logger
        let database = try await BillingDatabase.open(settings.store)
        self.database = database
        let mode = try await BillingDatabase.opening {
            try await database.migrateBilling()
            _ = try await CatalogStore.open(database)
            return try await DeploymentMode.open(database, setting: settings.mode)
        }
        let events = EventsClient(transport: transport, endpoint: endpoint, tokens: tokens, logger: logger)
        publisher = EventPublisher(client: events, timeout: settings.providerTimeout)
        commits = GroupCommit(database: database)
        retention = BillingRetention(commits: commits, logger: logger)
        desk = BillingDesk(
            database: database, commits: commits, mode: mode, catalogs: CatalogCache(),
            quotaFile: settings.quotaFile, grace: settings.pastDueGrace)
        plans = PlanWatch(desk: desk, logger: logger)
        let provider: any PaymentProvider
        switch settings.providerBackend {
        case .local:
            (replies, review) = (nil, nil)
            provider = LocalPaymentProvider(label: company.text)
        case .events:
            let replies = RequestReply(
                exchanges: company.exchanges, client: events, publisher: publisher, source: BusModule.billing.name,
                settings: settings.worker.listener, readiness: process.readiness, logger: logger)
            self.replies = replies
            let events = EventPaymentProvider(provider: company, requests: replies, timeout: settings.providerTimeout)
            provider = events
            review = SubscriptionReview(desk: desk, provider: company.text, logger: logger, ask: events.observe)
        }
        sender = UsageSender(desk: desk, provider: provider, logger: logger)
        let canForget = tokens.scopes?.contains(Scope.billingAdmin.rawValue) ?? true
        if !canForget {
            logger.notice(
                "accounts cannot be forgotten, the token lacks a scope",
                metadata: ["scope": "\(Scope.billingAdmin)"])
        }
        let requests = BillingRequests(
            desk: desk, provider: provider, sender: sender,
            callers: CallerPolicy(ownSubject: tokens.subject, trustedSubjects: settings.trustedSubjects),
            canForget: canForget, logger: logger)
        worker = EventWorker(
            requests.handlers, client: events, settings: settings.worker, readiness: process.readiness, logger: logger)
    }

    /// Services in start order; they stop the other way round.
    package func services() -> [any Service] {
        [StorageCloser(database: database, logger: process.logger), commits, retention, plans, publisher]
            + [replies].compactMap { $0 } + [sender, worker] + [review].compactMap { $0 }
    }

    /// Runs the worker as a process of its own until a signal arrives.
    package static func run(
        _ settings: BillingSettings, reader: SettingsReader, process: ServiceProcess
    ) async throws {
        let tokens = try TokenSource.find(in: reader, at: .now)
        process.logger.notice(
            "starting",
            metadata: [
                "version": "\(BusVersion.text)", "provider.backend": "\(settings.providerBackend.rawValue)",
                "store.backend": "\(settings.store.backend.rawValue)",
            ])
        let executor = EventLoopExecutor.ofProcess
        try await HTTPClient.withHTTPClient(
            eventLoopGroup: executor.loop, configuration: EventsClient.configuration
        ) { http in
            let service = try await BillingService(settings, tokens: tokens, events: http, process: process)
            var services = service.services()
            services.append(
                ServerAssembly.operations(
                    OperationsRoutes(process), address: settings.operationsAddress, process: process))
            try await process.run(services, on: executor)
        }
    }
}
