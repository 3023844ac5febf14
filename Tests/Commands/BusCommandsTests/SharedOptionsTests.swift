import BusCLI
import BusRuntime
import TestSupport
import Testing

@testable import BusCommands

/// The flags of every command stand before or after its words (bus.md 8.3).
struct SharedOptionsTests {
    static let moved: [(given: [String], parsed: [String])] = [
        ([], []),
        (["-v", "status"], ["status", "-v"]),
        (["-f", "json", "billing", "-o", "x", "status"], ["billing", "status", "-f", "json", "-o", "x"]),
        (["--format=json", "status", "--output=-"], ["status", "--format=json", "--output=-"]),
        (["-vv", "a", "--quiet", "b", "--", "-q"], ["a", "b", "-vv", "--quiet", "--", "-q"]),
        (["send", "--name", "x", "-C", "-v"], ["send", "--name", "x", "-C", "-v"]),
        (["--payload", "-5", "-V"], ["--payload", "-5", "-V"]),
        (["--timeout"], ["--timeout"]),
        (["--colour", "--formatx", "-vx", "-h"], ["--colour", "--formatx", "-vx", "-h"]),
    ]

    @Test(arguments: SharedOptionsTests.moved) func goBehindTheWords(given: [String], parsed: [String]) {
        #expect(SharedOptions.last(given) == parsed)
    }

    /// Nothing is lost or made up, the rest keeps its order, and doing it twice changes nothing.
    @Test func keepsEverythingElse() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let pieces = [
            "a", "b", "--name", "-v", "-vv", "--quiet", "-f", "json", "--format=text", "--", "-o", "", "--timeout",
            "-h",
        ]
        for _ in 0..<PropertySettings.rounds(2_000, proof: 200_000) {
            let given = (0..<Int.random(in: 0...8, using: &random)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &random)]
            }
            let moved = SharedOptions.last(given)
            #expect(moved.sorted() == given.sorted(), "seed \(PropertySettings.seed): \(given)")
            #expect(SharedOptions.last(moved) == moved, "seed \(PropertySettings.seed): \(given)")
            let behind = given.drop { $0 != "--" }
            #expect(moved.suffix(behind.count) == behind, "seed \(PropertySettings.seed): \(given)")
        }
    }

    /// Every flag of the group is known to what moves them, and every one of the contract's is there.
    @Test func namesAgreeWithTheParser() throws {
        let parser = BusRoot.manual(of: SharedOptionsOnly.self).options
        for option in parser {
            for name in option.names {
                let value = option.value == nil ? [] : ["x"]
                #expect(SharedOptions.last([name] + value + ["word"]).first == "word", "\(name)")
            }
        }
        let names = Set(parser.flatMap(\.names))
        #expect(
            names.isSuperset(of: [
                "-V", "--version", "-v", "--verbose", "--trace", "-q", "--quiet", "-C", "--chdir", "-o", "--output",
                "-f", "--format", "--color", "--no-color", "--timeout",
            ]))
    }
}
