import AsyncHTTPClient
import BusCore
import NIOCore

extension EventsClient {
    /// One shared keep-alive client, with room for every stream beside calls.
    package static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(Int64(Limits.eventsConnectSeconds))))
        configuration.connectionPool.retryConnectionEstablishment = false
        // Shorter than our servers' own idle time, so that no call is sent into a connection that is just being closed.
        configuration.connectionPool.idleTimeout = .seconds(Int64(Limits.connectionIdleSeconds - 10))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Limits.workerStreamsMax * 2
        configuration.httpVersion = .http1Only
        return configuration
    }
}
