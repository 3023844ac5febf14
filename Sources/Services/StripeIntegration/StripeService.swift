import AsyncHTTPClient
import BillingCore
import BusClient
import BusContract
import BusCore
import BusLoops
import BusRuntime
import BusServer
import Logging
import NIOCore
import ServiceLifecycle
import StripeClient
import StripeCore

/// The Stripe worker as one value: settings in, services out, composed by hand.
package struct StripeService: Sendable {
    /// Batches what webhooks publish.
    package let publisher: EventPublisher
    /// Judges webhooks.
    package let receiver: WebhookReceiver
    private let webhookKeys: WebhookKeys
    private let settings: StripeSettings
    private let process: ServiceProcess
    private let worker: EventWorker
    private let duties: StripeDuties
    /// Nil where nothing may be asked or published.
    private let walker: EventWalker?

    /// Composes the service.
    ///
    /// `http` calls Stripe, `events` the log; both are shared and outlive the service.
    /// `offline` stands in for Stripe where no key is set; `hearRefusal` gets each webhook whose signature is refused.
    package init(
        _ settings: StripeSettings, tokens: TokenSource, http: HTTPClient, events transport: any EventsTransport,
        process: ServiceProcess, offline: OfflineStripe? = nil, hearRefusal: (@Sendable (WebhookRefusal) -> Void)? = nil
    ) throws {
        guard let endpoint = settings.events else { throw EventsEndpoint.missing }
        self.settings = settings
        self.process = process
        duties = try StripeDuties.of(settings, scopes: tokens.scopes, tokenLabel: tokens.label)
        let events = EventsClient(transport: transport, endpoint: endpoint, tokens: tokens, logger: process.logger)
        let publisher = EventPublisher(
            client: events, timeout: .seconds(Limits.webhookPublishSeconds),
            gathering: .milliseconds(Limits.gatherMilliseconds))
        self.publisher = publisher
        let gateway = StripeService.gateway(settings, offline, http: http, logger: process.logger)
        let features = KnownFeatures(client: events)
        let outlet = FactsOutlet(publisher, features: features, scopes: tokens.scopes)
        let actions = WebhookActions(
            gateway: gateway, outlet: outlet,
            observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: settings.mode),
            refetches: settings.refetches, logger: process.logger)
        webhookKeys = WebhookKeys(
            settings.webhookRules, file: process.watch(settings.webhookSecret))
        receiver = WebhookReceiver(
            keys: webhookKeys, publisher: publisher, actions: actions, logger: process.logger,
            hearRefusal: hearRefusal)
        walker = StripeService.walker(
            settings, tokens, http: http, actions: actions, events: events, features: features)
        let requests = StripeRequests(
            gateway: gateway, settings: settings.requests, keys: webhookKeys, actions: actions,
            callers: CallerPolicy(ownSubject: tokens.subject, trustedSubjects: settings.trustedSubjects),
            budget: settings.handlerBudget, logger: process.logger)
        worker = EventWorker(
            requests.handlers, client: events, settings: settings.worker, readiness: process.readiness,
            logger: process.logger)
    }

    private static func gateway(
        _ settings: StripeSettings, _ offline: OfflineStripe?, http: HTTPClient, logger: Logger
    ) -> any StripeGateway {
        func client(_ key: StripeKey, _ url: String) -> ClientStripeGateway {
            ClientStripeGateway(
                client: StripeClient(
                    http: http, key: key, baseURL: url, apiVersion: settings.apiVersion, logger: logger))
        }
        if let key = settings.key { return client(key, settings.apiURL) }
        let local = LocalStripeGateway(settings: settings.requests)
        guard let offline else { return local }
        return OfflineStripeGateway(local: local, stripe: client(offline.key, offline.url), offline: offline)
    }

    /// Reads Stripe's list of events where there is a key and a token that may publish.
    private static func walker(
        _ settings: StripeSettings, _ tokens: TokenSource, http: HTTPClient, actions: WebhookActions,
        events: EventsClient, features: KnownFeatures
    ) -> EventWalker? {
        let scope = Exchange.subscriptionUpdate.rules.scope.rawValue
        guard let key = settings.key, !settings.worker.handlesOnce, tokens.scopes?.contains(scope) ?? true else {
            return nil
        }
        // The walker tells of a failure itself, once as long as it lasts.
        var quiet = actions.logger
        quiet.logLevel = .critical
        return EventWalker(
            client: StripeClient(
                http: http, key: key, baseURL: settings.apiURL, apiVersion: settings.apiVersion,
                pace: RequestPace(perSecond: Limits.eventWalkRequestsPerSecondMax), logger: quiet),
            rules: settings.webhookRules, actions: actions,
            tellsRepeats: { try await features.contains(.idempotentPublish) },
            publish: { try await events.publishOnce($0) }, logger: actions.logger)
    }

    /// Services in start order; they stop the other way round.
    package func services() -> [any Service] {
        var services: [any Service] = [publisher, webhookKeys]
        if duties == .requests { services.append(worker) }
        if let walker { services.append(walker) }
        return services
    }

    /// The ingress of production beside a server that takes webhooks too; nil where no address is set.
    package func sideIngress() -> (any Service)? {
        settings.webhookAddress.map {
            WebhookServer(address: $0, receiver: receiver, process: process, isRequired: false)
        }
    }

    /// Runs the worker as a process of its own until a signal arrives.
    package static func run(
        _ settings: StripeSettings, reader: SettingsReader, process: ServiceProcess
    ) async throws {
        let tokens = try TokenSource.find(in: reader, at: .now)
        let executor = EventLoopExecutor.ofProcess
        try await HTTPClient.withHTTPClient(
            eventLoopGroup: executor.loop, configuration: EventsClient.configuration
        ) { http in
            let service = try StripeService(settings, tokens: tokens, http: http, events: http, process: process)
            service.announce()
            if service.duties == .webhooksOnly, !settings.webhookOnly {
                process.logger.warning(
                    "the token of \(tokens.label) lacks billing:provider; serving webhooks only, as with --webhook-only"
                )
            }
            try await process.run(service.processServices(), on: executor)
        }
    }

    /// What a process of its own runs: the service and its listeners.
    private func processServices() -> [any Service] {
        var services = services()
        services.append(
            ServerAssembly.operations(
                OperationsRoutes(process), address: settings.operationsAddress, process: process))
        if let address = settings.webhookAddress {
            services.append(WebhookServer(address: address, receiver: receiver, process: process))
        }
        return services
    }

    /// Says once what an operator must know about the mode.
    package func announce() {
        process.logger.notice(
            "starting", metadata: ["version": "\(BusVersion.text)", "stripe.mode": "\(settings.mode.rawValue)"])
        if settings.mode == .live {
            process.logger.warning("LIVE MODE: this process uses a live Stripe key and moves real money")
        }
        if settings.webhookRules.keys.isEmpty, settings.webhookAddress != nil {
            process.logger.warning("no webhook signing secret is set; every webhook is answered 503")
        }
    }
}
