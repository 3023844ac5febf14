import Glibc

/// The service manager that started this process, by systemd's protocol: one datagram for each message.
package struct Supervisor: Equatable, Sendable {
    /// Path of the socket; a leading NUL names one outside the file system.
    let socketPath: [UInt8]
    /// Without a sign of life for so long the process is killed and started again; nil when nobody watches.
    package let watchdog: Duration?

    /// What the process says of itself.
    package enum Message: String, Sendable {
        /// All listeners are up.
        case ready = "READY=1"
        /// A stop has begun.
        case stopping = "STOPPING=1"
        /// The process still does its work.
        case alive = "WATCHDOG=1"
    }

    /// Reads `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`; nil when nobody listens.
    package init?(_ variable: (String) -> String?, processID: Int32 = getpid()) {
        guard let socket = variable("NOTIFY_SOCKET"), socket.utf8.count > 1 else { return nil }
        var path = Array(socket.utf8)
        switch path[0] {
        case UInt8(ascii: "/"): break
        case UInt8(ascii: "@"): path[0] = 0
        default: return nil
        }
        guard path.count <= MemoryLayout.size(ofValue: sockaddr_un().sun_path) else { return nil }
        socketPath = path
        let isOurs = variable("WATCHDOG_PID").map { $0 == String(processID) } ?? true
        let interval = variable("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
        watchdog = isOurs && interval > 0 ? .microseconds(interval) : nil
    }

    /// Sends a message; false when it could not be delivered.
    package func tell(_ message: Message) -> Bool {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + socketPath.count)
        let text = Array(message.rawValue.utf8)
        return withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, text, text.count, Int32(MSG_NOSIGNAL), $0, length) == text.count
            }
        }
    }
}
