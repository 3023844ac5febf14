import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import BusRuntime
import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// A real worker in this process whose one handler takes as long as the test wants.
final class HeldWorker: Sendable {
    private let correlationIDs = Mutex<[String]>([])
    private let group = Mutex<ServiceGroup?>(nil)

    static let exchange = Exchange.stripePortal

    /// The correlation ids that its handler was given, in order.
    var handled: [String] { correlationIDs.withLock { $0 } }

    /// Asks it to stop, as a signal does.
    func stop() async {
        await group.withLock { $0 }?.triggerGracefulShutdown()
    }

    /// Runs a worker in the group `bus-example`, ready, beside `body`.
    static func run(
        before deployment: Deployment, consumer: String, concurrency: Int = 8, leaseSeconds: Int,
        leaseExtensionInterval: Duration, handler: @escaping @Sendable () async -> Void,
        _ body: @Sendable (HeldWorker) async throws -> Void
    ) async throws {
        var reader = SettingsReader(environment: [
            "BUS_EVENTS_CONSUMER": consumer, "BUS_EVENTS_LISTENER_REQUIRED": "1",
            "BUS_WORKER_CONCURRENCY": "\(concurrency)",
        ])
        var settings = WorkerSettings(&reader, module: "bus-example")
        settings.leaseSeconds = leaseSeconds
        settings.leaseExtensionInterval = leaseExtensionInterval
        try reader.check()
        let worker = HeldWorker()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let token = deployment.serviceToken(Deployment.Subject.stripe, "billing:provider")
        let client = EventsClient(
            transport: HTTPClient.shared, endpoint: try #require(EventsEndpoint("http://\(deployment.eventsAddress)")),
            tokens: TokenSource(token: Secret(token), label: "the test"), logger: logger)
        var handlers = RequestHandlers(
            .stripe, callers: CallerPolicy(ownSubject: nil, trustedSubjects: []), logger: logger)
        let page = ProviderPage(
            accountID: Deployment.account, url: "u", sessionID: "s", mode: .local, ignoredFields: [])
        handlers.answer(exchange) { _, caller in
            worker.correlationIDs.withLock { $0.append(caller.correlationID) }
            await handler()
            return .answer(ProviderPortalAnswer(page: page))
        }
        let readiness = Readiness()
        let service = EventWorker(handlers, client: client, settings: settings, readiness: readiness, logger: logger)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: service, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        worker.group.withLock { $0 = group }
        readiness.set("started", false)
        async let running: Void = group.run()
        try await eventually("\(consumer) listens") { readiness.missing == ["started"] ? true : nil }
        try await body(worker)
        await worker.stop()
        try await running
    }
}
