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
        configuration.http1_1ConnectionDebugInitializer = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(FlushOnce(), position: .first)
            }
        }
        return configuration
    }
}

/// Sends what is flushed in one turn of the event loop together.
///
/// The library flushes a request's head, body and end one by one. Each costs a system call here, and wakes the server.
private final class FlushOnce: ChannelOutboundHandler {
    typealias OutboundIn = NIOAny

    private var isDue = false

    func flush(context: ChannelHandlerContext) {
        if isDue { return }
        isDue = true
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.isDue = false
            context.flush()
        }
    }
}
