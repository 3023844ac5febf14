/// A value that must not be seen: printing, logging, interpolating or reflecting it shows `[redacted]`.
package struct Secret: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let bytes: [UInt8]

    /// Takes a secret as it is.
    package init(_ value: String) {
        bytes = Array(value.utf8)
    }

    /// Takes a secret that need not be text.
    package init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The value as text; `make lint` keeps the list of files that may call this.
    package func reveal() -> String { String(decoding: bytes, as: UTF8.self) }

    /// The value's bytes, under the same rule.
    package func revealBytes() -> [UInt8] { bytes }

    /// Always `[redacted]`.
    package var description: String { "[redacted]" }
    /// Always `[redacted]`.
    package var debugDescription: String { "[redacted]" }
    /// Shows nothing of the value.
    package var customMirror: Mirror { Mirror(self, children: []) }
}
