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
        guard let start = try nextEntry(closing: UInt8(ascii: "}")) else { return nil }
        let key = try rawString(start)
        let colon = bytes.afterBlanks(index)
        guard bytes.has(UInt8(ascii: ":"), at: colon) else { throw .malformed(offset: colon) }
        index = colon + 1
        return key
    }

    /// True when another element follows; it must be read or skipped before the next call.
    package mutating func nextElement() throws(JSONFault) -> Bool {
        guard let start = try nextEntry(closing: UInt8(ascii: "]")) else { return false }
        index = start
        return true
    }

    /// Fails unless only whitespace follows the document.
    package mutating func finish() throws(JSONFault) {
        index = bytes.afterBlanks(index)
        if index < bytes.count { throw .trailingData(offset: index) }
    }

    // MARK: Values

    /// The kind of the next value, judged by its first byte.
    package mutating func peek() throws(JSONFault) -> JSONKind {
        index = bytes.afterBlanks(index)
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
        let text = try rawString(index).text()
        valueEnded = true
        return text
    }

    /// A bool value.
    package mutating func bool() throws(JSONFault) -> Bool {
        try expect(.bool)
        let isTrue = bytes[index] == UInt8(ascii: "t")
        index = try bytes.afterWord(index)
        valueEnded = true
        return isTrue
    }

    /// Consumes `null` when that is the next value.
    package mutating func takeNull() throws(JSONFault) -> Bool {
        guard try peek() == .null else { return false }
        index = try bytes.afterWord(index)
        valueEnded = true
        return true
    }

    /// The digits of a number exactly as written.
    package mutating func number() throws(JSONFault) -> String {
        try expect(.number)
        let start = index
        index = try bytes.afterNumber(start)
        valueEnded = true
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// A number as a whole one; nil when it has a fraction or an exponent, or is larger than 64 bits.
    package mutating func wholeNumber() throws(JSONFault) -> Int64? {
        try expect(.number)
        let isNegative = bytes[index] == UInt8(ascii: "-")
        let digits = index + (isNegative ? 1 : 0)
        index = try bytes.afterNumber(index)
        valueEnded = true
        var value: Int64 = 0
        for place in digits..<index {
            let digit = bytes[place] &- UInt8(ascii: "0")
            guard digit < 10 else { return nil }
            let (shifted, isLarge) = value.multipliedReportingOverflow(by: 10)
            // Counted down, because the smallest number has no positive counterpart.
            let (next, isLarger) = shifted.subtractingReportingOverflow(Int64(digit))
            if isLarge || isLarger { return nil }
            value = next
        }
        if isNegative { return value }
        return value == .min ? nil : -value
    }

    /// Skips one value of any kind and returns where its bytes lie.
    @discardableResult
    package mutating func skipValue() throws(JSONFault) -> Range<Int> {
        index = bytes.afterBlanks(index)
        let start = index
        index = try bytes.afterValue(start, depth: depth)
        valueEnded = true
        return start..<index
    }

    // MARK: Scanning

    private mutating func enter(_ opening: UInt8) throws(JSONFault) {
        index = bytes.afterBlanks(index)
        guard index < bytes.count else { throw .malformed(offset: index) }
        guard bytes[index] == opening else { throw .unexpectedType(offset: index) }
        depth += 1
        if depth > Limits.jsonDepthMax { throw .tooDeep }
        index += 1
        valueEnded = false
    }

    /// Where the next entry of a container begins; nil behind the container's closing byte.
    @inline(__always)
    private mutating func nextEntry(closing: UInt8) throws(JSONFault) -> Int? {
        var start = bytes.afterBlanks(index)
        if bytes.has(closing, at: start) {
            index = start + 1
            depth -= 1
            valueEnded = true
            return nil
        }
        if valueEnded {
            guard bytes.has(UInt8(ascii: ","), at: start) else { throw .malformed(offset: start) }
            start = bytes.afterBlanks(start + 1)
        }
        guard start < bytes.count, bytes[start] != closing else { throw .malformed(offset: start) }
        valueEnded = false
        return start
    }

    private mutating func expect(_ kind: JSONKind) throws(JSONFault) {
        if try peek() != kind { throw .unexpectedType(offset: index) }
    }

    /// Reads the string whose opening quote lies at `start`.
    @inline(__always)
    private mutating func rawString(_ start: Int) throws(JSONFault) -> JSONKey {
        guard bytes.has(UInt8(ascii: "\""), at: start) else { throw .malformed(offset: start) }
        let (end, hasEscapes) = try bytes.afterString(start + 1)
        index = end
        return JSONKey(UnsafeRawBufferPointer(rebasing: bytes[start + 1..<end - 1]), hasEscapes: hasEscapes)
    }
}
