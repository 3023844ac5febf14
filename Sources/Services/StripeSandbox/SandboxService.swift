import AsyncHTTPClient
import BusPages
import BusRuntime
import BusServer
import Hummingbird
import Logging
import NIOCore
import ServiceLifecycle

/// The offline Stripe as one value: the world, its routes and its webhooks.
package struct SandboxService: Sendable {
    private let settings: SandboxSettings
    private let process: ServiceProcess
    let home: SandboxHome
    private let sender: WebhookSender

    /// Makes an empty world; `http` is shut down by the caller.
    package init(_ settings: SandboxSettings, http: HTTPClient, process: ServiceProcess) {
        self.settings = settings
        self.process = process
        home = SandboxHome(settings)
        sender = WebhookSender(home: home, http: http, logger: process.logger)
    }

    /// Goes on with the world that a file tells of, and keeps in it what happens.
    package func resume(journalPath path: String) throws {
        try home.resume(journalPath: path, seed: settings.seed)
    }

    /// Lets an id of local mode lead to a session of this world.
    package func link(_ localID: String, to sessionID: String) { home.link(localID, to: sessionID) }

    /// The session that an id of local mode leads to.
    package func session(behind localID: String) -> String? { home.session(behind: localID) }

    /// What the HTTP client must be like.
    package static var configuration: HTTPClient.Configuration { WebhookSender.configuration }

    /// Adds the API, the pages and the controls to a router that has errors already.
    package func addRoutes(to router: some RouterMethods<BusRequestContext>) {
        StripeRoutes(home: home).add(to: router)
        PageRoutes(home: home).add(to: router)
        ControlRoutes(home: home).add(to: router)
    }

    /// What the listener needs beside the routes: the world's time in answers, and connections that end on purpose.
    @Sendable package static func handlers() -> [any RemovableChannelHandler] { [AnswerMarks()] }

    /// What sends webhooks and lets the clock run.
    package func services() -> [any Service] { [sender] }

    /// Every route, with health beside them.
    package func router() -> Router<BusRequestContext> {
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: RequestObserver(logger: process.logger))
        router.add(middleware: ErrorResponses(logger: process.logger))
        OperationsRoutes(process).addHealth(to: router)
        router.add(middleware: OwnPagesOnly(checksHost: true))
        addRoutes(to: router)
        return router
    }

    /// Runs an offline Stripe as a process of its own until a signal arrives.
    package static func run(_ settings: SandboxSettings, process: ServiceProcess) async throws {
        try await HTTPClient.withHTTPClient(configuration: configuration) { http in
            let sandbox = SandboxService(settings, http: http, process: process)
            process.logger.notice(
                "starting", metadata: ["version": "\(BusVersion.text)", "seed": "\(settings.seed)"])
            let isUp = Signal()
            let operations = ServerAssembly.operations(
                OperationsRoutes(process), address: settings.operationsAddress, process: process)
            let server = ServerAssembly.server(
                name: "stripe", router: sandbox.router(), address: settings.address, process: process,
                handlers: SandboxService.handlers, onListening: { _ in isUp.close() })
            // The first `listening` line of the log is the API's.
            try await process.run(sandbox.services() + [StartLater(operations, after: isUp), server])
        }
    }
}
