import BusCore
import BusRuntime
import CoreMetrics
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging

/// Counts and times every request by route and status, logs one line for each at debug level, and makes it a hop of its
/// caller's trace.
package struct RequestObserver: RouterMiddleware {
    private let logger: Logger

    /// An observer that logs to `logger`.
    package init(logger: Logger) {
        self.logger = logger
    }

    /// Measures `next` until its head is ready; a stream's body lives on.
    package func handle(
        _ request: Request, context: BusRequestContext,
        next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        try await Trace.$current.withValue(Trace.hop(after: TraceContext(request.headers))) {
            try await observe(request, context, next)
        }
    }

    private func observe(
        _ request: Request, _ context: BusRequestContext,
        _ next: @concurrent (Request, BusRequestContext) async throws -> Response
    ) async throws -> Response {
        let start = ContinuousClock.now
        let response = try await next(request, context)
        let elapsed = ContinuousClock.now - start
        let route = context.endpointPath ?? "none"
        let dimensions = [("route", route), ("status", "\(response.status.code)")]
        Counter(label: "bus_http_requests_total", dimensions: dimensions).increment()
        CoreMetrics.Timer(label: "bus_http_request_seconds", dimensions: [("route", route)])
            .recordNanoseconds(elapsed.wholeNanoseconds)
        logger.debug(
            "request",
            metadata: [
                "request.id": "\(context.requestID)", "http.route": "\(route)",
                "http.status": "\(response.status.code)", "duration_ms": "\(elapsed.inSeconds * 1000)",
            ])
        return response
    }
}

extension TraceContext {
    /// Reads the trace of a request; nil unless the headers hold a valid one.
    fileprivate init?(_ headers: HTTPFields) {
        guard let parent = HTTPField.Name("traceparent"), let state = HTTPField.Name("tracestate") else { return nil }
        self.init(traceparents: headers[values: parent], tracestates: headers[values: state])
    }
}
