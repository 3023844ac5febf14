import BusCore
import BusRuntime
import BusServer
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization

/// Listens for webhooks; on shutdown it stops accepting, lets requests under way be answered, and then ends.
struct WebhookServer: Service {
    private let address: ListenAddress
    private let receiver: WebhookReceiver
    private let process: ServiceProcess
    private let isRequired: Bool

    private static let name = "webhooks"

    /// A server whose address may be taken when webhooks also arrive elsewhere: then it is not required.
    init(address: ListenAddress, receiver: WebhookReceiver, process: ServiceProcess, isRequired: Bool = true) {
        self.address = address
        self.receiver = receiver
        self.process = process
        self.isRequired = isRequired
        if isRequired { process.expectListening(name: WebhookServer.name) }
    }

    func run() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let quiescing = ServerQuiescingHelper(group: group)
        let server: any Channel
        do { server = try await bind(group, quiescing) } catch {
            if isRequired { throw error }
            process.logger.warning("\(error)")
            return try await gracefulShutdown()
        }
        process.announceListening(
            name: WebhookServer.name, host: address.host, port: server.localAddress?.port ?? address.port)
        let drained = group.any().makePromise(of: Void.self)
        await withGracefulShutdownHandler {
            // A cancelled process does not wait for its peers.
            await withTaskCancellationHandler {
                // Closing is the only way this ends, and it cannot fail in a way that matters.
                try? await server.closeFuture.get()
            } onCancel: {
                server.close(promise: nil)
            }
        } onGracefulShutdown: {
            quiescing.initiateShutdown(promise: drained)
        }
        if Task.isShuttingDownGracefully { try await drained.futureResult.get() } else { drained.succeed() }
    }

    private func bind(
        _ group: MultiThreadedEventLoopGroup, _ quiescing: ServerQuiescingHelper
    ) async throws -> any Channel {
        let receiver = receiver
        let readiness = process.readiness
        let open = OpenConnections(countMax: Limits.connectionsOpenMax)
        let budget = BodyBudget(bytesMax: Limits.webhookBodiesBytesMax)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(quiescing.makeServerChannelHandler(channel: channel))
                }
            }
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                guard open.add() else { return channel.close() }
                channel.closeFuture.whenComplete { _ in open.remove() }
                return channel.eventLoop.makeCompletedFuture {
                    try WebhookServer.configure(
                        channel, WebhookIngress(receiver: receiver, readiness: readiness, budget: budget))
                }
            }
        do {
            return try await bootstrap.bind(host: address.host, port: address.port).get()
        } catch {
            throw ProcessFailure(
                exitCode: 1,
                "cannot listen for webhooks on \(address): \(error); set BUS_STRIPE_WEBHOOK_ADDR to another address, or "
                    + "stop what listens there")
        }
    }
}

extension WebhookServer {
    /// Puts HTTP's grammar before the ingress; call it on the channel's event loop.
    static func configure(_ channel: any Channel, _ ingress: WebhookIngress) throws {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = Limits.requestHeadBytesMax
        limits.maxHeaderListSize = Limits.requestHeadBytesMax
        limits.maxHeaderFieldCount = Limits.requestHeaderLinesMax
        try channel.pipeline.syncOperations.addHandlers([
            ByteToMessageHandler(HTTPRequestDecoder(limitConfiguration: limits)), ingress,
        ])
    }
}

/// Counts connections and turns away those beyond the bound.
private final class OpenConnections: Sendable {
    private let count = Atomic(0)
    private let countMax: Int

    init(countMax: Int) {
        self.countMax = countMax
    }

    func add() -> Bool {
        if count.wrappingAdd(1, ordering: .relaxed).newValue <= countMax { return true }
        remove()
        return false
    }

    func remove() {
        count.wrappingSubtract(1, ordering: .relaxed)
    }
}
