/// A string as it lies in the document, escapes included: a key to compare, or text to take out.
package struct JSONKey {
    private let raw: UnsafeRawBufferPointer
    /// Known from reading, so that comparing does not search for it again.
    private let hasEscapes: Bool

    init(_ raw: UnsafeRawBufferPointer, hasEscapes: Bool) {
        self.raw = raw
        self.hasEscapes = hasEscapes
    }

    /// Its length in bytes; nil with escapes, which stand for other text.
    package var length: Int? { hasEscapes ? nil : raw.count }

    /// True when the key spells `name`, written with or without escapes.
    package static func == (key: JSONKey, name: StaticString) -> Bool {
        if key.hasEscapes { return (try? key.text()) == "\(name)" }
        let count = key.raw.count
        guard count == name.utf8CodeUnitCount else { return false }
        let known = UnsafeRawBufferPointer(start: name.utf8Start, count: count)
        if count < 8 {
            for offset in 0..<count where key.raw[offset] != known[offset] { return false }
            return true
        }
        // Eight bytes at a time; the last eight may overlap those before.
        var offset = 0
        while offset < count - 8 {
            if key.raw.word(at: offset) != known.word(at: offset) { return false }
            offset += 8
        }
        return key.raw.word(at: count - 8) == known.word(at: count - 8)
    }

    /// The text with its escapes resolved; a lone surrogate becomes U+FFFD.
    package func text() throws(JSONFault) -> String {
        guard hasEscapes else { return try JSONKey.text(raw.assumingMemoryBound(to: UInt8.self).span) }
        var units: [UInt8] = []
        units.reserveCapacity(raw.count)
        var index = 0
        while index < raw.count {
            if raw[index] != UInt8(ascii: "\\") {
                units.append(raw[index])
                index += 1
            } else {
                index += appendEscape(at: index, to: &units)
            }
        }
        return try JSONKey.text(units.span)
    }

    private static func text(_ units: Span<UInt8>) throws(JSONFault) -> String {
        do { return String(copying: try UTF8Span(validating: units)) } catch { throw .invalidUTF8 }
    }

    /// Appends what the escape at `index` stands for and returns its length; the reader has checked its form.
    private func appendEscape(at index: Int, to units: inout [UInt8]) -> Int {
        switch raw[index + 1] {
        case UInt8(ascii: "b"): units.append(0x08)
        case UInt8(ascii: "f"): units.append(0x0C)
        case UInt8(ascii: "n"): units.append(0x0A)
        case UInt8(ascii: "r"): units.append(0x0D)
        case UInt8(ascii: "t"): units.append(0x09)
        case UInt8(ascii: "u"):
            let first = unit(at: index)
            if first & 0xFC00 == 0xD800, index + 11 < raw.count, raw[index + 6] == UInt8(ascii: "\\"),
                raw[index + 7] == UInt8(ascii: "u"), unit(at: index + 6) & 0xFC00 == 0xDC00
            {
                let scalar = 0x10000 + ((first & 0x3FF) << 10) + (unit(at: index + 6) & 0x3FF)
                units.append(contentsOf: String(Unicode.Scalar(scalar) ?? "\u{FFFD}").utf8)
                return 12
            }
            units.append(contentsOf: String(Unicode.Scalar(first) ?? "\u{FFFD}").utf8)
            return 6
        default: units.append(raw[index + 1])
        }
        return 2
    }

    private func unit(at index: Int) -> UInt32 {
        (2...5).reduce(0) { value, offset in value << 4 | UInt32(hexValue(raw[index + offset]) ?? 0) }
    }
}

/// The value of one hexadecimal digit, either case.
package func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
}
