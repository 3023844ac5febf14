import AsyncHTTPClient
import BusCore
import BusRuntime
import BusServer
import Logging
import ServiceLifecycle
import StripeSandbox
import Synchronization
import TestSupport

/// The offline Stripe on a loopback port, behind a front that notes what arrives and breaks the wire as told.
///
/// Its clock stands until a test moves it.
package struct LoopbackStripe: Sendable {
    private let front: LoopbackServer
    private let gate: StripeGate
    private let service: SandboxService
    /// Speaks to it past the front: nothing is noted, and nothing breaks.
    package let hand: LoopbackClient

    /// What goes wrong with one request.
    package typealias Fault = LoopbackServer.Fault
    /// One request as it arrived.
    package typealias Request = LoopbackServer.Request

    /// `http://127.0.0.1:<port>`, of the front.
    package var url: String { front.url }
    /// Everything that arrived, in order, but for the walks.
    package var requests: [Request] { front.requests }
    /// The pages that were read of the list of events.
    ///
    /// A worker reads them when it likes, so they take no fault of the front.
    package var walks: [Request] { front.passed }
    /// Most requests of a path that were under way at once.
    package func openMax(_ path: String) -> Int { front.openMax(path) }
    /// How often a POST to a path did its work; a kept answer that is said again does not count, nor does the hand.
    package func made(_ path: String) -> Int { gate.made.withLock { $0[path] ?? 0 } }

    /// Faults to come, first first.
    package var faults: [Fault] {
        get { front.faults }
        nonmutating set { front.faults = newValue }
    }

    /// Faults of single requests, by how many requests came before.
    package var faultsAt: [Int: Fault] {
        get { front.faultsAt }
        nonmutating set { front.faultsAt = newValue }
    }

    /// It takes live keys only, and says that everything is live; nothing changes for the hand.
    package var isLive: Bool {
        get { gate.isLive.withLock { $0 } }
        nonmutating set { gate.isLive.withLock { $0 = newValue } }
    }

    /// Moves the clock.
    package func advance(bySeconds seconds: Int64) { _ = service.advance(bySeconds: seconds) }

    // MARK: Running

    /// The time at the start.
    package static let start = "2026-08-01T16:10:05Z"

    /// Starts an empty Stripe, gives it to `body`, and stops it.
    package static func run<Value: Sendable>(
        faults: [Fault] = [], start: String = start, _ body: (LoopbackStripe) async throws -> Value
    ) async throws -> Value {
        var reader = SettingsReader(environment: [
            "BUS_STRIPE_SANDBOX_ADDR": "127.0.0.1:0", "BUS_STRIPE_SANDBOX_START": start,
        ])
        let settings = SandboxSettings(&reader)
        try reader.check()
        let process = ServiceProcess(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        return try await HTTPClient.withHTTPClient(configuration: SandboxService.configuration) { http in
            let service = SandboxService(settings, http: http, process: process)
            let (ports, up) = AsyncStream.makeStream(of: Int.self)
            let listener = ServerAssembly.server(
                name: "stripe", router: service.router(), address: settings.address, process: process,
                handlers: SandboxService.handlers, onListening: { up.yield($0) })
            let services = ServiceGroup(services: service.services() + [listener], logger: process.logger)
            return try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    defer { up.finish() }
                    try await services.run()
                }
                let result = await Result {
                    guard let port = await ports.first(where: { _ in true }) else {
                        throw UnexpectedAnswer("the offline Stripe does not start")
                    }
                    let hand = LoopbackClient("127.0.0.1:\(port)")
                    let gate = StripeGate(url: hand.base, service: service)
                    return try await LoopbackServer.run(
                        faults: faults, before: gate.answer,
                        passes: { $0.method == "GET" && $0.path == "/v1/events" }
                    ) { front in
                        try await body(LoopbackStripe(front: front, gate: gate, service: service, hand: hand))
                    }
                }
                // A server that is cancelled in the middle of an accept would end the process.
                await services.triggerGracefulShutdown()
                try await group.waitForAll()
                return try result.get()
            }
        }
    }
}
