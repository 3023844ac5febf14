import BusCore

/// Why a call to one of our own APIs failed.
package enum APIFault: Error, Sendable {
    /// It answered with an error.
    case refused(Refusal)
    /// It was not reached, or closed the connection; the text is for operators.
    case unreachable(reason: String)
    /// It did not answer within the time allowed.
    case late
    /// Our own key cannot be sent.
    case unusableKey
    /// It accepted the call, but its answer cannot be read.
    case unreadable

    /// An error body, `{"error":{…}}`.
    package struct Refusal: Hashable, Sendable {
        /// The HTTP status.
        package let status: Int
        /// The contract's word; `http_<status>` when the body has none.
        package let type: String
        /// Redacted.
        package let message: String
        /// The command that does it, `bus billing setup`.
        package let command: String?

        /// Reads a body, which may be anything.
        init(status: Int, body: [UInt8]) {
            let error = (try? JSONValue(parsing: body))?["error"]
            func text(_ name: String) -> String? { error?[name]?.text.map(Redaction.redact) }
            self.status = status
            type = text("type") ?? "http_\(status)"
            message = text("message") ?? "no reason given"
            command = text("command")
        }
    }
}
