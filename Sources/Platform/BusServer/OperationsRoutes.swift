import BusCore
import BusRuntime
import HTTPTypes
import Hummingbird
import HummingbirdCore
import NIOCore

/// `/livez`, `/readyz` and `/metrics`, for the people and machines that run a service.
package struct OperationsRoutes: Sendable {
    private let process: ServiceProcess

    /// Routes that show the state of `process`.
    package init(_ process: ServiceProcess) {
        self.process = process
    }

    /// A router with all of them.
    package func router() -> Router<BusRequestContext> {
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: ErrorResponses(logger: process.logger))
        addHealth(to: router)
        router.resource("/metrics", [.get: metrics])
        return router
    }

    /// `/livez`, `/healthz` and `/readyz`, which APIs repeat on their own port.
    package func addHealth(to router: some RouterMethods<BusRequestContext>) {
        router.resource("/livez", [.get: alive])
        router.resource("/healthz", [.get: alive])
        router.resource("/readyz", [.get: ready])
    }

    @Sendable private func alive(_: Request, _: BusRequestContext) -> Response {
        Response(json: Array(#"{"ok":true}"#.utf8))
    }

    @Sendable private func ready(_: Request, _: BusRequestContext) throws -> Response {
        let missing = process.readiness.missing
        guard missing.isEmpty else {
            throw BusError(.notReady, "not ready: \(missing.joined(separator: ", ")); try again")
        }
        return Response(json: Array(#"{"ok":true}"#.utf8))
    }

    @Sendable private func metrics(_: Request, _: BusRequestContext) -> Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: process.metrics.exposition())))
    }
}
