/// The grammars of short names: features, delivery groups and identifiers.
package enum Labels {
    private static let identifierBytesMax = 255
    private static let featureBytesMax = 100
    private static let groupBytesMax = 128

    /// True for a feature or provider: `[a-z0-9][a-z0-9:._-]{0,99}`.
    package static func isFeature(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLowerOrDigit, text.utf8.count <= featureBytesMax else {
            return false
        }
        return text.utf8.allSatisfy { $0.isLowerOrDigit || ":._-".utf8.contains($0) }
    }

    /// True for an id or a word of a payment company's: at most 255 printable characters without blanks.
    package static func isIdentifier(_ text: String) -> Bool {
        1...identifierBytesMax ~= text.utf8.count && text.utf8.allSatisfy { 0x21...0x7E ~= $0 }
    }

    /// True for a delivery group or a consumer: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
    package static func isGroup(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetterOrDigit, text.utf8.count <= groupBytesMax else { return false }
        return text.utf8.allSatisfy(\.isNameByte)
    }

    /// Any text as a group's name: other bytes become `-`, and the end is cut off.
    package static func group(from text: String) -> String {
        String(
            decoding: text.utf8.prefix(groupBytesMax).map { $0.isNameByte ? $0 : UInt8(ascii: "-") }, as: UTF8.self)
    }
}
