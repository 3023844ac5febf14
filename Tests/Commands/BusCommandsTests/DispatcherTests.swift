import BusCommands
import BusCore
import Glibc
import TestSupport
import Testing

/// `bus <word>` as a process.
@Suite(.timeLimit(.minutes(5))) struct DispatcherTests {
    @Test func foreignModuleRunsWithItsArgumentsUntouched() async throws {
        let world = try BusWorld()
        let result = try await world.bus("journal", "add", "", "a b", "--quiet", "-C", "$X", "--", "x.bus")
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(result.standardOutput == "[add][][a b][--quiet][-C][$X][--][x.bus]\n")
        #expect(result.standardError.isEmpty)
    }

    @Test func globalsAreRenderedAgainInOneOrder() async throws {
        let world = try BusWorld()
        let result = try await world.bus("--format=json", "-vv", "-C", ".", "--color", "never", "journal", "x")
        #expect(result.standardOutput == "[--color][never][-v][-v][--chdir][.][--format][json][x]\n")
        let dashed = try await world.bus("--quiet", "--", "journal", "--", "x")
        #expect(dashed.standardOutput == "[--quiet][--][x]\n")
    }

    /// The child changes its folder, not we; only `.env` comes from there.
    @Test func folderIsTheChildsToChangeTo() async throws {
        let world = try BusWorld()
        world.makeFolder("inner")
        try world.write("BUS_A=outer\n", to: ".env")
        try world.write("BUS_A=inner\n", to: "inner/.env")
        try world.addModule("where", "pwd; echo \"$BUS_A\"")
        #expect(try await world.bus("where").standardOutput == "\(world.folder.path)\nouter\n")
        #expect(try await world.bus("-C", "inner", "where").standardOutput == "\(world.folder.path)\ninner\n")
        #expect(try await world.bus("-C", "nowhere", "journal").standardOutput == "[--chdir][nowhere]\n")
    }

    @Test func bytesThatAreNotTextReachTheChild() async throws {
        let world = try BusWorld()
        try world.addModule("bytes", "printf '%s' \"$1$B\" | od -An -tx1")
        let bus = Products.path(of: "bus")
        let result = try await world.run("/bin/sh", ["-c", "B=$(printf '\\376') \(bus) bytes \"$(printf 'a\\377')\""])
        #expect(result.standardOutput == " 61 ff fe\n")
    }

    @Test(arguments: [0, 1, 2, 65, 127, 3, 255]) func childsExitCodeIsOurs(code: Int32) async throws {
        let result = try await BusWorld().bus("exit", "\(code)")
        #expect(result.exit == .code(code))
        #expect(result.standardError.isEmpty)
    }

    @Test(arguments: [["die"], ["--perf", "die"]], ["KILL", "TERM", "SEGV"])
    func childsDeathBySignalIsOne(words: [String], signal: String) async throws {
        let world = try BusWorld()
        #expect(try await world.run("bus", words + [signal]).exit == .code(1))
    }

    @Test func signalReachesTheChildAndItsAnswerComesBack() async throws {
        let world = try BusWorld()
        try world.addModule("wait", "trap 'echo stopping; exit 7' TERM; echo ready; while :; do sleep 0.05; done")
        let outcome = try await BusProcess.run(
            "bus", ["wait"], environment: world.variables(), in: world.folder
        ) { process in
            try await eventually("the module waits") {
                process.output.standardOutput.contains("ready") ? true : nil
            }
            process.terminate()
            try await process.end()
            return process.output.standardOutput
        }
        #expect(outcome.exit == .code(7))
        #expect(outcome.value == "ready\nstopping\n")
    }

    @Test func programThatCannotRunIsOne() async throws {
        let world = try BusWorld()
        try world.write("#!/no/such/interpreter\n", to: "modules/bus-broken", mode: 0o700)
        let result = try await world.bus("broken")
        #expect(result.exit == .code(1))
        #expect(result.standardError.hasPrefix("bus: cannot run \(world.modules)/bus-broken: "))
    }

    @Test func firstExecutableOnPathRuns() async throws {
        let world = try BusWorld()
        for name in ["a", "b", "c"] { world.makeFolder(name) }
        try world.write("#!/bin/sh\necho a\n", to: "a/bus-pick")
        world.makeFolder("b/bus-pick")
        try world.write("#!/bin/sh\necho c\n", to: "c/bus-pick", mode: 0o700)
        try world.write("#!/bin/sh\necho here\n", to: "bus-pick", mode: 0o700)
        let root = world.folder.path
        let path = "\(root)/a:\(root)/b:\(root)/c"
        #expect(try await world.bus("pick", environment: ["PATH": "\(path)::/bin"]).standardOutput == "c\n")
        // An empty entry is the working folder; an empty PATH has no entry.
        #expect(try await world.bus("pick", environment: ["PATH": ":\(path)"]).standardOutput == "here\n")
        #expect(try await world.bus("pick", environment: ["PATH": ""]).exit == .code(127))
    }

    @Test func wordNeverLeavesThePath() async throws {
        let world = try BusWorld()
        world.makeFolder("modules/bus-x")
        #expect(try await world.bus("x/../bus-journal").exit == .code(127))
    }

    @Test func hyphenatedWordIsOneWord() async throws {
        let world = try BusWorld()
        try world.addModule("operator-token", "echo token \"$@\"")
        #expect(try await world.bus("operator-token", "issue").standardOutput == "token issue\n")
        #expect(try await world.bus("journal", "token").standardOutput == "[token]\n")
    }

    struct Refusal: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let exit: Int32
        let says: String

        var testDescription: String { "bus \(arguments.joined(separator: " "))" }
    }

    static let refused = [
        Refusal(arguments: [], exit: 2, says: "USAGE: bus"),
        Refusal(arguments: ["--"], exit: 2, says: "USAGE: bus"),
        Refusal(arguments: ["-v"], exit: 2, says: "USAGE: bus"),
        Refusal(arguments: ["--nonsense", "journal"], exit: 2, says: "bus: unknown option \"--nonsense\""),
        Refusal(arguments: ["--quiet", "-v", "journal"], exit: 2, says: "--quiet"),
        Refusal(arguments: ["--output"], exit: 2, says: "--output needs a value"),
        Refusal(arguments: ["--chdir=x", "journal"], exit: 2, says: "--chdir=x"),
        Refusal(arguments: ["jurnal"], exit: 127, says: "bus: unknown command \"jurnal\"; did you mean \"journal\"?"),
        Refusal(arguments: ["integartion"], exit: 127, says: "did you mean \"integration\"?"),
        Refusal(arguments: ["xyzzyx"], exit: 127, says: "unknown command \"xyzzyx\"; see bus --help"),
        Refusal(arguments: ["bus"], exit: 127, says: "unknown command \"bus\""),
        Refusal(arguments: [""], exit: 127, says: "unknown command \"\""),
        Refusal(arguments: ["--", "--help"], exit: 127, says: "unknown command \"--help\""),
        Refusal(arguments: ["-v", "x.bus"], exit: 127, says: "unknown command \"x.bus\"; before a .bus file only -C"),
    ]

    @Test(arguments: refused) func refuses(_ test: Refusal) async throws {
        let result = try await BusWorld().run("bus", test.arguments)
        #expect(result.exit == .code(test.exit))
        #expect(result.standardError.contains(test.says), "\(result.standardError)")
        #expect(result.standardOutput.isEmpty)
    }

    @Test func perfPrintsOneLineAndTellsTheChild() async throws {
        let world = try BusWorld()
        let result = try await world.bus("--perf", "env", "BUS_PERF")
        #expect(result.standardOutput == "BUS_PERF=1\n")

        let line = /INFO perf bus-env BUS_PERF \d+(\.\d+)?(µs|ms|s)\n/
        #expect(result.standardError.wholeMatch(of: line) != nil, "\(result.standardError)")
        #expect(try await world.bus("env", "BUS_PERF").standardOutput == "BUS_PERF=\n")
        let failing = try await world.bus("--perf", "exit", "3")
        #expect(failing.exit == .code(3) && failing.standardError.hasPrefix("INFO perf bus-exit 3 "))
        // A value is no operation, and may be private.
        let flagged = try await world.bus("--perf", "journal", "--password=made up")
        #expect(flagged.standardError.hasPrefix("INFO perf bus-journal - "))
    }
}
