/// The grammar of JSON (RFC 8259) over bytes: each function takes the offset where something begins and returns the
/// offset behind it.
///
/// A reader moves along with these, so its place is written back once a value, not once a byte.
extension UnsafeRawBufferPointer {
    /// White space; none is fine.
    @inline(__always)
    func afterBlanks(_ start: Int) -> Int {
        if start < count, self[start] > 0x20 { return start }
        return afterIndentation(start)
    }

    /// Indented documents are half blanks, so these are passed eight at a time.
    private func afterIndentation(_ start: Int) -> Int {
        var index = start
        while index < count {
            switch self[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return index
            }
            while count - index >= 8 {
                let others = word(at: index) ^ (everyByte &* 0x20)
                if others != 0 {
                    index += others.trailingZeroBitCount / 8
                    break
                }
                index += 8
            }
        }
        return index
    }

    /// The rest of a string whose opening quote lies before `start`.
    @inline(__always)
    func afterString(_ start: Int) throws(JSONFault) -> (end: Int, hasEscapes: Bool) {
        var index = start
        var hasEscapes = false
        while true {
            index = afterPlainBytes(index)
            guard index < count else { throw .malformed(offset: index) }
            switch self[index] {
            case UInt8(ascii: "\""): return (index + 1, hasEscapes)
            case UInt8(ascii: "\\"):
                hasEscapes = true
                index = try afterEscape(index)
            case ..<0x20: throw .malformed(offset: index)
            default: index += 1
            }
        }
    }

    /// Steps over bytes that mean nothing special inside a string, eight at a time as long as eight are left.
    ///
    /// A byte of a word is special when the subtraction borrows into its top bit; only the first one found is certain,
    /// and only the first one is used.
    @inline(__always)
    func afterPlainBytes(_ start: Int) -> Int {
        var index = start
        while count - index >= 8 {
            let word = word(at: index)
            let quote = word ^ (everyByte &* 0x22)
            let backslash = word ^ (everyByte &* 0x5C)
            let special =
                (((quote &- everyByte) & ~quote) | ((backslash &- everyByte) & ~backslash)
                    | ((word &- everyByte &* 0x20) & ~word)) & (everyByte &* 0x80)
            if special != 0 { return index + special.trailingZeroBitCount / 8 }
            index += 8
        }
        return index
    }

    private func afterEscape(_ start: Int) throws(JSONFault) -> Int {
        guard start + 1 < count else { throw .malformed(offset: start) }
        switch self[start + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return start + 2
        case UInt8(ascii: "u"):
            guard start + 5 < count else { throw .malformed(offset: start) }
            for offset in 2...5 where hexValue(self[start + offset]) == nil { throw .malformed(offset: start) }
            return start + 6
        default: throw .malformed(offset: start)
        }
    }

    /// A number.
    @inline(__always)
    func afterNumber(_ start: Int) throws(JSONFault) -> Int {
        var index = start
        if has(UInt8(ascii: "-"), at: index) { index += 1 }
        index = has(UInt8(ascii: "0"), at: index) ? index + 1 : try afterDigits(index)
        if has(UInt8(ascii: "."), at: index) { index = try afterDigits(index + 1) }
        if has(UInt8(ascii: "e"), at: index) || has(UInt8(ascii: "E"), at: index) {
            index += 1
            if has(UInt8(ascii: "+"), at: index) || has(UInt8(ascii: "-"), at: index) { index += 1 }
            index = try afterDigits(index)
        }
        return index
    }

    @inline(__always)
    private func afterDigits(_ start: Int) throws(JSONFault) -> Int {
        var index = start
        while index < count, self[index] &- UInt8(ascii: "0") < 10 { index += 1 }
        if index == start { throw .malformed(offset: index) }
        return index
    }

    /// `true`, `false` or `null`, whichever its first letter says.
    @inline(__always)
    func afterWord(_ start: Int) throws(JSONFault) -> Int {
        let word: StaticString =
            switch self[start] {
            case UInt8(ascii: "t"): "true"
            case UInt8(ascii: "f"): "false"
            default: "null"
            }
        let length = word.utf8CodeUnitCount
        guard count - start >= length else { throw .malformed(offset: start) }
        for offset in 0..<length where self[start + offset] != word.utf8Start[offset] {
            throw .malformed(offset: start)
        }
        return start + length
    }

    /// A member's key up to where its value begins.
    @inline(__always)
    func afterKey(_ start: Int) throws(JSONFault) -> Int {
        guard has(UInt8(ascii: "\""), at: start) else { throw .malformed(offset: start) }
        let colon = afterBlanks(try afterString(start + 1).end)
        guard has(UInt8(ascii: ":"), at: colon) else { throw .malformed(offset: colon) }
        return afterBlanks(colon + 1)
    }

    /// One value that lies `outer` levels deep, containers by a loop: nesting costs a bit, never a stack frame.
    func afterValue(_ start: Int, depth outer: Int) throws(JSONFault) -> Int {
        var index = start
        var depth = outer
        // The innermost container is the lowest bit; 1 is an object.
        var objects: UInt128 = 0
        while true {
            guard index < count else { throw .malformed(offset: index) }
            switch self[index] {
            case UInt8(ascii: "\""): index = try afterString(index + 1).end
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): index = try afterNumber(index)
            case UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "n"): index = try afterWord(index)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                let isObject = self[index] == UInt8(ascii: "{")
                depth += 1
                if depth > Limits.jsonDepthMax { throw .tooDeep }
                objects = objects &<< 1 | (isObject ? 1 : 0)
                index = afterBlanks(index + 1)
                // An empty one ends below.
                if has(isObject ? UInt8(ascii: "}") : UInt8(ascii: "]"), at: index) { break }
                if isObject { index = try afterKey(index) }
                continue
            default: throw .malformed(offset: index)
            }
            while true {
                if depth == outer { return index }
                index = afterBlanks(index)
                guard index < count else { throw .malformed(offset: index) }
                let isObject = objects & 1 == 1
                if self[index] == UInt8(ascii: ",") {
                    index = afterBlanks(index + 1)
                    if isObject { index = try afterKey(index) }
                    break
                }
                guard self[index] == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw .malformed(offset: index)
                }
                index += 1
                depth -= 1
                objects = objects &>> 1
            }
        }
    }

    /// True when this byte lies there.
    @inline(__always)
    func has(_ byte: UInt8, at index: Int) -> Bool {
        index < count && self[index] == byte
    }

    /// Eight bytes, the first one lowest.
    @inline(__always)
    func word(at index: Int) -> UInt64 {
        UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self))
    }
}

/// Times a byte, that byte eight times.
private let everyByte: UInt64 = 0x0101_0101_0101_0101
