import BusCore
import BusRuntime
import Hummingbird
import HummingbirdCore
import Logging

/// What travels with a request through the server.
package struct BusRequestContext: RequestContext {
    /// Hummingbird's part.
    package var coreContext: CoreRequestContextStorage
    /// Names this request in the log and in an error body.
    package let requestID: String
    /// No connection stands behind it.
    package let isFromOwnProcess: Bool

    /// A context for a request that just arrived.
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        requestID = BusRequestContext.newID()
        isFromOwnProcess = false
    }

    /// A context for a call from within this process.
    package init(logger: Logger) {
        coreContext = .init(source: OwnSource(logger: logger))
        requestID = BusRequestContext.newID()
        isFromOwnProcess = true
    }

    private struct OwnSource: RequestContextSource {
        let logger: Logger
    }

    /// A new `req_…`.
    static func newID() -> String { "req_" + String(IDNumbers().next(), radix: 36) }
}
