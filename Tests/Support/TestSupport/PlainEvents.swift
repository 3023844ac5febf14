import BusContract
import BusCore
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An Events API as the published contract has it: a front that takes every addition of ours away from the real server
/// behind it.
///
/// Keys of a publish and unknown query items are ignored, unknown paths are not there, and names that the published
/// contract lacks are refused.
package final class PlainEvents: Sendable {
    /// What was asked for that such a server does not have.
    package struct Unknown: Sendable {
        /// Paths that are not there, as `POST batch`.
        package var paths: [String] = []
        /// Names that were published or listened to and refused.
        package var names: [String] = []
        /// Query items of streams that were ignored, as `ack=manual`.
        package var items: [String] = []
    }

    enum Step {
        case pass(HTTPRequestHead)
        case answer(HTTPResponseStatus, type: String, body: String)
    }

    private static let collection = "/api/v1/events"
    /// The protected names of the published contract.
    private static let names = Set(
        [
            "bus.billing.status", "bus.billing.checkout_session", "bus.billing.portal_session",
            "bus.billing.entitlement.check", "bus.billing.usage.export", "bus.stripe.checkout_session.create",
            "bus.stripe.portal_session.create", "bus.stripe.webhook.verify", "bus.stripe.meter_event.record",
        ].flatMap { ["\($0).request", "\($0).response"] }
            + ["bus.billing.subscription.update", "bus.billing.subscription.result"])
    private static let streamItems: Set = ["name", "delivery", "group", "consumer", "replay", "follow"]

    /// Where the real server listens.
    let server: SocketAddress
    private let asked = Mutex(Unknown())

    /// What the programs asked for so far that this server does not have.
    package var unknown: Unknown { asked.withLock { $0 } }

    private init(server: SocketAddress) {
        self.server = server
    }

    /// Serves at `address` before the real server at `server`, both `host:port`, for as long as `body` runs.
    package static func run<Value: Sendable>(
        at address: String, before server: String, _ body: (PlainEvents) async throws -> Value
    ) async throws -> Value {
        let front = PlainEvents(server: try socketAddress(server))
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline(withErrorHandling: true)
                    try channel.pipeline.syncOperations.addHandler(PlainEventsHandler(front))
                }
            }
            .bind(to: try socketAddress(address)).get()
        let result = await Result { try await body(front) }
        try await channel.close()
        return try result.get()
    }

    private static func socketAddress(_ text: String) throws -> SocketAddress {
        let parts = text.split(separator: ":")
        return try SocketAddress(
            ipAddress: parts.first.map(String.init) ?? "", port: parts.last.flatMap { Int($0) } ?? 0)
    }

    /// What becomes of one call.
    func step(_ head: HTTPRequestHead, _ body: ByteBuffer) -> Step {
        let parts = head.uri.split(separator: "?", maxSplits: 1)
        let path = parts.first.map(String.init) ?? ""
        var head = head
        switch (head.method, path) {
        case (.GET, Self.collection + "/capabilities"):
            return .answer(.ok, type: "application/json", body: Self.capabilities)
        case (.POST, Self.collection):
            head.headers.remove(name: "Idempotency-Key")
            let event = try? JSONValue(parsing: Array(body.readableBytesView))
            return refusal(of: [event?["name"]?.text ?? ""]) ?? .pass(head)
        case (.GET, Self.collection + "/stream"):
            let pairs = StripeFormReader.pairs(parts.count > 1 ? String(parts[1]) : "")
            let known = pairs.filter { Self.streamItems.contains($0[0]) }
            let ignored = pairs.filter { !Self.streamItems.contains($0[0]) }.map { "\($0[0])=\($0[1])" }
            asked.withLock { $0.items += ignored }
            head.uri = path + "?" + known.map { "\($0[0])=\($0[1])" }.joined(separator: "&")
            return refusal(of: known.filter { $0[0] == "name" }.map { $0[1] }) ?? .pass(head)
        default:
            let name = path.split(separator: "/").dropFirst(3).joined(separator: "/")
            asked.withLock { $0.paths.append("\(head.method) \(name)") }
            return .answer(.notFound, type: "text/plain", body: "404 page not found\n")
        }
    }

    private func refusal(of names: [String]) -> Step? {
        let unknown = names.filter {
            ($0.hasPrefix("bus.billing.") || $0.hasPrefix("bus.stripe.")) && !Self.names.contains($0)
        }
        if unknown.isEmpty { return nil }
        asked.withLock { $0.names += unknown }
        return .answer(
            .forbidden, type: "application/json",
            body: #"{"error":{"type":"insufficient_scope","message":"the token lacks a scope"}}"#)
    }

    private static let capabilities: String = {
        let rows = AccessPolicy.knownNames.filter { names.contains($0.text) }.map { name -> JSONValue in
            let scope = JSONValue.string(AccessPolicy.scope(for: name, to: .send).rawValue)
            return ["name": .string(name.text), "send_scope": scope, "listen_scope": scope]
        }
        return String(decoding: JSONValue.object(["capabilities": .array(rows)]).serialized(), as: UTF8.self)
    }()
}
