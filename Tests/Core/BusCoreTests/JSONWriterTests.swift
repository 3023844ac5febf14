import BusCore
import Testing

/// Strings are written eight bytes at a time; what they hold must not depend on where it stands.
struct JSONWriterTests {
    @Test("whatever stands at any place of a string reads back, and nothing is escaped that need not be")
    func strings() throws {
        for special in ["\"", "\\", "\n", "\u{0}", "\u{1F}", " ", "!", "#", "[", "]", "\u{7F}", "é", "…", "😀"] {
            for place in 0..<20 {
                let text = String(repeating: "a", count: place) + special + String(repeating: "b", count: 19 - place)
                for text in [text, text + special, special + special + text] {
                    var writer = JSONWriter()
                    writer.string(text)
                    #expect(try JSONValue(parsing: writer.bytes) == .string(text))
                    #expect(writer.bytes == Self.escaped(text), "\(text)")
                }
            }
        }
    }

    /// RFC 8259, 7, byte by byte.
    private static func escaped(_ text: String) -> [UInt8] {
        let inner = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "\""): Array("\\\"".utf8)
            case UInt8(ascii: "\\"): Array("\\\\".utf8)
            case 0x0A: Array("\\n".utf8)
            case ..<0x20: Array("\\u00".utf8) + Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8)
            default: [byte]
            }
        }
        return [UInt8(ascii: "\"")] + inner.joined() + [UInt8(ascii: "\"")]
    }
}
