import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SandboxWorld
import StripeSandbox
import Synchronization
import TestSupport

/// Hands requests on to an offline Stripe.
final class StripeGate: Sendable {
    /// Live and test keys change places on the way there, and answers say live: an offline Stripe refuses live keys.
    let isLive = Mutex(false)
    /// Calls that made or changed something, by path.
    let made = Mutex<[String: Int]>([:])
    private let url: String
    private let service: SandboxService
    /// One dial after the other, though many requests meet a fault.
    private let dialing = Mutex(())

    /// As many connections as a test can want; it lives as long as the tests.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 256
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }()
    private static let lengths: Set = ["content-length", "transfer-encoding", "connection"]

    init(url: String, service: SandboxService) {
        self.url = url
        self.service = service
    }

    /// The answer to a request.
    @Sendable func answer(
        _ request: LoopbackServer.Request, _ fault: LoopbackServer.Fault?, _ loop: any EventLoop
    ) -> EventLoopFuture<LoopbackServer.Answer> {
        if case .keptFailure? = fault { dialFailure(of: request) }
        let isLive = isLive.withLock { $0 }
        do {
            var headers = HTTPHeaders()
            for (name, value) in request.headers where !StripeGate.lengths.contains(name) {
                headers.add(name: name, value: isLive && name == "authorization" ? StripeGate.swapped(value) : value)
            }
            let call = try HTTPClient.Request(
                url: url + request.path + (request.query.isEmpty ? "" : "?\(request.query)"),
                method: HTTPMethod(rawValue: request.method), headers: headers, body: .string(request.body))
            return StripeGate.http.execute(request: call, eventLoop: .delegateAndChannel(on: loop)).map {
                [self] response in
                let isKept = response.headers.contains(name: "Idempotent-Replayed")
                if call.method == .POST, response.status == .ok, !isKept {
                    made.withLock { $0[request.path, default: 0] += 1 }
                }
                let body = response.body.map { String(buffer: $0) } ?? ""
                return LoopbackServer.Answer(
                    status: Int(response.status.code),
                    headers: Dictionary(
                        response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 }
                    ).filter { !StripeGate.lengths.contains($0.key) },
                    body: isLive ? body.replacing(#""livemode": false"#, with: #""livemode": true"#) : body)
            }
        } catch {
            return loop.makeFailedFuture(error)
        }
    }

    private func dialFailure(of request: LoopbackServer.Request) {
        dialing.withLock { _ in
            service.dials.calls.insert(.init(.stickyFailure, path: request.path, remaining: 1), at: 0)
        }
    }

    private static func swapped(_ key: String) -> String {
        key.contains("_live_") ? key.replacing("_live_", with: "_test_") : key.replacing("_test_", with: "_live_")
    }
}
