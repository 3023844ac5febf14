import BusCore
import TestSupport
import Testing

@Suite("JSON grammar")
struct JSONGrammarTests {
    private func parse(_ text: String) throws(JSONFault) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8))
    }

    @Test("blanks between the parts change nothing, and mutations are judged as by the plain grammar")
    func grammar() async {
        let seed = PropertySettings.seed
        print("JSON grammar: seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var refused = 0
        for await _ in Rounds(3_000, proof: 200_000) {
            let value = JSONValue.random(depth: 3, using: &random)
            var bytes = value.spaced(using: &random)
            #expect((try? JSONValue(parsing: bytes)) == value, "\(String(decoding: bytes, as: UTF8.self))")
            #expect((try? JSONText(parsing: bytes))?.bytes == bytes, "\(String(decoding: bytes, as: UTF8.self))")
            let meaningful = Array(" \n\"\\{}[]:,0-.eEtnu\u{1F}".utf8)
            for _ in 0..<Int.random(in: 1...2, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                let byte = meaningful.randomElement(using: &random) ?? 0
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[place] = byte
                case 1: bytes.insert(byte, at: place)
                default: if bytes.count > 1 { bytes.remove(at: place) }
                }
            }
            let isValid = bytes.isUTF8 && PlainGrammar.accepts(bytes)
            refused += isValid ? 0 : 1
            #expect(((try? JSONText(parsing: bytes)) != nil) == isValid, "\(String(decoding: bytes, as: UTF8.self))")
            #expect(((try? JSONValue(parsing: bytes)) != nil) == isValid, "\(String(decoding: bytes, as: UTF8.self))")
        }
        #expect(refused > 0)
    }

    @Test("blanks, keys and strings of every length are told apart where eight bytes end")
    func lengths() throws {
        for length in 0...40 {
            let blanks = String(repeating: " ", count: length)
            let text = String(repeating: "k", count: length)
            for ending in ["", "\n", "\t", "\r"] {
                let document =
                    "\(blanks){\(blanks)\(ending)\"\(text)\"\(ending)\(blanks):\(blanks)[\(blanks)\(ending)1"
                    + "\(blanks)]}\(blanks)"
                #expect(try parse(document) == [text: [1]])
                #expect(throws: Never.self) { try JSONText(parsing: Array(document.utf8)) }
            }
            // A blank of another kind is none, wherever it stands among the others.
            for place in 0...length {
                var bytes = Array(blanks.utf8)
                bytes.insert(0x0B, at: place)
                #expect(throws: JSONFault.malformed(offset: place)) { try JSONText(parsing: bytes + Array("1".utf8)) }
            }
        }
    }

    @Test("a key is told from every other one of its length")
    func knownKeys() throws {
        let names: [StaticString] = [
            "id", "status", "livemode", "customers", "cancel_at_period_end", "current_period_start",
        ]
        for name in names {
            let text = "\(name)"
            for place in -1..<text.utf8.count {
                var key = Array(text.utf8)
                if place >= 0 { key[place] ^= 1 }
                try (Array("{\"".utf8) + key + Array("\":1}".utf8)).withReader { reader throws(JSONFault) in
                    try reader.enterObject()
                    let found = try reader.nextKey()
                    #expect(found.map { $0 == name } == (place < 0), "\(text) at \(place)")
                }
            }
        }
    }
}

/// RFC 8259 written down byte by byte, to judge the reader by.
private struct PlainGrammar {
    private let bytes: [UInt8]
    private var index = 0

    static func accepts(_ bytes: [UInt8]) -> Bool {
        var grammar = PlainGrammar(bytes: bytes)
        return grammar.value() && grammar.index == bytes.count
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    private var next: UInt8? { index < bytes.count ? bytes[index] : nil }

    private mutating func blanks() {
        while let byte = next, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { index += 1 }
    }

    private mutating func take(_ text: String) -> Bool {
        guard bytes[index...].starts(with: text.utf8) else { return false }
        index += text.utf8.count
        return true
    }

    private mutating func value() -> Bool {
        blanks()
        defer { blanks() }
        switch next {
        case UInt8(ascii: "{"): return entries("{", "}") { $0.member() }
        case UInt8(ascii: "["): return entries("[", "]") { $0.value() }
        case UInt8(ascii: "\""): return string()
        default: return take("true") || take("false") || take("null") || number()
        }
    }

    private mutating func entries(_ open: String, _ close: String, _ entry: (inout PlainGrammar) -> Bool) -> Bool {
        guard take(open) else { return false }
        blanks()
        if take(close) { return true }
        repeat {
            blanks()
            guard entry(&self) else { return false }
            blanks()
        } while take(",")
        return take(close)
    }

    private mutating func member() -> Bool {
        guard string() else { return false }
        blanks()
        return take(":") && value()
    }

    private mutating func string() -> Bool {
        guard take("\"") else { return false }
        while let byte = next, byte >= 0x20 {
            index += 1
            if byte == UInt8(ascii: "\"") { return true }
            guard byte == UInt8(ascii: "\\") else { continue }
            guard let escaped = next else { return false }
            index += 1
            if escaped == UInt8(ascii: "u") {
                for _ in 0..<4 {
                    guard let digit = next, hexValue(digit) != nil else { return false }
                    index += 1
                }
            } else if !"\"\\/bfnrt".utf8.contains(escaped) {
                return false
            }
        }
        return false
    }

    private mutating func digits() -> Bool {
        let start = index
        while let byte = next, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { index += 1 }
        return index > start
    }

    private mutating func number() -> Bool {
        _ = take("-")
        guard take("0") || digits() else { return false }
        if take("."), !digits() { return false }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            return digits()
        }
        return true
    }
}
