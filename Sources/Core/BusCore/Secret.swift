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

    /// True when there is nothing to keep.
    package var isEmpty: Bool { bytes.isEmpty }

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

/// Removes what looks like a credential from text that comes from elsewhere (bus.md 2.3).
package enum Redaction {
    private static let prefixes = [
        "sk_live_", "sk_test_", "rk_live_", "rk_test_", "rkcs_test_", "sk_org_", "whsec_", "Bearer ", "eyJ",
    ]

    /// The text with every key, signing secret, token and DSN password replaced.
    package static func redact(_ text: String) -> String {
        guard mayHoldCredential(text) else { return text }
        var result = text
        for prefix in prefixes { result = replaceRuns(after: prefix, in: result) }
        return redactURLPassword(result)
    }

    /// One pass over the bytes, because every logged value comes by here and hardly any holds a credential.
    private static func mayHoldCredential(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            for index in bytes.indices.dropLast(2) {
                let triple = (bytes[index], bytes[index + 1], bytes[index + 2])
                switch triple {
                case (UInt8(ascii: "s"), UInt8(ascii: "k"), UInt8(ascii: "_")),  // sk_test_, sk_live_, sk_org_
                    (UInt8(ascii: "r"), UInt8(ascii: "k"), _),  // rk_test_, rk_live_, rkcs_test_
                    (UInt8(ascii: "w"), UInt8(ascii: "h"), UInt8(ascii: "s")),  // whsec_
                    (UInt8(ascii: "B"), UInt8(ascii: "e"), UInt8(ascii: "a")),  // Bearer
                    (UInt8(ascii: "e"), UInt8(ascii: "y"), UInt8(ascii: "J")),  // a token's first bytes
                    (UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "/")):  // a URL with a password
                    return true
                default: continue
                }
            }
            return false
        }
    }

    private static func replaceRuns(after prefix: String, in text: String) -> String {
        var result = ""
        var rest = Substring(text)
        while let start = rest.firstRange(of: prefix) {
            result += rest[..<start.lowerBound] + prefix + "…"
            rest = rest[start.upperBound...].drop { $0.isASCII && ($0.isLetter || $0.isNumber || "_-.*".contains($0)) }
        }
        return result + rest
    }

    private static func redactURLPassword(_ text: String) -> String {
        guard let scheme = text.firstRange(of: "://") else { return text }
        let authority = text[scheme.upperBound...].prefix { !$0.isWhitespace && $0 != "/" }
        guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else {
            return text
        }
        return text[...colon] + "…" + redactURLPassword(String(text[at...]))
    }
}
