import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore

/// `/livez`, `/readyz` and `/metrics`, for the people and machines that run a service.
package struct OperationsRoutes: Sendable {
    private let readiness: Readiness
    private let metrics: PrometheusRegistry
    private let logger: Logger
    private let refresh: @Sendable () async -> Void

    /// Routes that show the state of `process`; `refresh` runs before anybody looks at it.
    package init(_ process: ServiceProcess, refreshing refresh: @escaping @Sendable () async -> Void = {}) {
        self.init(
            readiness: process.readiness, metrics: process.metrics, logger: process.logger, refreshing: refresh)
    }

    /// The same for the parts of a process.
    package init(
        readiness: Readiness, metrics: PrometheusRegistry, logger: Logger,
        refreshing refresh: @escaping @Sendable () async -> Void = {}
    ) {
        self.readiness = readiness
        self.metrics = metrics
        self.logger = logger
        self.refresh = refresh
    }

    /// A router with all of them.
    package func router() -> Router<BusRequestContext> {
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: ErrorResponses(logger: logger))
        addHealth(to: router)
        router.resource("/metrics", [.get: showMetrics])
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

    @Sendable private func ready(_: Request, _: BusRequestContext) async throws -> Response {
        await refresh()
        let missing = readiness.missing
        guard missing.isEmpty else {
            throw BusError(.notReady, "not ready: \(missing.joined(separator: ", ")); try again")
        }
        return Response(json: Array(#"{"ok":true}"#.utf8))
    }

    @Sendable private func showMetrics(_: Request, _: BusRequestContext) async -> Response {
        await refresh()
        Gauge(label: "bus_ready").record(readiness.missing.isEmpty ? 1 : 0)
        return Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: metrics.exposition())))
    }
}
