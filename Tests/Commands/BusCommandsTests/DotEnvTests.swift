import TestSupport
import Testing

@testable import BusCommands

/// `.env` files.
struct DotEnvTests {
    static let read: [(line: String, name: String, value: String)] = [
        ("BUS_A=b", "BUS_A", "b"), ("export BUS_A=b", "BUS_A", "b"), ("  export   BUS_A = b  ", "BUS_A", "b"),
        ("BUS_A=", "BUS_A", ""),
        ("BUS_A=b c", "BUS_A", "b c"), ("BUS_A=b # c", "BUS_A", "b"), ("BUS_A=b#c", "BUS_A", "b#c"),
        ("BUS_A=# c", "BUS_A", ""), ("BUS_A=b\t#c", "BUS_A", "b"),
        ("BUS_A=\"b # c\"", "BUS_A", "b # c"), ("BUS_A=\"b\" # c", "BUS_A", "b"), ("BUS_A='b' # c", "BUS_A", "b"),
        (#"BUS_A="\n\r\t\\\"\$\d""#, "BUS_A", "\n\r\t\\\"$\\d"), (#"BUS_A='\n"$'"#, "BUS_A", #"\n"$"#),
        ("BUS_A=\"\"", "BUS_A", ""),
        ("BUS_A=b=c", "BUS_A", "b=c"), ("BUS__a1=x", "BUS__a1", "x"), ("BUS_A=ä", "BUS_A", "ä"),
        ("BUS_A=b\r", "BUS_A", "b"),
        ("export BUS_=x", "BUS_", "x"),
        ("BUS_A=b'c'", "BUS_A", "b'c'"), ("BUS_A=$HOME", "BUS_A", "$HOME"),
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
        let fault = try #require(throws: LineFault.self) { try DotEnv(parsing: Array(text.utf8)) }
        #expect(fault.line == line)
    }

    @Test func faultShowsNoValue() throws {
        let fault = try #require(throws: LineFault.self) { try DotEnv(parsing: Array("A=\"made_up".utf8)) }
        #expect(!fault.message.contains("made_up"))
    }

    @Test func blankLinesAndCommentsAreSkipped() throws {
        #expect(try DotEnv(parsing: Array("\n# a\n  # b\r\n\r\nBUS_A=1\n".utf8)).pairs.count == 1)
        let fault = try #require(throws: LineFault.self) { try DotEnv(parsing: [10, 65, 61, 0xFF]) }
        #expect(fault.line == 2)
    }

    @Test func bytesOfAnyKindAreReadOrRefused() async {
        let seed = PropertySettings.seed
        var generator = SeededGenerator(seed: seed)
        let likely = Array("AB=='\"\\#$ n\t\r\nexport ".utf8)
        for await round in Rounds(20_000, proof: 1_000_000) {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                Int.random(in: 0..<30, using: &generator) == 0
                    ? UInt8.random(in: 0...255, using: &generator) : likely.randomElement(using: &generator) ?? 0
            }
            do throws(LineFault) {
                for pair in try DotEnv(parsing: bytes).pairs {
                    #expect(!pair.name.isEmpty && !pair.name.contains("="), "seed \(seed), round \(round)")
                }
            } catch {
                let lineCount = bytes.split(separator: 10, omittingEmptySubsequences: false).count
                #expect((1...lineCount).contains(error.line), "seed \(seed), round \(round)")
            }
        }
    }

    /// What loads code, finds programs or steers a shell is never a file's to set.
    @Test(arguments: [
        "LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "PATH", "IFS", "BASH_ENV", "ENV", "HOME", "SHELL", "PS4", "CDPATH",
        "GIT_SSH_COMMAND", "PYTHONPATH", "PYTHONSTARTUP", "SWIFT_BACKTRACE", "MALLOC_CONF", "XDG_CONFIG_HOME",
        "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "SSL_CERT_FILE", "https_proxy", "TERM", "A", "bus_x", "BUSX", "BUS",
    ])
    func onlyNamesOfBusAreSet(_ name: String) throws {
        let file = try DotEnv(parsing: Array("\(name)=x\nBUS_A=1\nNO_COLOR=1\nexport \(name)=y\n".utf8))
        #expect(file.pairs.map(\.name) == ["BUS_A", "NO_COLOR"])
        #expect(file.ignored == [name])
    }

    @Test func processBeatsFileBeatsDefaults() throws {
        var environment = BusEnvironment(
            entries: ["BUS_EMPTY=", "BUS_X=process", "BUS_WORKERS_API_URL="].map { Array($0.utf8) })
        environment.complete(
            with: try DotEnv(
                parsing: Array(
                    "BUS_X=file\nBUS_EMPTY=file\nBUS_Y=first\nBUS_Y=last\nBUS_EVENTS_API_URL=http://127.0.0.1:9\n".utf8)
            ))
        #expect(environment["BUS_X"] == "process")
        #expect(environment["BUS_EMPTY"] == "")
        #expect(environment["BUS_Y"] == "last")
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
