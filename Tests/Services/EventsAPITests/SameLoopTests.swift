import BusRuntime
import BusServer
import Hummingbird
import Logging
import NIOPosix
import ServiceLifecycle
import TestSupport
import Testing

/// Which threads answer requests.
@Suite(.timeLimit(.minutes(1))) struct SameLoopTests {
    @Test("a request is answered on an event loop, also after it has waited for another thread")
    func answersOnALoop() async throws {
        let router = Router(context: BusRequestContext.self)
        router.get("/threads") { _, _ in
            let before = MultiThreadedEventLoopGroup.currentEventLoop
            await withCheckedContinuation { continuation in
                NIOThreadPool.singleton.submit { _ in continuation.resume() }
            }
            let after = MultiThreadedEventLoopGroup.currentEventLoop
            return "\(before != nil && before === after)"
        }
        try await serve(router) { client in
            let answer = try await client.get("/threads")
            #expect(answer.text == "true")
        }
    }

    private func serve(
        _ router: Router<BusRequestContext>, _ body: (LoopbackClient) async throws -> Void
    ) async throws {
        let process = ServiceProcess(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let address = try #require(ListenAddress("127.0.0.1:0"))
        let (ports, up) = AsyncStream.makeStream(of: Int.self)
        let server = ServerAssembly.server(
            name: "test", router: router, address: address, process: process, onListening: { up.yield($0) })
        let services = ServiceGroup(services: [server], logger: process.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { up.finish() }
                try await services.run()
            }
            let port = try #require(await ports.first { _ in true })
            try await body(LoopbackClient("127.0.0.1:\(port)"))
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }
}
