import BusCore
import Glibc
import NIOCore
import NIOPosix

/// Why a server was not reached, in words for people.
enum ConnectionReason {
    /// `connection refused`, `the host name x is unknown`; of other errors their own text, redacted.
    static func text(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode)).lowercased()
        case let error as NIOConnectionError where error.connectionErrors.isEmpty:
            "the host name \(error.host) is unknown"
        case let error as NIOConnectionError: error.connectionErrors.first.map { text($0.error) } ?? "no connection"
        default: Redaction.redact("\(error)")
        }
    }
}
