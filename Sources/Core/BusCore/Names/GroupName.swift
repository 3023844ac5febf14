/// Names of delivery groups and of consumers in them.
package enum GroupName {
    private static let bytesMax = 128

    /// True for 1 to 128 letters, digits, dots, hyphens and underscores, a letter or digit first.
    package static func isValid(_ text: String) -> Bool {
        guard let first = text.utf8.first, isWord(first), text.utf8.count <= bytesMax else { return false }
        return text.utf8.allSatisfy(isPart)
    }

    /// Any text as such a name: what may not stand in one becomes `-`, and the rest is cut off.
    package static func made(from text: String) -> String {
        String(decoding: text.utf8.prefix(bytesMax).map { isPart($0) ? $0 : UInt8(ascii: "-") }, as: UTF8.self)
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        isWord(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
