import BusCommands
import BusRuntime
import Testing

/// The flags before a word, and the lines of flags alone in `.bus` files.
struct GlobalOptionsTests {
    /// The flags before a command, and the index of its first word.
    private func parse(_ arguments: [String]) throws -> (options: GlobalOptions, word: Int) {
        guard case .command(let options, let word) = try BusCommandLine(arguments, isFile: { _, _ in false }) else {
            throw CancellationError()
        }
        return (options, word)
    }

    static let rendered: [(given: [String], child: [String])] = [
        ([], []),
        (["-q"], ["--quiet"]),
        (["-v"], ["-v"]), (["--verbose", "-v"], ["-v", "-v"]), (["-vv"], ["-v", "-v"]), (["-vvv"], ["-v", "-v", "-v"]),
        (["--color", "always"], ["--color", "always"]), (["--color=never"], ["--color", "never"]),
        (["--color", "auto", "--no-color"], ["--no-color"]), (["--no-color", "--color=auto"], ["--color", "auto"]),
        (["-C", "a", "--chdir", "b"], ["--chdir", "b"]),
        (["-f", "json", "--format=text"], ["--format", "text"]),
        (["--perf"], []),
        (["-o", "-x"], ["--output", "-x"]), (["--timeout", "5s"], ["--timeout", "5s"]),
        (
            ["-f", "json", "-o", "out", "-C", "dir", "-v", "--trace", "--no-color", "--perf", "-v"],
            ["--no-color", "--trace", "-v", "-v", "--chdir", "dir", "--output", "out", "--format", "json"]
        ),
    ]

    @Test(arguments: GlobalOptionsTests.rendered) func childGetsThemInOneOrder(given: [String], child: [String]) throws
    {
        let (options, word) = try parse(given + ["word", "-q", "--nonsense"])
        #expect(options.rendered == child)
        #expect(word == given.count)
        #expect(try parse(options.rendered + ["word"]).options.rendered == child)
    }

    static let refused: [[String]] = [
        ["--nonsense"], ["--chdir=a"], ["--timeout=5s"], ["--output=a"], ["-C"], ["--format"], ["--color", "red"],
        ["--color="],
        ["--quiet", "-v"], ["-q", "--trace"], ["-vx"], ["-"], ["--perf=1"], ["--no-perf"], ["--check"],
    ]

    @Test(arguments: GlobalOptionsTests.refused) func usageFaultExitsTwo(_ arguments: [String]) throws {
        let failure = try #require(throws: ProcessFailure.self) { try parse(arguments) }
        #expect(failure.exitCode == 2)
    }

    @Test func helpAndVersionEndTheCommandLine() throws {
        #expect(try parse(["-v", "--help", "--nonsense"]).options.request == .help)
        #expect(try parse(["-V"]).options.request == .version)
        #expect(try parse(["word", "--help"]).options.request == nil)
    }

    @Test func twoDashesMakeTheNextTokenTheWord() throws {
        #expect(try parse(["-v", "--", "--quiet"]).word == 2)
        #expect(try parse(["--"]).word == 1)
    }

    static let directives: [(before: [String], line: [String], after: [String])] = [
        ([], ["--chdir", "a"], ["--chdir", "a"]),
        (["-C", "a"], ["--chdir", "b"], ["--chdir", "b"]),
        (["-C", "a"], ["-o", "f"], ["--chdir", "a", "--output", "f"]),
        (["-vv"], ["-v"], ["-v"]), (["-vv"], ["-o", "f"], ["-v", "-v", "--output", "f"]),
        (["-vv"], ["--no-verbose"], []),
        (["-q", "-C", "a", "-o", "f", "-f", "x"], ["--no-quiet", "--no-chdir", "--no-output", "--no-format"], []),
        (["--no-color"], ["--color", "auto"], ["--color", "auto"]),
        (["--color", "auto"], ["--no-color"], ["--no-color"]),
        (["-q"], ["--no-quiet", "-v"], ["-v"]),
    ]

    @Test(arguments: GlobalOptionsTests.directives)
    func directiveChangesWhatItNames(before: [String], line: [String], after: [String]) throws {
        let options = try parse(before).options
        #expect(try options.applying(line)?.rendered == after)
    }

    @Test func directiveTurnsMeasuringOnAndOff() throws {
        let on = try #require(try GlobalOptions().applying(["--perf"]))
        #expect(on.measures)
        #expect(try on.applying(["--no-perf"])?.measures == false)
    }

    @Test func lineWithAnythingElseIsNoDirective() throws {
        for line in [["--quiet", "journal"], ["journal", "--quiet"], ["--check"], ["--"], ["-C", "a", "b"], [""]] {
            #expect(try GlobalOptions().applying(line) == nil, "\(line)")
        }
    }

    @Test func directiveThatCannotHoldIsRefused() {
        for line in [["--help"], ["-V"], ["-q", "--version"], ["--chdir"], ["--color", "red"], ["-q", "-v"]] {
            #expect(throws: ProcessFailure.self, "\(line)") { try GlobalOptions().applying(line) }
        }
    }
}
