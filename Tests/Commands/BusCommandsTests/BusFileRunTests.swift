import BusCommands
import BusCore
import Glibc
import TestSupport
import Testing

/// `.bus` files run by the real program.
@Suite(.timeLimit(.minutes(5))) struct BusFileRunTests {
    @Test func linesRunInOrderWithTheirPlaceInTheEnvironment() async throws {
        let world = try BusWorld()
        try world.write(
            "#!/usr/bin/env bus\n\njournal add 'a b' \\\n  --date 2024-02-29\n"
                + "env BUS_BATCH BUS_BUSFILE BUS_BUSFILE_LINE\n",
            to: "a.bus")
        try world.write("journal last\n", to: "b.bus")
        let result = try await world.bus("a.bus", "b.bus")
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(
            result.standardOutput == """
                [add][a b][--date][2024-02-29]
                BUS_BATCH=1
                BUS_BUSFILE=a.bus
                BUS_BUSFILE_LINE=5
                [last]

                """)
    }

    @Test func inputIsTheChilds() async throws {
        let world = try BusWorld()
        try world.addModule("copy", "cat")
        try world.write("copy\n", to: "x.bus")
        let bus = Products.path(of: "bus")
        #expect(try await world.run("/bin/sh", ["-c", "echo data | \(bus) x.bus"]).standardOutput == "data\n")
    }

    @Test func executableWithOurFirstLineIsABusFile() async throws {
        let world = try BusWorld()
        let products = Products.path(of: "bus").dropLast("/bus".count)
        let path = ["PATH": "\(world.modules):\(products):/usr/bin:/bin"]
        let month = try world.write("#!/usr/bin/env bus\njournal month\n", to: "month", mode: 0o700)
        #expect(try await world.run(month, [], environment: path).standardOutput == "[month]\n")
        let dotted = try world.write("#!/usr/bin/env bus\njournal dotted\n", to: "y.bus", mode: 0o700)
        #expect(try await world.run(dotted, [], environment: path).standardOutput == "[dotted]\n")
        try world.write("#!/usr/bin/bus\njournal other\n", to: "inner", mode: 0o700)
        #expect(try await world.bus("--trace", "./inner").standardOutput == "./inner:2: bus journal other\n[other]\n")
        // Not exactly that line, or not executable: a command that nobody knows.
        for (line, mode): (String, mode_t) in [
            ("#!/usr/bin/env bus -v", 0o700), ("#!/bin/bus", 0o700), ("#!/usr/bin/env bus\r", 0o700),
            ("#!/usr/bin/env bus", 0o600),
        ] {
            try world.write("\(line)\njournal ran\n", to: "other", mode: mode)
            #expect(try await world.bus("./other").exit == .code(127), "\(line)")
        }
    }

    struct Stop: Sendable, CustomTestStringConvertible {
        let name: String
        let file: String
        var arguments: [String] = []
        let exit: Int32
        let says: String

        var testDescription: String { name }
    }

    static let stops = [
        Stop(
            name: "syntax", file: "journal ran\njournal 'x\n", exit: 65,
            says: "x.bus:2: syntax error: unterminated quote"),
        Stop(name: "operator", file: "journal ran\njournal a | b\n", exit: 65, says: "x.bus:2: syntax error: \"|\""),
        Stop(name: "continuation", file: "journal ran\njournal \\\n", exit: 65, says: "x.bus:2: syntax error: "),
        Stop(
            name: "target", file: "journal ran\njurnal a\n", exit: 127,
            says: "x.bus:2: dispatch error: unknown target \"jurnal\"; did you mean \"journal\"?"),
        Stop(name: "bus prefix", file: "bus journal ran\n", exit: 127, says: "dispatch error: unknown target \"bus\""),
        Stop(
            name: "flag before a word", file: "--quiet journal ran\n", exit: 127, says: "unknown target \"--quiet\""),
        Stop(
            name: "unknown integration", file: "integration nope\n", exit: 127,
            says: "unknown target \"integration nope\""),
        Stop(name: "empty word", file: "'' a\n", exit: 127, says: "unknown target \"\""),
        Stop(
            name: "help directive", file: "journal ran\n--help\n", exit: 65, says: "x.bus:2: syntax error: \"--help\""),
        Stop(name: "version directive", file: "-v -V\n", exit: 65, says: "x.bus:1: syntax error: \"-V\""),
        Stop(name: "conflicting directive", file: "-q\n-v\n", exit: 65, says: "x.bus:2: syntax error: --quiet"),
        Stop(
            name: "missing include", file: "journal ran\nnone.bus\n", exit: 2, says: "x.bus:2: cannot read none.bus: "),
        Stop(name: "own include", file: "journal ran\nx.bus\n", exit: 65, says: "x.bus:2: syntax error: include cycle"),
        Stop(
            name: "journal check", file: "journal ran\njournal add --debit 1910\n", exit: 1,
            says: "x.bus:2: validation error: --debit"),
        Stop(
            name: "bank check", file: "bank add transactions --set =1\n", exit: 1,
            says: "x.bus:1: validation error: --set"),
        Stop(
            name: "transaction", file: "journal ran\n", arguments: ["--transaction", "fs"], exit: 2,
            says: "--transaction fs"),
        Stop(
            name: "transaction=", file: "journal ran\n", arguments: ["--transaction=git"], exit: 2,
            says: "--transaction git"),
        Stop(name: "syntax before targets", file: "jurnal\njournal '\n", exit: 65, says: "x.bus:2"),
        Stop(name: "checks before targets", file: "jurnal\njournal add --credit x\n", exit: 1, says: "x.bus:2"),
        Stop(
            name: "targets before transactions", file: "jurnal\n", arguments: ["--transaction", "copy"], exit: 127,
            says: "x.bus:1"),
    ]

    /// A good file stands first: nothing of it may run.
    @Test(arguments: stops, [[], ["--check"]]) func preflightStopsBeforeAnythingRuns(_ stop: Stop, options: [String])
        async throws
    {
        let world = try BusWorld()
        try world.write("journal first\n", to: "first.bus")
        try world.write(stop.file, to: "x.bus")
        let result = try await world.run("bus", options + stop.arguments + ["first.bus", "x.bus"])
        #expect(result.exit == .code(stop.exit))
        #expect(result.standardError.contains(stop.says), "\(result.standardError)")
        #expect(result.standardOutput.isEmpty)
    }

    struct Usage: Sendable, CustomTestStringConvertible {
        let arguments: [String]
        let exit: Int32

        var testDescription: String { "bus \(arguments.joined(separator: " "))" }
    }

    @Test(arguments: [
        Usage(arguments: ["x.bus", "-v"], exit: 2), Usage(arguments: ["x.bus", "journal"], exit: 2),
        Usage(arguments: ["x.bus", "--quiet", "x.bus"], exit: 2), Usage(arguments: ["none.bus"], exit: 2),
        Usage(arguments: ["--transaction", "paper", "x.bus"], exit: 2),
        Usage(arguments: ["x.bus", "--scope=all"], exit: 2),
        Usage(arguments: ["x.bus", "--transaction"], exit: 2), Usage(arguments: ["--check"], exit: 2),
        Usage(arguments: ["--check=1", "x.bus"], exit: 2), Usage(arguments: ["-C=.", "x.bus"], exit: 2),
        Usage(arguments: ["-C", "nowhere", "x.bus"], exit: 1), Usage(arguments: ["folder.bus"], exit: 2),
        Usage(arguments: ["-v", "x.bus"], exit: 127), Usage(arguments: ["--", "x.bus"], exit: 127),
        Usage(arguments: ["--perf", "x.bus"], exit: 127),
    ])
    func wrongCommandLineRunsNothing(_ usage: Usage) async throws {
        let world = try BusWorld()
        world.makeFolder("folder.bus")
        try world.write("journal ran\n", to: "x.bus")
        let result = try await world.run("bus", usage.arguments)
        #expect(result.exit == .code(usage.exit), "\(result.standardError)")
        #expect(result.standardOutput.isEmpty && !result.standardError.isEmpty)
    }

    @Test(arguments: [["--transaction", "none"], ["--transaction=none"], ["--scope", "batch"], ["--scope=file"], []])
    func optionsWithoutEffectAreTaken(_ options: [String]) async throws {
        let world = try BusWorld()
        try world.write("journal ran\n", to: "x.bus")
        #expect(try await world.run("bus", ["x.bus"] + options + ["x.bus"]).standardOutput == "[ran]\n[ran]\n")
    }

    @Test func checkRunsAndPrintsNothing() async throws {
        let world = try BusWorld()
        try world.write("journal ran\nx y\n", to: "x.bus")
        try world.addModule("x", "echo ran")
        for options in [["--check"], ["--check", "--trace"]] {
            let result = try await world.run("bus", options + ["x.bus"])
            #expect(result.exit == .code(0))
            #expect(result.standardOutput.isEmpty && result.standardError.isEmpty)
        }
    }

    @Test func traceStandsOnStandardOutputBeforeEachCommand() async throws {
        let world = try BusWorld()
        try world.write("journal 'a b' \\\n $A\n-v\n\njournal c\n", to: "x.bus")
        let result = try await world.bus("--trace", "x.bus", environment: ["A": "1"])
        #expect(result.standardOutput == "x.bus:1: bus journal a b 1\n[a b][1]\nx.bus:5: bus -v journal c\n[-v][c]\n")
        #expect(result.standardError.isEmpty)
    }

    @Test func firstFailureEndsTheBatch() async throws {
        let world = try BusWorld()
        try world.write("journal before\n  exit \\\n 7 '$A'\njournal after\n", to: "x.bus")
        try world.write("journal other\n", to: "y.bus")
        let result = try await world.bus("x.bus", "y.bus", environment: ["A": "made_up"])
        #expect(result.exit == .code(7))
        #expect(result.standardOutput == "[before]\n")
        #expect(result.standardError == "x.bus:2: command failed (exit 7): exit  7 '$A'\n")
        try world.write("die KILL\n", to: "x.bus")
        let killed = try await world.bus("x.bus")
        #expect(killed.exit == .code(1))
        #expect(killed.standardError == "x.bus:1: command failed (exit 1): die KILL\n")
    }

    @Test func stopSignalEndsTheBatchEvenWhenTheCommandEndsWell() async throws {
        let world = try BusWorld()
        try world.addModule("wait", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done")
        try world.write("wait\njournal after\n", to: "x.bus")
        let outcome = try await BusProcess.run(
            "bus", ["x.bus"], environment: world.variables(), in: world.folder
        ) { process in
            try await eventually("the module waits") {
                process.output.standardOutput.contains("ready") ? true : nil
            }
            process.terminate()
            try await process.end()
            return process.output
        }
        #expect(outcome.exit == .code(1))
        #expect(outcome.value.standardOutput == "ready\n")
        #expect(outcome.value.standardError == "x.bus:1: stopped by signal 15; the lines after it did not run\n")
    }
}
