import BusCommands
import TestSupport
import Testing

/// `.env` files (bus.md 8.1).
struct DotEnvTests {
    static let read: [(line: String, name: String, value: String)] = [
        ("A=b", "A", "b"), ("export A=b", "A", "b"), ("  export   A = b  ", "A", "b"), ("A=", "A", ""),
        ("A=b c", "A", "b c"), ("A=b # c", "A", "b"), ("A=b#c", "A", "b#c"), ("A=# c", "A", ""), ("A=b\t#c", "A", "b"),
        ("A=\"b # c\"", "A", "b # c"), ("A=\"b\" # c", "A", "b"), ("A='b' # c", "A", "b"),
        (#"A="\n\r\t\\\"\$\d""#, "A", "\n\r\t\\\"$\\d"), (#"A='\n"$'"#, "A", #"\n"$"#), ("A=\"\"", "A", ""),
        ("A=b=c", "A", "b=c"), ("_a1=x", "_a1", "x"), ("A=ä", "A", "ä"), ("A=b\r", "A", "b"),
        ("export=x", "export", "x"),
        ("A=b'c'", "A", "b'c'"), ("A=$HOME", "A", "$HOME"),
    ]

    @Test(arguments: DotEnvTests.read) func assignmentIsRead(line: String, name: String, value: String) throws {
        let pairs = try DotEnv(parsing: Array(line.utf8)).pairs
        #expect(pairs.map(\.name) == [name])
        #expect(pairs.map(\.value) == [value])
    }

    static let refused: [(text: String, line: Int)] = [
        ("A", 1), ("A=b\nB c", 2), ("=b", 1), ("1A=b", 1), ("A B=c", 1), ("A-B=c", 1), ("A=\"b", 1), ("A='b", 1),
        ("A=\"b\" c", 1), ("A='b'c", 1), ("# x\n\nexport A", 3), ("A=\"b\\", 1), ("A=b\0", 1),
    ]

    @Test(arguments: DotEnvTests.refused) func malformedLineIsNamed(text: String, line: Int) throws {
        let fault = try #require(throws: DotEnvFault.self) { try DotEnv(parsing: Array(text.utf8)) }
        #expect(fault.line == line)
    }

    @Test func faultShowsNoValue() throws {
        let fault = try #require(throws: DotEnvFault.self) { try DotEnv(parsing: Array("A=\"made_up".utf8)) }
        #expect(!fault.message.contains("made_up"))
    }

    @Test func blankLinesAndCommentsAreSkipped() throws {
        #expect(try DotEnv(parsing: Array("\n# a\n  # b\r\n\r\nA=1\n".utf8)).pairs.count == 1)
        let fault = try #require(throws: DotEnvFault.self) { try DotEnv(parsing: [10, 65, 61, 0xFF]) }
        #expect(fault.line == 2)
    }

    @Test func bytesOfAnyKindAreReadOrRefused() {
        let seed = PropertySettings.seed
        var generator = SeededGenerator(seed: seed)
        let likely = Array("AB=='\"\\#$ n\t\r\nexport ".utf8)
        for round in 0..<PropertySettings.rounds(20_000, proof: 1_000_000) {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Int.random(in: 0..<30, using: &generator) == 0
                    ? UInt8.random(in: 0...255, using: &generator) : likely.randomElement(using: &generator) ?? 0
            }
            do throws(DotEnvFault) {
                for pair in try DotEnv(parsing: bytes).pairs {
                    #expect(!pair.name.isEmpty && !pair.name.contains("="), "seed \(seed), round \(round)")
                }
            } catch {
                let lineCount = bytes.split(separator: 10, omittingEmptySubsequences: false).count
                #expect((1...lineCount).contains(error.line), "seed \(seed), round \(round)")
            }
        }
    }

    @Test func processBeatsFileBeatsDefaults() throws {
        var environment = BusEnvironment(
            entries: ["EMPTY=", "A=process", "BUS_WORKERS_API_URL="].map { Array($0.utf8) })
        environment.complete(
            with: try DotEnv(
                parsing: Array("A=file\nEMPTY=file\nB=first\nB=last\nBUS_EVENTS_API_URL=http://127.0.0.1:9\n".utf8)))
        #expect(environment["A"] == "process")
        #expect(environment["EMPTY"] == "")
        #expect(environment["B"] == "last")
        #expect(environment["BUS_EVENTS_API_URL"] == "http://127.0.0.1:9")
        #expect(environment["BUS_EVENTS_TOKEN_FILE"] == ".bus/tokens/local-events.jwt")
        #expect(environment["BUS_WORKERS_API_URL"] == "")
        #expect(environment["BUS_WORKERS_API_TOKEN_FILE"] == ".bus/tokens/local-events.jwt")
    }

    @Test func inheritedBytesStayAsTheyWere() {
        let entries: [[UInt8]] = [Array("A=".utf8) + [0xFF], Array("odd".utf8), Array("A=2".utf8), Array("B==".utf8)]
        var environment = BusEnvironment(entries: entries)
        environment.set("C", "3")
        #expect(environment.entries == entries + [Array("C=3".utf8)])
        #expect(environment.bytes(of: "A") == [0xFF])
        #expect(environment["B"] == "=")
        #expect(environment["odd"] == nil)
        #expect(environment.values == ["A": "\u{FFFD}", "B": "=", "C": "3"])
    }
}
