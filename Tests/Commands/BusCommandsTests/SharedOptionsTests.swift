import BusCLI
import BusRuntime
import TestSupport
import Testing

@testable import BusCommands

/// The flags of every command stand before or behind its words.
struct SharedOptionsTests {
    static let taken: [(given: [String], others: [String], flags: [String])] = [
        ([], [], []),
        (["-v", "status"], ["status"], ["-v"]),
        (
            ["-f", "json", "billing", "-o", "x", "status", "--timeout=5s"], ["billing", "status"],
            ["--output", "x", "--format", "json", "--timeout", "5s"]
        ),
        (["--format=json", "status", "--output=-"], ["status"], ["--output", "-", "--format", "json"]),
        (["-vv", "a", "--chdir=x", "b", "--", "-q"], ["a", "b", "--", "-q"], ["-v", "-v", "--chdir", "x"]),
        (["send", "--name", "x", "-C", "-v"], ["send", "--name", "x"], ["--chdir", "-v"]),
        (["--payload", "-5"], ["--payload", "-5"], []),
        (["--colour", "--formatx", "-vx", "-qv"], ["--colour", "--formatx", "-vx", "-qv"], []),
    ]

    @Test(arguments: SharedOptionsTests.taken)
    func areTakenFromAnywhere(given: [String], others: [String], flags: [String]) throws {
        var options = GlobalOptions()
        #expect(try options.takeAll(from: given) == others)
        #expect(options.rendered == flags)
    }

    /// What is taken is what was rendered, the rest keeps its order, and nothing behind `--` is touched.
    @Test func nothingElseIsTouched() async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let pieces = [
            ["a"], ["b"], ["--name"], ["-v"], ["-f", "json"], ["--format=text"], ["-o", ""], ["-C", "x"], [""],
        ]
        for await _ in Rounds(2_000, proof: 200_000) {
            let given = (0..<Int.random(in: 0...8, using: &random)).flatMap { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }
            let tail = ["--", "-v", "a"].prefix(Int.random(in: 0...3, using: &random))
            var options = GlobalOptions()
            let others = try options.takeAll(from: given + tail)
            #expect(others.suffix(tail.count) == tail, "seed \(PropertySettings.seed): \(given)")
            var again = GlobalOptions()
            #expect(try again.takeAll(from: options.rendered + others) == others)
            #expect(again == options, "seed \(PropertySettings.seed): \(given)")
        }
    }

    /// Every flag that the help shows is taken, and every one of the contract is there.
    @Test func namesAgreeWithTheHelp() throws {
        let shown = GlobalOptions.settings
        for option in shown {
            for name in option.flags {
                let value = option.value == nil ? [] : [option.values.first ?? "x"]
                var options = GlobalOptions()
                #expect(try options.takeAll(from: [name] + value + ["word"]) == ["word"], "\(name)")
                #expect(options != GlobalOptions(), "\(name)")
            }
        }
        let names = Set(shown.flatMap(\.flags))
        #expect(
            names.isSuperset(of: [
                "-V", "--version", "-v", "--verbose", "--trace", "-q", "--quiet", "-C", "--chdir", "-o", "--output",
                "-f", "--format", "--color", "--no-color", "--timeout",
            ]))
    }
}
