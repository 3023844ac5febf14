extension Substring {
    /// The text without ASCII spaces, tabs and line ends at its ends.
    package func trimmingASCIIWhitespace() -> Substring {
        let isSpace: (UInt8) -> Bool = { $0 == 0x20 || 0x09...0x0D ~= $0 }
        guard let first = utf8.firstIndex(where: { !isSpace($0) }), let last = utf8.lastIndex(where: { !isSpace($0) })
        else { return self[endIndex...] }
        return self[first...last]
    }
}

extension String {
    /// Nil for an empty text: Stripe takes an empty value for "remove", and readers for a value.
    package var nonEmpty: String? { isEmpty ? nil : self }

    /// The text without ASCII spaces, tabs and line ends at its ends.
    package func trimmingASCIIWhitespace() -> Substring { self[...].trimmingASCIIWhitespace() }

    /// The text on one line: line ends and everything that steers a terminal are written as escapes.
    package var onOneLine: String {
        guard unicodeScalars.contains(where: { $0 == "\n" || $0.steersTerminal }) else { return self }
        return unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar {
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case _ where scalar.steersTerminal: text += "\\u{\(String(scalar.value, radix: 16))}"
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}

extension UInt8 {
    /// True for a digit of ASCII.
    package var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }

    /// True for a lower-case letter or a digit of ASCII.
    package var isLowerOrDigit: Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= self || isDigit }

    /// True for a letter or a digit of ASCII.
    package var isLetterOrDigit: Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= self | 0x20 || isDigit }

    /// True for what names of groups, codes and paths are made of: letters, digits, dots, hyphens and underscores.
    package var isNameByte: Bool { isLetterOrDigit || "._-".utf8.contains(self) }
}

extension Unicode.Scalar {
    /// C0 but for the line feed, DEL, C1, line and paragraph separators, and the marks that turn the direction of writing.
    package var steersTerminal: Bool {
        switch value {
        case 0x0A: false
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
