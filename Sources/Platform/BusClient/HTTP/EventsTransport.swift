import AsyncHTTPClient
import Logging
import NIOCore
import ServiceLifecycle

/// How calls reach an Events API: over the network, or straight to the one in this process.
package protocol EventsTransport: Sendable {
    /// Makes a call whose answer ends; the head comes within `timeout`.
    func answer(
        to request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger
    ) async throws -> HTTPClientResponse

    /// Opens a stream and reads it; it ends when `read` returns.
    ///
    /// The head comes within `timeout`; a graceful shutdown ends the wait for it.
    func stream<Value>(
        _ request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger,
        _ read: (HTTPClientResponse) async throws -> Value
    ) async throws -> Value
}

extension HTTPClient: EventsTransport {
    package func answer(
        to request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger
    ) async throws -> HTTPClientResponse {
        try await execute(request, timeout: timeout, logger: logger)
    }

    package func stream<Value>(
        _ request: HTTPClientRequest, within timeout: TimeAmount, logger: Logger,
        _ read: (HTTPClientResponse) async throws -> Value
    ) async throws -> Value {
        // The library's deadline ends at the head, so the stream itself is not bounded.
        try await read(
            try await cancelWhenGracefulShutdown { try await self.execute(request, timeout: timeout, logger: logger) })
    }
}
