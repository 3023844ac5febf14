import BusRuntime
import BusServer
import Glibc

/// A port for `--addr host:0`: the services must know their own address before they listen.
enum FreePort {
    /// Below the ports that the system gives to outgoing connections, one of which could take ours before we listen.
    private static let range = 10_000..<20_000
    private static let triesMax = 100

    /// An address whose port was free a moment ago.
    static func address(on host: String) throws -> ListenAddress {
        for _ in 0..<triesMax {
            let port = Int.random(in: range)
            if isFree(port), let found = ListenAddress("\(host):\(port)") { return found }
        }
        throw ProcessFailure(exitCode: 1, "no free port was found; pass --addr with a port")
    }

    private static func isFree(_ port: Int) -> Bool {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(UInt16(port).bigEndian)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
