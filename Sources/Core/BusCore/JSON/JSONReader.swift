/// Reads one JSON document in a single pass over its bytes, taking only what the caller asks for.
///
/// Values that nobody asks for are checked against the grammar and skipped without allocating. The bytes must outlive
/// the reader, so it is made and used inside one `withUnsafeBytes`.
package struct JSONReader {
    let bytes: UnsafeRawBufferPointer
    /// Offset of the next unread byte.
    package internal(set) var index = 0
    private var depth = 0
    /// A value was just finished, so the enclosing container goes on with a comma or ends.
    private var valueEnded = false

    /// A reader at the start of `bytes`.
    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// Steps into an object; members follow from `nextKey()`.
    package mutating func enterObject() throws(JSONFault) {
        try enter(UInt8(ascii: "{"))
    }

    /// Steps into an array; elements follow while `nextElement()` is true.
    package mutating func enterArray() throws(JSONFault) {
        try enter(UInt8(ascii: "["))
    }

    /// The next member's key, or nil at the end of the object.
    ///
    /// The value must be read or skipped before the next call.
    package mutating func nextKey() throws(JSONFault) -> JSONKey? {
        guard try advanceToNext(closing: UInt8(ascii: "}")) else { return nil }
        let key = try rawString()
        skipWhitespace()
        guard take(UInt8(ascii: ":")) else { throw .malformed(offset: index) }
        valueEnded = false
        return key
    }

    /// True when another element follows; it must be read or skipped before the next call.
    package mutating func nextElement() throws(JSONFault) -> Bool {
        guard try advanceToNext(closing: UInt8(ascii: "]")) else { return false }
        valueEnded = false
        return true
    }

    /// Fails unless only whitespace follows the document.
    package mutating func finish() throws(JSONFault) {
        skipWhitespace()
        if index < bytes.count { throw .trailingData(offset: index) }
    }

    // MARK: Values

    /// The kind of the next value, judged by its first byte.
    package mutating func peek() throws(JSONFault) -> JSONKind {
        skipWhitespace()
        guard index < bytes.count else { throw .malformed(offset: index) }
        switch bytes[index] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw .malformed(offset: index)
        }
    }

    /// A string value.
    package mutating func string() throws(JSONFault) -> String {
        try expect(.string)
        let text = try rawString().text()
        valueEnded = true
        return text
    }

    /// A bool value.
    package mutating func bool() throws(JSONFault) -> Bool {
        try expect(.bool)
        let isTrue = bytes[index] == UInt8(ascii: "t")
        try literal(isTrue ? "true" : "false")
        return isTrue
    }

    /// Consumes `null` when that is the next value.
    package mutating func takeNull() throws(JSONFault) -> Bool {
        guard try peek() == .null else { return false }
        try literal("null")
        return true
    }

    /// The digits of a number exactly as written.
    package mutating func number() throws(JSONFault) -> String {
        try expect(.number)
        let start = index
        try skipNumber()
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Skips one value of any kind and returns where its bytes lie.
    @discardableResult
    package mutating func skipValue() throws(JSONFault) -> Range<Int> {
        skipWhitespace()
        let start = index
        try skipOne()
        return start..<index
    }

    // MARK: Scanning

    private mutating func enter(_ opening: UInt8) throws(JSONFault) {
        skipWhitespace()
        guard index < bytes.count else { throw .malformed(offset: index) }
        guard bytes[index] == opening else { throw .unexpectedType(offset: index) }
        depth += 1
        if depth > Limits.jsonDepthMax { throw .tooDeep }
        index += 1
        valueEnded = false
    }

    /// Handles the comma or the closing byte between two entries of a container.
    private mutating func advanceToNext(closing: UInt8) throws(JSONFault) -> Bool {
        skipWhitespace()
        if take(closing) {
            depth -= 1
            valueEnded = true
            return false
        }
        if valueEnded {
            guard take(UInt8(ascii: ",")) else { throw .malformed(offset: index) }
            skipWhitespace()
        }
        guard index < bytes.count, bytes[index] != closing else { throw .malformed(offset: index) }
        return true
    }

    private mutating func expect(_ kind: JSONKind) throws(JSONFault) {
        if try peek() != kind { throw .unexpectedType(offset: index) }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipWhitespace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func literal(_ word: StaticString) throws(JSONFault) {
        guard bytes.count - index >= word.utf8CodeUnitCount else { throw .malformed(offset: index) }
        for offset in 0..<word.utf8CodeUnitCount where bytes[index + offset] != word.utf8Start[offset] {
            throw .malformed(offset: index)
        }
        index += word.utf8CodeUnitCount
        valueEnded = true
    }

    /// Skips a string and returns what lies between its quotes.
    private mutating func rawString() throws(JSONFault) -> JSONKey {
        guard take(UInt8(ascii: "\"")) else { throw .malformed(offset: index) }
        let start = index
        var hasEscapes = false
        while true {
            skipPlainBytes()
            guard index < bytes.count else { throw .malformed(offset: index) }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                return JSONKey(UnsafeRawBufferPointer(rebasing: bytes[start..<(index - 1)]), hasEscapes: hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                try skipEscape()
            case ..<0x20: throw .malformed(offset: index)
            default: index += 1
            }
        }
    }

    /// Steps over bytes that mean nothing special inside a string, eight at a time as long as eight are left.
    ///
    /// A byte of a word is special when the subtraction borrows into its top bit; only the first one found is certain,
    /// and only the first one is used.
    private mutating func skipPlainBytes() {
        let ones: UInt64 = 0x0101_0101_0101_0101
        while bytes.count - index >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let quote = word ^ (ones &* 0x22)
            let backslash = word ^ (ones &* 0x5C)
            let special =
                (((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)
                    | ((word &- ones &* 0x20) & ~word)) & (ones &* 0x80)
            if special != 0 {
                index += special.trailingZeroBitCount / 8
                return
            }
            index += 8
        }
    }

    private mutating func skipEscape() throws(JSONFault) {
        guard index + 1 < bytes.count else { throw .malformed(offset: index) }
        switch bytes[index + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            index += 2
        case UInt8(ascii: "u"):
            guard index + 5 < bytes.count else { throw .malformed(offset: index) }
            for offset in 2...5 where hexValue(bytes[index + offset]) == nil { throw .malformed(offset: index) }
            index += 6
        default: throw .malformed(offset: index)
        }
    }

    private mutating func skipNumber() throws(JSONFault) {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { try skipDigits() }
        if take(UInt8(ascii: ".")) { try skipDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try skipDigits()
        }
        valueEnded = true
    }

    private mutating func skipDigits() throws(JSONFault) {
        let start = index
        while index < bytes.count, bytes[index].isDigit { index += 1 }
        if index == start { throw .malformed(offset: index) }
    }

    /// One value, containers by a loop: nesting costs a bit of a mask, never a stack frame.
    private mutating func skipOne() throws(JSONFault) {
        let outer = depth
        var isObject = NestingMask()
        repeat {
            switch try peek() {
            case .string:
                _ = try rawString()
                valueEnded = true
            case .number: try skipNumber()
            case .bool: try literal(bytes[index] == UInt8(ascii: "t") ? "true" : "false")
            case .null: try literal("null")
            case .object:
                try enterObject()
                isObject[depth] = true
            case .array:
                try enterArray()
                isObject[depth] = false
            }
            while depth > outer {
                if isObject[depth] {
                    if try nextKey() != nil { break }
                } else if try nextElement() {
                    break
                }
            }
        } while depth > outer
    }
}
