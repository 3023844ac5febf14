import Glibc
import Synchronization

/// Ports for servers that must come back on the same one.
package enum FreePort {
    /// Tests run side by side, and a port that one has asked for is free until its server is up.
    private static let handedOut = Mutex<Set<Int>>([])

    /// A loopback port nobody listens on, outside the range that the system hands out for outgoing connections.
    package static func next() throws -> Int {
        for _ in 0..<1_000 {
            let port = Int.random(in: 20_000..<32_000)
            if isFree(port), handedOut.withLock({ $0.insert(port).inserted }) { return port }
        }
        throw NeverHappened(what: "a port is free")
    }

    private static func isFree(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
