import CPQ

/// The values of a statement as the server takes them: bytes, and the type of each.
struct PostgresValues {
    /// The object identifiers of `int8`, `text` and `bytea`; 0 lets the server choose.
    let types: [Oid]
    private var bytes: [UInt8] = []
    private var ranges: [Range<Int>?] = []

    init(_ values: [SQLValue]) {
        types = values.map { value in
            switch value {
            case .null: 0
            case .integer: 20
            case .text: 25
            case .blob: 17
            }
        }
        ranges.reserveCapacity(values.count)
        for value in values {
            let start = bytes.count
            switch value {
            case .null:
                ranges.append(nil)
                continue
            case .integer(let value): withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
            case .text(let text): bytes.append(contentsOf: text.utf8)
            case .blob(let blob): bytes.append(contentsOf: blob)
            }
            ranges.append(start..<bytes.count)
        }
        // An empty value at the end still needs an address.
        bytes.append(0)
    }

    /// Hands out what libpq's calls take: the count, the values, their lengths and their formats, which are all binary.
    func withParameters(
        _ body: (Int32, [UnsafePointer<CChar>?], [Int32], [Int32]) -> Int32
    ) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = ranges.map { range in range.flatMap { range in start.map { $0 + range.lowerBound } } }
            let lengths = ranges.map { Int32($0?.count ?? 0) }
            return body(Int32(ranges.count), values, lengths, [Int32](repeating: 1, count: ranges.count))
        }
    }
}

extension SQL {
    /// The highest number behind a `$`.
    var parameterCount: Int {
        var highest = 0
        var number: Int?
        for byte in text.utf8 {
            if byte == UInt8(ascii: "$") {
                number = 0
            } else if let digits = number, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
                number = digits * 10 + Int(byte - UInt8(ascii: "0"))
                highest = max(highest, number ?? 0)
            } else {
                number = nil
            }
        }
        return highest
    }
}

extension SQLRow {
    /// The first row of a result, whose values are text.
    init(_ result: OpaquePointer) {
        self.init((0..<PQnfields(result)).map { SQLRow.value(result, $0) })
    }

    private static func value(_ result: OpaquePointer, _ column: Int32) -> SQLValue {
        guard PQgetisnull(result, 0, column) == 0, let start = PQgetvalue(result, 0, column) else { return .null }
        let bytes = UnsafeRawBufferPointer(start: start, count: Int(PQgetlength(result, 0, column)))
        switch PQftype(result, column) {
        case 16: return .integer(bytes.first == UInt8(ascii: "t") ? 1 : 0)
        case 17: return .blob(SQLRow.bytes(hex: bytes.dropFirst(2)))
        // Whole numbers; a sum of them is a numeric.
        case 20, 21, 23, 1700:
            let text = String(decoding: bytes, as: UTF8.self)
            return Int64(text).map { .integer($0) } ?? .text(text)
        default: return .text(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func bytes(hex: Slice<UnsafeRawBufferPointer>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(hex.count / 2)
        var high: UInt8?
        for digit in hex {
            let value = digit < UInt8(ascii: "a") ? digit - UInt8(ascii: "0") : digit - UInt8(ascii: "a") + 10
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }
}
