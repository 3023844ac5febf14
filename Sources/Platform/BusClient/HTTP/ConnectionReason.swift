import AsyncHTTPClient
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
        case let error as HTTPClientError where error.isTimeout: "no answer in time"
        default: Redaction.redact("\(error)")
        }
    }
}

extension HTTPClientError {
    /// True when time ran out at any stage of a call.
    var isTimeout: Bool {
        switch self {
        case .deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout, .tlsHandshakeTimeout,
            .getConnectionFromPoolTimeout:
            true
        default: false
        }
    }
}
