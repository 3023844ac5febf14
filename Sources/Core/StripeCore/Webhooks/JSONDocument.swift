import BusCore

/// One way in which programs write JSON.
struct JSONStyle {
    /// White space between the parts.
    enum Layout: CaseIterable {
        /// Two blanks a level and one line a member: how Stripe writes webhooks.
        case indented
        /// None.
        case compact
        /// One blank after commas and colons.
        case spaced
    }

    /// What strings escape beyond what they must.
    enum Escapes: CaseIterable {
        /// Nothing.
        case none
        /// `<`, `>`, `&` and the line separators U+2028 and U+2029.
        case markup
        /// Everything beyond ASCII.
        case nonASCII
        /// Everything beyond ASCII, and slashes.
        case slashes
    }

    let layout: Layout
    let escapes: Escapes
    /// Keys stand as Stripe orders them, `id` and `object` first and then by name, not as they came.
    let sortsKeys: Bool

    /// The styles that keep the order of keys.
    static let asReceived = all(sortsKeys: false)
    /// The styles that order them.
    static let sorted = all(sortsKeys: true)

    private static func all(sortsKeys: Bool) -> [JSONStyle] {
        Escapes.allCases.flatMap { escapes in
            Layout.allCases.map { JSONStyle(layout: $0, escapes: escapes, sortsKeys: sortsKeys) }
        }
    }
}

/// A JSON document with its keys in order and its numbers as they were written.
struct JSONDocument {
    private indirect enum Node {
        /// A number, a bool or null, as it stands in the source.
        case literal(Range<Int>)
        case string(String)
        case array([Node])
        case object([(key: String, value: Node)])
    }

    private let source: [UInt8]
    private let root: Node

    /// Reads one JSON document; nil when the bytes are anything else.
    init?(_ bytes: [UInt8]) {
        guard bytes.isUTF8 else { return nil }
        source = bytes
        do throws(JSONFault) {
            root = try bytes.withReader { reader throws(JSONFault) in
                let root = try JSONDocument.node(&reader)
                try reader.finish()
                return root
            }
        } catch {
            return nil
        }
    }

    private static func node(_ reader: inout JSONReader) throws(JSONFault) -> Node {
        switch try reader.peek() {
        case .string: return .string(try reader.string())
        case .number, .bool, .null: return .literal(try reader.skipValue())
        case .array:
            var elements: [Node] = []
            try reader.enterArray()
            while try reader.nextElement() { elements.append(try node(&reader)) }
            return .array(elements)
        case .object:
            var members: [(String, Node)] = []
            try reader.enterObject()
            while let key = try reader.nextKey() {
                let name = try key.text()
                members.append((name, try node(&reader)))
            }
            return .object(members)
        }
    }

    /// The document in a style; nil when it would be longer than `bytesMax`.
    func written(_ style: JSONStyle, bytesMax: Int) -> [UInt8]? {
        var writer = Writer(source: source, style: style, bytesMax: bytesMax)
        writer.write(root, depth: 0)
        return writer.isTooLong ? nil : writer.bytes
    }

    /// A document without the white space between its parts.
    static func withoutWhitespace(_ bytes: [UInt8]) -> [UInt8] {
        var (isInString, isEscaped) = (false, false)
        return bytes.filter { byte in
            if isInString {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isInString = false
                }
                return true
            }
            isInString = byte == UInt8(ascii: "\"")
            return !byte.isJSONWhitespace
        }
    }

    /// Writes nodes until it gets too long: indentation can make a small document large.
    private struct Writer {
        let source: [UInt8]
        let style: JSONStyle
        let bytesMax: Int
        private(set) var bytes: [UInt8] = []

        init(source: [UInt8], style: JSONStyle, bytesMax: Int) {
            self.source = source
            self.style = style
            self.bytesMax = bytesMax
        }

        private static let blanks = [UInt8](repeating: 0x20, count: 2 * Limits.jsonDepthMax)

        var isTooLong: Bool { bytes.count > bytesMax }

        mutating func write(_ node: Node, depth: Int) {
            if isTooLong { return }
            switch node {
            case .literal(let range): bytes += source[range]
            case .string(let text): write(text)
            case .array(let elements):
                list(elements, "[", "]", depth) { writer, element in writer.write(element, depth: depth + 1) }
            case .object(let members):
                list(style.sortsKeys ? members.sorted(by: Writer.isBefore) : members, "{", "}", depth) {
                    writer, member in
                    writer.write(member.key)
                    writer.bytes += (writer.style.layout == .compact ? ":" : ": ").utf8
                    writer.write(member.value, depth: depth + 1)
                }
            }
        }

        private static func isBefore(_ left: (key: String, value: Node), _ right: (key: String, value: Node)) -> Bool {
            func rank(_ key: String) -> Int { key == "id" ? 0 : key == "object" ? 1 : 2 }
            return (rank(left.key), left.key) < (rank(right.key), right.key)
        }

        private mutating func list<Part>(
            _ parts: [Part], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, _ depth: Int,
            _ write: (inout Writer, Part) -> Void
        ) {
            bytes.append(UInt8(ascii: opening))
            for (index, part) in parts.enumerated() {
                if isTooLong { return }
                if index > 0 { bytes += (style.layout == .spaced ? ", " : ",").utf8 }
                breakLine(depth + 1)
                write(&self, part)
            }
            if !parts.isEmpty { breakLine(depth) }
            bytes.append(UInt8(ascii: closing))
        }

        private mutating func breakLine(_ depth: Int) {
            guard style.layout == .indented else { return }
            bytes.append(0x0A)
            bytes += Writer.blanks[..<(2 * depth)]
        }

        private mutating func write(_ text: String) {
            bytes.append(UInt8(ascii: "\""))
            var text = text
            text.withUTF8 { units in
                // What needs no escape is copied as a whole.
                var start = 0
                var index = 0
                while index < units.count {
                    let length = units[index] < 0x80 ? 1 : units[index] < 0xE0 ? 2 : units[index] < 0xF0 ? 3 : 4
                    if length == 1 ? mustEscape(units[index]) : mustEscapeBeyondASCII(units, index, length) {
                        bytes += units[start..<index]
                        for scalar in String(decoding: units[index..<index + length], as: UTF8.self).unicodeScalars {
                            escape(scalar)
                        }
                        start = index + length
                    }
                    index += length
                }
                bytes += units[start...]
            }
            bytes.append(UInt8(ascii: "\""))
        }

        private func mustEscape(_ byte: UInt8) -> Bool {
            switch byte {
            case ..<0x20, UInt8(ascii: "\""), UInt8(ascii: "\\"): true
            case UInt8(ascii: "/"): style.escapes == .slashes
            case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): style.escapes == .markup
            default: false
            }
        }

        private func mustEscapeBeyondASCII(_ units: UnsafeBufferPointer<UInt8>, _ index: Int, _ length: Int) -> Bool {
            switch style.escapes {
            case .none: false
            case .nonASCII, .slashes: true
            // U+2028 and U+2029 are E2 80 A8 and E2 80 A9.
            case .markup:
                length == 3 && units[index] == 0xE2 && units[index + 1] == 0x80 && units[index + 2] & 0xFE == 0xA8
            }
        }

        private mutating func escape(_ scalar: Unicode.Scalar) {
            switch scalar {
            case "\"": bytes += #"\""#.utf8
            case "\\": bytes += #"\\"#.utf8
            case "/": bytes += #"\/"#.utf8
            case "\u{8}": bytes += #"\b"#.utf8
            case "\u{C}": bytes += #"\f"#.utf8
            case "\n": bytes += #"\n"#.utf8
            case "\r": bytes += #"\r"#.utf8
            case "\t": bytes += #"\t"#.utf8
            default: for unit in UTF16.encode(scalar) ?? UTF16.EncodedScalar() { escape(unit) }
            }
        }

        private mutating func escape(_ unit: UInt16) {
            bytes += #"\u"#.utf8
            for shift in [12, 8, 4, 0] as [UInt16] {
                bytes.append(hexDigit(UInt8(truncatingIfNeeded: unit >> shift & 15)))
            }
        }
    }
}

extension UInt8 {
    /// A blank, a tab or a part of a line end.
    var isJSONWhitespace: Bool { self == 0x20 || self == 0x09 || self == 0x0A || self == 0x0D }
}
