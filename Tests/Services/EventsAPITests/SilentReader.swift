import Glibc
import Synchronization
import TestSupport
import Testing

/// A stream client that reads only when it is told, and may vanish.
final class SilentReader: Sendable {
    private let socket: Int32
    private let isClosed = Mutex(false)

    /// Asks for a path, with little room for what arrives.
    init(port: Int, path: String, token: String) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var room: Int32 = 64 << 10
        setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { [socket] in
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(connected == 0)
        let request = Array("GET \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n\r\n".utf8)
        let sent = send(socket, request, request.count, Int32(MSG_NOSIGNAL))
        try #require(sent == request.count)
    }

    /// What has arrived; nil at the end of the stream.
    func read() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        let count = recv(socket, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        if count == 0 { return nil }
        return count < 0 ? [] : Array(bytes[..<count])
    }

    /// Reads to the end, or until `isEnough`.
    func text(until isEnough: ((String) -> Bool)? = nil) async throws -> String {
        var bytes: [UInt8] = []
        try await eventually("the stream says enough") {
            while let more = read() {
                if more.isEmpty { return isEnough?(String(decoding: bytes, as: UTF8.self)) == true ? true : nil }
                bytes += more
            }
            return true
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Breaks the connection off, as a killed process does.
    func vanish() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isFirst { close(socket) }
    }

    deinit { vanish() }
}
