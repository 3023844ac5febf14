import BusCore
import TestSupport
import Testing

@Suite("JSON reader")
struct JSONReaderTests {
    private func parse(_ text: String) throws(JSONFault) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8))
    }

    @Test("reads every kind of value")
    func kinds() throws {
        let value = try parse(
            #" {"a":[1,-2.5e+3,"x\n\u00e9\ud83d\ude00",true,false,null,{}],"b":{"c":[]}} "#)
        #expect(value["a"]?.elements?.count == 7)
        #expect(value["a"]?.elements?[1] == .number("-2.5e+3"))
        #expect(value["a"]?.elements?[2].text == "x\né😀")
        #expect(value["b"]?["c"]?.elements == [])
    }

    @Test(
        "refuses what RFC 8259 does not allow",
        arguments: [
            "", " ", "{", "[", "]", "{]", "[}", "{,}", "[,]", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{\"a\":}", "{a:1}",
            "[1 2]", "{\"a\":1 \"b\":2}", "01", "1.", ".5", "+1", "-", "1e", "tru", "nul", "\"", "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12\"", "\"\u{1}\"", "'a'", "NaN", "//", "[1]]", "{\"a\":{\"b\":1}",
        ])
    func refuses(_ text: String) {
        #expect(throws: JSONFault.self) { try self.parse(text) }
        #expect(throws: JSONFault.self) { try JSONText(parsing: Array(text.utf8)) }
    }

    @Test("refuses data after the document, also after whitespace")
    func trailingData() {
        #expect(throws: JSONFault.trailingData(offset: 3)) { try self.parse("{} {}") }
        #expect(throws: JSONFault.trailingData(offset: 4)) { try self.parse("null1") }
    }

    @Test("a hundred thousand levels are a fault, not a crash", arguments: ["[", "{\"a\":"])
    func deep(_ opening: String) {
        let text = String(repeating: opening, count: 100_000)
        #expect(throws: JSONFault.tooDeep) { try self.parse(text) }
        #expect(throws: JSONFault.tooDeep) { try JSONText(parsing: Array(text.utf8)) }
    }

    @Test("nesting up to the bound is read, skipped and told apart by kind")
    func nestingBound() throws {
        let levels = Limits.jsonDepthMax
        let mixed = (0..<levels).map { $0 % 2 == 0 ? "[" : "{\"k\":" }.joined()
        let closing = (0..<levels).reversed().map { $0 % 2 == 0 ? "]" : "}" }.joined()
        _ = try JSONText(parsing: Array((mixed + "1" + closing).utf8))
        let wrong = String(closing.dropLast()) + "}"
        #expect(throws: JSONFault.self) { try JSONText(parsing: Array((mixed + "1" + wrong).utf8)) }
    }

    @Test("invalid UTF-8 is a fault wherever it stands")
    func invalidUTF8() {
        let bytes: [UInt8] = Array(#"{"a":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)
        #expect(throws: JSONFault.invalidUTF8) { try JSONText(parsing: bytes) }
        #expect(throws: JSONFault.invalidUTF8) { try JSONValue(parsing: bytes) }
    }

    @Test("a key matches with and without escapes")
    func escapedKey() throws {
        try Array(#"{"\u0069d":1}"#.utf8).withReader { reader throws(JSONFault) in
            try reader.enterObject()
            let key = try reader.nextKey()
            #expect(key.map { $0 == "id" } == true)
            #expect(key.map { $0 == "ix" } == false)
        }
    }

    @Test("a lone surrogate becomes the replacement character")
    func loneSurrogate() throws {
        #expect(try parse(#""\ud83d!""#).text == "\u{FFFD}!")
    }

    @Test("what was written is read back", arguments: [PropertySettings.seed])
    func roundTrip(seed: UInt64) async throws {
        print("JSON round trip: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(500, proof: 20_000) {
            let value = JSONValue.random(depth: 4, using: &random)
            let bytes = value.serialized()
            #expect(try JSONValue(parsing: bytes) == value)
            #expect(try JSONText(parsing: bytes).bytes == bytes)
        }
    }

    @Test("mutated documents end in a value or a fault, and both readers agree", arguments: [PropertySettings.seed])
    func mutations(seed: UInt64) async {
        print("JSON mutations: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(3_000, proof: 200_000) {
            var bytes = JSONValue.random(depth: 3, using: &random).serialized()
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let asValue = (try? JSONValue(parsing: bytes)) != nil
            let asText = (try? JSONText(parsing: bytes)) != nil
            #expect(asValue == asText, "\(bytes)")
        }
    }

    @Test(
        "whole numbers are read to their ends, and others count as none",
        arguments: [
            ("0", 0), ("-0", 0), ("7", 7), ("-7", -7), ("1764216000", 1_764_216_000),
            ("9223372036854775807", Int64.max), ("9223372036854775808", nil), ("-9223372036854775808", Int64.min),
            ("-9223372036854775809", nil), ("99999999999999999999999", nil), ("1.0", nil), ("1e3", nil),
            ("-2.5e-1", nil),
        ] as [(String, Int64?)])
    func wholeNumbers(_ text: String, _ value: Int64?) throws {
        try Array("[\(text),1]".utf8).withReader { reader throws(JSONFault) in
            try reader.enterArray()
            #expect(try reader.nextElement())
            #expect(try reader.wholeNumber() == value)
            #expect(try reader.nextElement())
            #expect(try reader.wholeNumber() == 1)
            #expect(try !reader.nextElement())
            try reader.finish()
        }
    }
}
