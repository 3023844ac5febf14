/// Hides what looks like a credential in text that comes from elsewhere.
package enum Redaction {
    /// The text with every key, signing secret, token and password replaced by `…`.
    package static func redact(_ text: String) -> String {
        var text = text
        let redacted: String? = text.withUTF8 { bytes in
            let credentials = Credentials.all(in: bytes)
            if credentials.isEmpty { return nil }
            var result: [UInt8] = []
            result.reserveCapacity(bytes.count)
            var next = 0
            for credential in credentials {
                result.append(contentsOf: bytes[next..<credential.secret.lowerBound])
                result.append(contentsOf: "…".utf8)
                next = credential.secret.upperBound
            }
            result.append(contentsOf: bytes[next...])
            return String(decoding: result, as: UTF8.self)
        }
        return redacted ?? text
    }
}
