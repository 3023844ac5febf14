/// What looks like a credential: Stripe keys, signing secrets, bearer tokens, JSON web tokens, `base64:` secrets, and
/// passwords in URLs and connection strings.
package enum Credentials {
    /// One of them in a text.
    struct Match: Equatable {
        /// The bytes to hide; what leads them, such as `sk_test_`, may be shown.
        var secret: Range<Int>
        /// False where a harmless text can look the same.
        var isCertain: Bool
    }

    /// All of them, in order and apart from each other.
    static func all<Bytes: RandomAccessCollection>(in bytes: Bytes) -> [Match]
    where Bytes.Element == UInt8, Bytes.Index == Int {
        var scan = CredentialScan(bytes)
        scan.run()
        return scan.matches
    }

    /// True when the text holds something that only a credential looks like.
    package static func areCertain(in text: String) -> Bool {
        var text = text
        return text.withUTF8 { all(in: $0).contains { $0.isCertain } }
    }
}

/// One pass from left to right; it looks at each byte a bounded number of times, because strangers choose the text.
private struct CredentialScan<Bytes: RandomAccessCollection> where Bytes.Element == UInt8, Bytes.Index == Int {
    /// The part of a URL between `://` and the host's end.
    private struct Authority {
        let start: Int
        var hasColon = false
        /// Everything since the last colon is a digit, as in a port.
        var endsInDigits = false
        /// An `@` was seen behind a colon: a user and a password.
        var hasPassword = false
        /// A slash was seen where a port should be: it may belong to a password that is not percent-encoded.
        var isStretched = false
    }

    private let bytes: Bytes
    private(set) var matches: [Credentials.Match] = []
    private var authority: Authority?

    init(_ bytes: Bytes) {
        self.bytes = bytes
    }

    mutating func run() {
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if let match = credential(at: index) {
                // A URL ends at a blank, also at one inside of what was just found.
                if bytes[index..<match.secret.lowerBound].contains(where: { $0 <= 0x20 }) { authority = nil }
                authority?.endsInDigits = false
                matches.append(match)
                index = match.secret.upperBound
            } else {
                follow(bytes[index], at: index)
                index += 1
            }
        }
    }

    private func credential(at index: Int) -> Credentials.Match? {
        switch bytes[index] | 0x20 {
        case UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "w"): key(at: index)
        case UInt8(ascii: "e"): webToken(at: index)
        case UInt8(ascii: "b"): bearer(at: index) ?? encoded(at: index)
        case UInt8(ascii: "p"): password(at: index)
        default: nil
        }
    }

    // MARK: Keys and tokens

    /// At the start of a word the prefix is enough; inside one it may be the end of another word, such as `task_`.
    private func key(at index: Int) -> Credentials.Match? {
        guard let prefix = keyPrefixes.first(where: { has($0, at: index) }) else { return nil }
        var start = index + prefix.utf8CodeUnitCount
        for mode in keyModes where has(mode, at: start) { start += mode.utf8CodeUnitCount }
        let isLong = end(of: start, atMost: 10) { $0.isLetterOrDigit } == start + 10
        guard isLong || startsWord(index) else { return nil }
        return match(start..<end(of: start) { isWord($0) || ".*".utf8.contains($0) }, isCertain: true)
    }

    private func webToken(at index: Int) -> Credentials.Match? {
        guard has("eyJ", at: index) else { return nil }
        let start = index + 3
        let isLong = end(of: start, atMost: 10, isTokenByte) == start + 10
        guard isLong || startsWord(index) else { return nil }
        return match(start..<end(of: start, isTokenByte), isCertain: isLong)
    }

    private func bearer(at index: Int) -> Credentials.Match? {
        guard has("bearer", at: index, ignoringCase: true) else { return nil }
        let blanks = index + 6
        let start = end(of: blanks) { $0 == 0x20 || $0 == 0x09 }
        guard start > blanks, let match = match(start..<end(of: start, isTokenByte), isCertain: true) else {
            return nil
        }
        if match.secret.count >= 10 { return match }
        // "A bearer token" is a phrase, "Bearer abc" is a header.
        let isPhrase = bytes[index] == UInt8(ascii: "b") && bytes[match.secret].allSatisfy(\.isLetterOrDigit)
        return isPhrase ? nil : Credentials.Match(secret: match.secret, isCertain: false)
    }

    /// `base64:` marks an encoded secret in our settings.
    private func encoded(at index: Int) -> Credentials.Match? {
        guard has("base64:", at: index) else { return nil }
        let start = index + 7
        let secret = start..<end(of: start) { isWord($0) || "+/=".utf8.contains($0) }
        return secret.count >= 8 ? Credentials.Match(secret: secret, isCertain: secret.count >= 16) : nil
    }

    /// `password=` of a connection string, with or without quotes.
    private func password(at index: Int) -> Credentials.Match? {
        guard has("password=", at: index, ignoringCase: true) else { return nil }
        let start = index + 9
        guard start < bytes.endIndex else { return nil }
        let quote = bytes[start]
        let isQuoted = quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"")
        let secret =
            isQuoted
            ? start + 1..<end(of: start + 1) { $0 != quote }
            : start..<end(of: start) { $0 > 0x20 && !"&;,'\"".utf8.contains($0) }
        return secret.isEmpty ? nil : Credentials.Match(secret: secret, isCertain: false)
    }

    // MARK: URLs

    /// Follows the authority of a URL; what stands before its `@` is a user, and perhaps a password.
    private mutating func follow(_ byte: UInt8, at index: Int) {
        switch byte {
        case UInt8(ascii: "/") where index >= bytes.startIndex + 2 && has("://", at: index - 2):
            authority = Authority(start: index + 1)
        case UInt8(ascii: "/"):
            guard var open = authority else { return }
            let mayBePassword = open.hasColon && !open.endsInDigits && bytes[open.start] != UInt8(ascii: "[")
            open.isStretched = open.isStretched || mayBePassword
            authority = open.isStretched && index > open.start ? open : nil
        case ...0x20, UInt8(ascii: "\""): authority = nil
        case UInt8(ascii: ":"):
            authority?.hasColon = true
            authority?.endsInDigits = true
        case UInt8(ascii: "@"): hideUser(before: index)
        default: if !byte.isDigit { authority?.endsInDigits = false }
        }
    }

    private mutating func hideUser(before index: Int) {
        guard var open = authority, index > open.start else { return }
        open.hasPassword = open.hasPassword || open.hasColon
        while let last = matches.last, last.secret.lowerBound >= open.start { matches.removeLast() }
        matches.append(
            Credentials.Match(secret: open.start..<index, isCertain: open.hasPassword && !open.isStretched))
        open.hasColon = false
        authority = open
    }

    // MARK: Bytes

    /// The match without the full stop of a sentence; nil when nothing is left.
    private func match(_ secret: Range<Int>, isCertain: Bool) -> Credentials.Match? {
        var end = secret.upperBound
        while end > secret.lowerBound, bytes[end - 1] == UInt8(ascii: ".") { end -= 1 }
        return end > secret.lowerBound ? Credentials.Match(secret: secret.lowerBound..<end, isCertain: isCertain) : nil
    }

    private func has(_ text: StaticString, at index: Int, ignoringCase: Bool = false) -> Bool {
        let count = text.utf8CodeUnitCount
        guard bytes.endIndex - index >= count else { return false }
        for offset in 0..<count {
            let byte = bytes[index + offset]
            guard (ignoringCase && byte.isLetterOrDigit ? byte | 0x20 : byte) == text.utf8Start[offset] else {
                return false
            }
        }
        return true
    }

    private func end(of start: Int, atMost count: Int = .max, _ belongs: (UInt8) -> Bool) -> Int {
        var index = start
        while index < bytes.endIndex, index - start < count, belongs(bytes[index]) { index += 1 }
        return index
    }

    private func startsWord(_ index: Int) -> Bool {
        index == bytes.startIndex || !isWord(bytes[index - 1])
    }
}

private func isWord(_ byte: UInt8) -> Bool {
    byte.isLetterOrDigit || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
}

private func isTokenByte(_ byte: UInt8) -> Bool { isWord(byte) || "._~+/=*".utf8.contains(byte) }

private let keyPrefixes: [StaticString] = ["sk_", "rk_", "rkcs_", "whsec_"]
private let keyModes: [StaticString] = ["live_", "test_", "org_"]
