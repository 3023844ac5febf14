import BusCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A Stripe on loopback that fails as told and keeps idempotency keys as Stripe does, so that tests can count what
/// really came to be.
package final class StripeDouble: Sendable {
    /// What goes wrong with one request; the next request takes the next fault.
    package enum Fault: Sendable {
        /// Answers with this instead of working.
        case status(Int, headers: [String: String] = [:], body: String = #"{"error":{"type":"api_error"}}"#)
        /// Does not work, and answers so for ever under this key.
        case storedStatus(Int)
        /// Closes the connection without working.
        case resetBeforeCommit
        /// Works, keeps the result under the key, and closes the connection.
        case resetAfterCommit
        /// Works and sends half of the answer.
        case truncatedJSON
        /// Works and sends an answer that is JSON, but not the object asked for.
        case otherJSON
        /// Never answers.
        case silence
        /// Works and sends the head, but never the body.
        case silentBody
    }

    /// One request as it arrived.
    package struct Request: Sendable, Hashable {
        package let method: String
        package let path: String
        package let query: String
        package let headers: [String: String]
        package let body: String
    }

    private let world: StripeWorldBox
    private let channel: any Channel

    /// `http://127.0.0.1:<port>`.
    package var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    /// Everything that arrived, in order.
    package var requests: [Request] { world.state.withLock { $0.requests } }
    /// What the double knows now.
    package var snapshot: StripeWorld { world.state.withLock { $0 } }
    /// Sessions that came to be.
    package var sessionCount: Int { world.state.withLock { $0.sessionCount } }
    /// Usage that came to be: quantity by identifier.
    package var meterEvents: [String: String] { world.state.withLock { $0.meterEvents } }
    /// Most meter calls that were in flight at once.
    package var meterConcurrencyMax: Int { world.state.withLock { $0.meterConcurrencyMax } }

    /// Changes what the double knows.
    package func set(_ change: @Sendable (inout StripeWorld) -> Void) {
        world.state.withLock { change(&$0) }
    }

    /// Starts a double, gives it to `body`, and stops it.
    package static func run<Value: Sendable>(
        faults: [Fault] = [], _ body: (StripeDouble) async throws -> Value
    ) async throws -> Value {
        let double = try await StripeDouble(faults)
        do {
            let value = try await body(double)
            try await double.channel.close()
            return value
        } catch {
            try await double.channel.close()
            throw error
        }
    }

    private init(_ faults: [Fault]) async throws {
        let world = StripeWorldBox(faults)
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(StripeDoubleHandler(world))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.world = world
    }
}
