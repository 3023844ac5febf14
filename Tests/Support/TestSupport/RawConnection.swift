import NIOCore
import NIOPosix
import Synchronization

/// A TCP connection that sends exactly the bytes it is told, for callers that do not speak HTTP as they should.
package struct RawConnection: Sendable {
    private let channel: any Channel
    private let received: Received

    /// Connects to `host:port`.
    package static func open(_ address: String) async throws -> RawConnection {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw NeverHappened(what: "\(address) is an address") }
        let received = Received()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(30))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(received) }
            }
            .connect(host: String(parts[0]), port: port).get()
        return RawConnection(channel: channel, received: received)
    }

    /// Sends bytes; fails when the peer has closed.
    package func send(_ bytes: some Sequence<UInt8>) async throws {
        try await channel.writeAndFlush(ByteBuffer(bytes: bytes))
    }

    /// What the peer has sent so far.
    package var text: String { received.text }

    /// True when the connection is gone.
    package var isClosed: Bool { !channel.isActive }

    /// Closes it; it may be closed already.
    package func close() async {
        try? await channel.close()
    }
}

/// Keeps the first bytes that arrive.
private final class Received: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let bytes = Mutex<[UInt8]>([])

    var text: String { String(decoding: bytes.withLock { $0 }, as: UTF8.self) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        bytes.withLock { bytes in
            if bytes.count < 1 << 16 { bytes += buffer.readableBytesView }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
