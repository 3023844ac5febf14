/// Any JSON value, for messages whose fields are looked up by name.
///
/// Numbers keep the digits they were written with, so nothing is lost between reading and writing.
package enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads one whole document.
    package init(parsing bytes: [UInt8]) throws(JSONFault) {
        self = try bytes.withReader { reader throws(JSONFault) in
            // A member of a message takes about 32 bytes. Without room for all, each growth would hash them anew.
            let value = try JSONValue(from: &reader, room: min(bytes.count / 32, 32))
            try reader.finish()
            return value
        }
    }

    /// Reads the next value of a document; of repeated keys the last wins.
    ///
    /// - Parameter room: The members that an object probably has.
    package init(from reader: inout JSONReader, room: Int = 0) throws(JSONFault) {
        switch try reader.peek() {
        case .null:
            _ = try reader.takeNull()
            self = .null
        case .bool: self = .bool(try reader.bool())
        case .number: self = .number(try reader.number())
        case .string: self = .string(try reader.string())
        case .array:
            var elements: [JSONValue] = []
            try reader.enterArray()
            while try reader.nextElement() { elements.append(try JSONValue(from: &reader)) }
            self = .array(elements)
        case .object:
            var members = [String: JSONValue](minimumCapacity: room)
            try reader.enterObject()
            while let key = try reader.nextKey() { members[try key.text()] = try JSONValue(from: &reader) }
            self = .object(members)
        }
    }

    /// An integer value.
    package static func integer(_ value: Int64) -> JSONValue {
        .number(String(value))
    }

    /// A member of an object; nil when it is absent or null, and for values that are not objects.
    package subscript(key: String) -> JSONValue? {
        guard case .object(let members) = self, let value = members[key], value != .null else { return nil }
        return value
    }

    /// The text of a string.
    package var text: String? {
        if case .string(let text) = self { return text }
        return nil
    }

    /// The elements of an array.
    package var elements: [JSONValue]? {
        if case .array(let elements) = self { return elements }
        return nil
    }

    /// The value of a bool.
    package var flag: Bool? {
        if case .bool(let flag) = self { return flag }
        return nil
    }

    /// An integer written as such, as an integral float, or as a decimal string.
    package var integer: Int64? {
        switch self {
        case .number(let digits), .string(let digits):
            if let value = Int64(digits) { return value }
            guard let float = Double(digits), float.rounded() == float, abs(float) < 0x1p53 else { return nil }
            return Int64(float)
        default: return nil
        }
    }

    /// The value as JSON bytes, object members sorted by key: equal values give equal bytes.
    package func serialized() -> [UInt8] {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.bytes
    }

    /// Writes the value as the next value of a document.
    package func write(to writer: inout JSONWriter) {
        switch self {
        case .null: writer.raw("null".utf8)
        case .bool(let flag): writer.bool(flag)
        case .number(let digits): writer.raw(digits.utf8)
        case .string(let text): writer.string(text)
        case .array(let elements):
            writer.array { writer in
                for element in elements { element.write(to: &writer) }
            }
        case .object(let members):
            writer.object { writer in
                for (key, value) in members.sorted(by: { $0.key < $1.key }) {
                    writer.key(key)
                    value.write(to: &writer)
                }
            }
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string literal as a string value.
    package init(stringLiteral value: String) { self = .string(value) }
    /// A bool literal as a bool value.
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer literal as a number.
    package init(integerLiteral value: Int64) { self = .integer(value) }
    /// An array literal as an array.
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// A dictionary literal as an object; of repeated keys the last wins.
    package init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(Dictionary(elements, uniquingKeysWith: { $1 }))
    }
}

/// Bytes known to be exactly one JSON value in UTF-8: passed on without being decoded.
package struct JSONText: Hashable, Sendable {
    /// The document.
    package let bytes: [UInt8]

    /// Checks a whole document.
    package init(parsing bytes: [UInt8]) throws(JSONFault) {
        guard bytes.isUTF8 else { throw .invalidUTF8 }
        try bytes.withReader { reader throws(JSONFault) in
            try reader.skipValue()
            try reader.finish()
        }
        self.bytes = bytes
    }

    /// A value's document.
    package init(_ value: JSONValue) {
        bytes = value.serialized()
    }

    /// What `write` writes, which must be one value.
    package init(writing write: (inout JSONWriter) -> Void) {
        var writer = JSONWriter()
        write(&writer)
        bytes = writer.bytes
    }

    /// Takes the next value of a document whose UTF-8 was checked.
    init(from reader: inout JSONReader) throws(JSONFault) {
        let range = try reader.skipValue()
        bytes = [UInt8](reader.bytes[range])
    }

    /// The document as a value tree.
    package func value() throws(JSONFault) -> JSONValue {
        try JSONValue(parsing: bytes)
    }
}

extension [UInt8] {
    /// Runs `body` with a reader over these bytes.
    package func withReader<Result, Fault: Error>(
        _ body: (inout JSONReader) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        try withUnsafeBufferPointer { (bytes) throws(Fault) in
            var reader = JSONReader(UnsafeRawBufferPointer(bytes))
            return try body(&reader)
        }
    }

    /// True when the bytes are well-formed UTF-8.
    package var isUTF8: Bool {
        (try? UTF8Span(validating: span)) != nil
    }
}
