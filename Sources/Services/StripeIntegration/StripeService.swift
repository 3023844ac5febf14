import AsyncHTTPClient
import BusClient
import BusCore
import BusRuntime
import BusServer
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StripeCore

/// The Stripe worker as one value: settings in, services out, composed by hand.
package struct StripeService: Sendable {
    /// Batches what webhooks publish.
    package let publisher: EventPublisher
    /// Judges webhooks.
    package let receiver: WebhookReceiver
    private let settings: StripeSettings
    private let process: ServiceProcess
    private let worker: EventWorker?

    /// Composes the service; `http` is shared by all calls and shut down by the caller.
    package init(
        _ settings: StripeSettings, endpoint: EventsEndpoint, tokens: TokenSource, http: HTTPClient,
        process: ServiceProcess
    ) {
        self.settings = settings
        self.process = process
        let events = EventsClient(http: http, endpoint: endpoint, tokens: tokens, logger: process.logger)
        let publisher = EventPublisher(
            client: events, timeout: .seconds(Limits.webhookPublishSeconds), logger: process.logger)
        self.publisher = publisher
        receiver = WebhookReceiver(
            keys: settings.webhookKeys, toleranceSeconds: settings.webhookToleranceSeconds, mode: settings.mode,
            publisher: publisher, refetch: nil, logger: process.logger)
        worker = nil
    }

    /// Services in start order; they stop the other way round.
    package func services() -> [any Service] {
        var services: [any Service] = [publisher]
        if let worker, !settings.webhookOnly { services.append(worker) }
        return services
    }

    /// Runs the worker as a process of its own until a signal arrives.
    package static func run(
        _ settings: StripeSettings, tokenFile: String?, reader: SettingsReader, process: ServiceProcess
    ) async throws {
        guard let endpoint = settings.events else { return try reader.check() }
        let tokens = try TokenSource.find(flag: tokenFile, in: reader, at: .now)
        let http = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: .busServices)
        let service = StripeService(settings, endpoint: endpoint, tokens: tokens, http: http, process: process)
        service.announce()
        var services = service.services()
        if let address = settings.operationsAddress {
            services.append(
                ServerAssembly.server(
                    name: "operations", router: OperationsRoutes(process).router(), address: address, process: process))
        }
        if let address = settings.webhookAddress {
            services.append(WebhookServer(address: address, receiver: service.receiver, process: process))
        }
        let result = await Result { try await process.run(services) }
        try await http.shutdown()
        try result.get()
    }

    /// Says once what an operator must know about the mode.
    package func announce() {
        process.logger.notice(
            "starting", metadata: ["version": "\(BusVersion.text)", "stripe.mode": "\(settings.mode.rawValue)"])
        if settings.mode == .live {
            process.logger.warning("LIVE MODE: this process uses a live Stripe key and moves real money")
        }
        if settings.webhookKeys.isEmpty, settings.webhookAddress != nil {
            process.logger.warning("no webhook signing secret is set; every webhook is answered 503")
        }
    }
}

extension HTTPClient.Configuration {
    /// One shared keep-alive client for the Events API and Stripe: no redirects, room for every stream beside the calls.
    package static var busServices: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), write: .seconds(30)))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Limits.workerStreamsMax * 2
        configuration.httpVersion = .http1Only
        return configuration
    }
}

extension Result where Failure == any Error {
    /// Runs to the end either way, so that what must be closed afterwards is closed.
    init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
