/// An error as it leaves a boundary: a code, a text that is safe to show, and a cause that is only logged.
package struct BusError: Error {
    /// What happened, in the contract's words.
    package let code: ErrorCode
    /// Lower-case fact, then the remedy; never a secret.
    package let message: String
    /// What was caught; logged, never sent.
    package let cause: (any Error)?
    /// The `type` in the body: the code, or the code of the worker whose answer this passes on.
    package let type: String
    /// The command that helps, `bus billing setup`.
    package let command: String?
    /// True when the same request with the same idempotency key may succeed later.
    package let isRetryable: Bool

    /// An error with a message a caller can act on; whether asking again helps follows from the code unless said.
    package init(
        _ code: ErrorCode, _ message: String, cause: (any Error)? = nil, type: String? = nil, command: String? = nil,
        isRetryable: Bool? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.type = type ?? code.rawValue
        self.command = command
        self.isRetryable = isRetryable ?? code.isRetryable
    }
}
