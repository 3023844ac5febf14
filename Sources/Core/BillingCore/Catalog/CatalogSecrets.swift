import BusCore

/// Finds credentials that were pasted into a catalog, which is stored and printed in the clear.
enum CatalogSecrets {
    private static let message = "looks like a secret; remove it and replace the key where it was issued"
    private static let keyPrefixes = ["sk_", "rk_", "rkcs_", "whsec_"].map { Array($0.utf8) }
    /// What issued keys have after their prefix, at least; words such as `task_` go on with fewer.
    private static let keyCharactersMin = 10
    private static let tokenCharactersMin = 10

    /// Reports every text and every member's name that looks like a secret, at any depth, without showing it.
    static func check(_ value: JSONValue, at path: CatalogPath, _ problems: CatalogProblems) {
        switch value {
        case .string:
            if isSecret(value) { problems.report(path, message) }
        case .array(let elements):
            for (index, element) in elements.enumerated() { check(element, at: path.index(index), problems) }
        case .object(let members):
            for (name, value) in members {
                if isSecret(name) { problems.report(path.member(name), "the member's name \(message)") }
                check(value, at: path.member(name), problems)
            }
        case .null, .bool, .number: return
        }
    }

    /// True for a text that is one.
    static func isSecret(_ value: JSONValue) -> Bool {
        value.text.map { isSecret($0) } ?? false
    }

    /// True for Stripe keys, webhook secrets, bearer tokens, JSON web tokens and URLs with a password.
    static func isSecret(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { index in
            switch bytes[index] {
            case UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "w"): isKey(bytes, at: index)
            case UInt8(ascii: "e"): isRun(bytes, after: "eyJ", at: index)
            case UInt8(ascii: "B"), UInt8(ascii: "b"):
                isRun(bytes, after: "Bearer ", at: index) || isRun(bytes, after: "bearer ", at: index)
            case UInt8(ascii: ":"): isURLWithPassword(bytes, at: index)
            default: false
            }
        }
    }

    /// At the start of a word the prefix alone is enough; inside one it may be the end of another word.
    private static func isKey(_ bytes: [UInt8], at index: Int) -> Bool {
        guard let prefix = keyPrefixes.first(where: { bytes[index...].starts(with: $0) }) else { return false }
        if index == 0 || !isTokenByte(bytes[index - 1]) { return true }
        var rest = bytes[(index + prefix.count)...]
        for mode in ["live_", "test_", "org_"] where rest.starts(with: mode.utf8) {
            rest = rest.dropFirst(mode.utf8.count)
        }
        return rest.prefix { isTokenByte($0) && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }.count
            >= keyCharactersMin
    }

    private static func isRun(_ bytes: [UInt8], after prefix: String, at index: Int) -> Bool {
        guard bytes[index...].starts(with: prefix.utf8) else { return false }
        let run = bytes[(index + prefix.utf8.count)...].prefix(tokenCharactersMin)
        return run.count == tokenCharactersMin && run.allSatisfy { isTokenByte($0) || "._~+/=".utf8.contains($0) }
    }

    private static func isURLWithPassword(_ bytes: [UInt8], at index: Int) -> Bool {
        guard bytes[index...].starts(with: "://".utf8) else { return false }
        let authority = bytes[(index + 3)...].prefix { $0 > 0x20 && $0 != UInt8(ascii: "/") }
        guard let at = authority.lastIndex(of: UInt8(ascii: "@")) else { return false }
        return authority[..<at].contains(UInt8(ascii: ":"))
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        CatalogText.isWord(byte) || byte == UInt8(ascii: "-")
    }
}
