import BusRuntime
import BusServer
import Glibc

/// A port for `--addr host:0`: the services must know their own address before they listen.
enum FreePort {
    /// An address whose port was free a moment ago.
    static func address(on host: String) throws -> ListenAddress {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        guard isBound, let found = ListenAddress("\(host):\(UInt16(bigEndian: address.sin_port))") else {
            throw ProcessFailure(exitCode: 1, "no free port was found; pass --addr with a port")
        }
        return found
    }
}
