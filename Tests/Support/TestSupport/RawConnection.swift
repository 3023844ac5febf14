import NIOCore
import NIOPosix
import Synchronization

/// A TCP connection that sends exactly the bytes it is told, for callers that do not speak HTTP as they should.
package struct RawConnection: Sendable {
    private let channel: any Channel
    private let received: Received

    /// Connects to `host:port`.
    ///
    /// - Parameter reads: False for a peer that reads nothing before `readOn()`, and whose system keeps little for it.
    package static func open(_ address: String, reads: Bool = true) async throws -> RawConnection {
        let parts = address.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]) else { throw NeverHappened(what: "\(address) is an address") }
        let received = Received()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(30))
            .channelOption(.autoRead, value: reads)
            .channelOption(.socketOption(.so_rcvbuf), value: reads ? 1 << 17 : 1 << 12)
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

    /// Sends pieces one by one, each in a call of its own; fails when the peer has closed.
    ///
    /// Nothing is waited for between them: beside other tests that could take longer than the peer allows.
    package func send(pieces: [[UInt8]]) async throws {
        for piece in pieces.dropLast() { channel.writeAndFlush(ByteBuffer(bytes: piece), promise: nil) }
        if let last = pieces.last { try await send(last) }
    }

    /// Begins to read what the peer sends.
    package func readOn() async throws {
        try await channel.setOption(.autoRead, value: true).get()
    }

    /// The first 64 KiB of what the peer has sent so far.
    package var text: String { received.text }

    /// The bytes that the peer has sent so far.
    package var count: Int { received.count }

    /// True when the connection is gone.
    package var isClosed: Bool { !channel.isActive }

    /// Closes it; it may be closed already.
    package func close() async {
        try? await channel.close()
    }
}

/// Keeps the first bytes that arrive, and counts all.
private final class Received: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let state = Mutex<(bytes: [UInt8], count: Int)>(([], 0))

    var text: String { String(decoding: state.withLock { $0.bytes }, as: UTF8.self) }
    var count: Int { state.withLock { $0.count } }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        state.withLock { state in
            state.count += buffer.readableBytes
            if state.bytes.count < 1 << 16 { state.bytes += buffer.readableBytesView }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
