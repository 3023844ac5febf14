import BusAuth
import BusCore
import BusRuntime
import BusSQL
import BusServer
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// The events server as one value: storage, commits, routes, listeners.
package struct EventsService: Sendable {
    private let settings: EventsSettings
    private let process: ServiceProcess
    private let database: any SQLDatabase
    private let log: EventLog
    private let commits: GroupCommit
    private let wakeUps: WakeUps
    private let routes: EventRoutes
    private let health: StoreHealth

    /// Opens the storage and wires the parts.
    ///
    /// Nothing listens before the services run.
    package init(_ settings: EventsSettings, process: ServiceProcess) async throws {
        self.settings = settings
        self.process = process
        do {
            database = try await settings.store.open()
            let log = try await EventLog.open(database)
            self.log = log
            commits = log.makeCommits(syncsAll: settings.syncs == .all)
            wakeUps = WakeUps()
            health = StoreHealth(commits: commits, log: log, readiness: process.readiness)
            let now: @Sendable () -> Timestamp = { .now }
            let ledger = DeliveryLedger(log: log, commits: commits, wakeUps: wakeUps, now: now)
            let secretFile = process.watch(settings.tokenSecretOfFile)
            routes = EventRoutes(
                authenticator: Authenticator(
                    TokenVerifier(
                        keys: await TokenKeys(secret: settings.tokenSecret) { secretFile?.content },
                        audiences: [Audience.api, Audience.internal])),
                appender: EventAppender(log: log, commits: commits, wakeUps: wakeUps, now: now),
                streaming: EventStreaming(
                    log: log, ledger: ledger, wakeUps: wakeUps, keepAlive: settings.keepAlive),
                ledger: ledger, access: settings.access, lines: PublishLines(logger: process.logger), now: now)
        } catch let fault as SQLFault {
            let isSetting = fault.isAboutTheFile
            throw ProcessFailure(exitCode: isSetting ? 2 : 1, "the event store does not open: \(fault)")
        }
    }

    /// The services in the order they start.
    ///
    /// They stop in the opposite order: streams, listeners, commits, file.
    ///
    /// `bus-local` adds the routes of its other services to the one listener, and what they need beside routes.
    package func services(
        addingRoutes: (Router<BusRequestContext>) -> Void = { _ in },
        handlers: @escaping @Sendable () -> [any RemovableChannelHandler] = { [] },
        onListening: @escaping @Sendable () -> Void = {}
    ) -> [any Service] {
        let router = router()
        addingRoutes(router)
        var services: [any Service] = [
            StorageCloser(database: database, logger: process.logger), commits, wakeUps,
            Retention(commits: commits, keep: settings.retention, logger: process.logger, now: { .now }),
        ]
        if let shared = database as? PostgresDatabase {
            services.append(NodeNews(news: shared.news, log: log, wakeUps: wakeUps, logger: process.logger))
        }
        let isUp = Signal()
        let listener = ServerAssembly.operations(
            operations, address: settings.operationsAddress, process: process)
        // The first `listening` line of the log is the API's.
        services.append(StartLater(listener, after: isUp))
        services.append(
            ServerAssembly.server(
                name: "events", router: router, address: settings.address, process: process, handlers: handlers,
                onListening: { _ in
                    isUp.close()
                    onListening()
                }))
        services.append(StreamCloser(wakeUps: wakeUps, readiness: process.readiness))
        return services
    }

    private var operations: OperationsRoutes {
        OperationsRoutes(process, refreshing: health.refresh)
    }

    /// The API's routes, with health beside them.
    package func router() -> Router<BusRequestContext> {
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: RequestObserver(logger: process.logger))
        router.add(middleware: ErrorResponses(logger: process.logger))
        operations.addHealth(to: router)
        routes.add(to: router, basePaths: settings.basePaths)
        return router
    }
}

/// Stops first: marks the server as not ready and ends its streams, which would otherwise keep it running.
private struct StreamCloser: Service {
    let wakeUps: WakeUps
    let readiness: Readiness

    func run() async throws {
        try await gracefulShutdown()
        readiness.set("accepting", false)
        wakeUps.close()
    }
}
