import BusCore
import NIOCore
import TestSupport
import Testing

@testable import BusClient

@Suite("Lines of a stream")
struct NDJSONLinesTests {
    private func lines(_ chunks: [some Sequence<UInt8>]) throws -> [String] {
        var reader = NDJSONLines()
        return try chunks.flatMap { try reader.lines(in: ByteBuffer(bytes: $0)) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("lines are the same wherever the network cuts them")
    func splits() throws {
        let text = Array("{\"a\":1}\r\n\n\r\n{\"b\":\"ä\\r\"}\n  \n{\"c\":3}\r\nrest".utf8)
        let expected = [#"{"a":1}"#, #"{"b":"ä\r"}"#, "  ", #"{"c":3}"#]
        for position in 0...text.count {
            #expect(try lines([text[..<position], text[position...]]) == expected, "cut at \(position)")
        }
        #expect(try lines(text.map { [$0] }) == expected)
    }

    @Test("any cutting of any lines gives the lines back")
    func property() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(200, proof: 20_000) {
            let expected = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                String(repeating: "x", count: Int.random(in: 1...9, using: &random))
            }
            let ends = ["\n", "\r\n", "\n\n", "\r\n\n"]
            var rest = Array(expected.map { $0 + (ends.randomElement(using: &random) ?? "") }.joined().utf8)[...]
            var chunks: [ArraySlice<UInt8>] = []
            while !rest.isEmpty {
                let count = Int.random(in: 0...rest.count, using: &random)
                chunks.append(rest.prefix(count))
                rest = rest.dropFirst(count)
            }
            #expect(try lines(chunks) == expected, "BUS_TEST_SEED=\(seed)")
        }
    }

    @Test("the longest line is read, a longer one is refused before its end arrives")
    func tooLong() throws {
        let longest = Array(repeating: UInt8(ascii: "x"), count: Limits.streamLineBytesMax)
        #expect(try lines([longest, Array("\r\n".utf8)]).map(\.utf8.count) == [Limits.streamLineBytesMax])
        #expect(throws: NDJSONLines.LineTooLong.self) { try lines([longest, Array("xx".utf8)]) }
        #expect(throws: NDJSONLines.LineTooLong.self) { try lines([longest + Array("x\n".utf8)]) }
    }
}
