import BusCommands
import BusCore
import Glibc
import TestSupport
import Testing

/// Includes, sticky flags, folders and variables of `.bus` files.
@Suite(.timeLimit(.minutes(5))) struct BusFileIncludeTests {
    @Test func includeIsRelativeToItsFile() async throws {
        let world = try BusWorld()
        world.makeFolder("inner")
        world.makeFolder("inner/deep")
        try world.write("inner/a.bus\n$NAME.bus\n", to: "x.bus")
        try world.write("deep/b.bus\n../c.bus\n", to: "inner/a.bus")
        try world.write("env BUS_BUSFILE\n", to: "inner/deep/b.bus")
        try world.write("env BUS_BUSFILE\n", to: "c.bus")
        let result = try await world.bus("x.bus", environment: ["NAME": "\(world.folder.path)/c"])
        #expect(
            result.standardOutput
                == "BUS_BUSFILE=inner/deep/b.bus\nBUS_BUSFILE=inner/../c.bus\nBUS_BUSFILE=\(world.folder.path)/c.bus\n")
    }

    @Test func fileMayBeIncludedTwiceButNotByItself() async throws {
        let world = try BusWorld()
        try world.write("journal once\n", to: "c.bus")
        try world.write("c.bus\nc.bus\n", to: "x.bus")
        #expect(try await world.bus("x.bus", "c.bus").standardOutput == "[once]\n[once]\n[once]\n")

        try world.write("journal ran\nb.bus\n", to: "a.bus")
        symlink("a.bus", "\(world.folder.path)/link.bus")
        try world.write("\nlink.bus\n", to: "b.bus")
        let cycle = try await world.bus("a.bus")
        #expect(cycle.exit == .code(65))
        #expect(
            cycle.standardError.hasPrefix("b.bus:2: syntax error: include cycle: link.bus"), "\(cycle.standardError)")
        #expect(cycle.standardOutput.isEmpty)
    }

    /// Files that include each other twice would grow without an end; files in a row would fill the stack.
    @Test func includesAreBounded() async throws {
        let world = try BusWorld()
        for level in 0..<20 { try world.write("\(level + 1).bus\n\(level + 1).bus\n", to: "\(level).bus") }
        try world.write("", to: "20.bus")
        let many = try await world.bus("0.bus")
        #expect(many.exit == .code(65))
        #expect(many.standardError.contains("more than \(Limits.busFilesMax) files"), "\(many.standardError)")
        for level in 0..<100 { try world.write("\(level + 1).bus\n", to: "\(level).bus") }
        let deep = try await world.bus("0.bus")
        #expect(deep.exit == .code(65))
        #expect(deep.standardError.contains("\(Limits.busFileDepthMax) deep"), "\(deep.standardError)")
    }

    @Test func flagsOnALineOfTheirOwnHoldForWhatFollows() async throws {
        let world = try BusWorld()
        try world.write(
            """
            journal 1
            --chdir data --format json
            journal 2
            --chdir reports -v
            inner.bus
            journal 5
            --no-chdir --no-format --no-verbose
            journal 6
            journal --quiet
            """, to: "x.bus")
        try world.write("journal 3\n-o out\njournal 4\n", to: "inner.bus")
        try world.write("journal 7\n", to: "y.bus")
        let result = try await world.bus("x.bus", "y.bus")
        #expect(
            result.standardOutput == """
                [1]
                [--chdir][data][--format][json][2]
                [-v][--chdir][reports][--format][json][3]
                [-v][--chdir][reports][--output][out][--format][json][4]
                [-v][--chdir][reports][--output][out][--format][json][5]
                [--output][out][6]
                [--output][out][--quiet]
                [7]

                """, "\(result.standardError)")
    }

    @Test func stickyPerfMeasuresEachCommand() async throws {
        let world = try BusWorld()
        try world.write("--perf\nenv BUS_PERF\nexit 0\n--no-perf\nenv BUS_PERF\n", to: "x.bus")
        let result = try await world.bus("x.bus")
        #expect(result.standardOutput == "BUS_PERF=1\nBUS_PERF=\n")
        let lines = result.standardError.split(separator: "\n").map { $0.split(separator: " ").prefix(4) }
        #expect(lines == [["INFO", "perf", "bus-env", "BUS_PERF"], ["INFO", "perf", "bus-exit", "0"]])
    }

    @Test func folderReallyChanges() async throws {
        let world = try BusWorld()
        world.makeFolder("inner")
        try world.write("BUS_A=inner\n", to: "inner/.env")
        try world.write("where\nenv BUS_A\n", to: "inner/x.bus")
        try world.addModule("where", "pwd; echo \"$# arguments\"")
        let result = try await world.bus("-C", "inner", "x.bus")
        #expect(
            result.standardOutput == "\(world.folder.path)/inner\n0 arguments\nBUS_A=inner\n", "\(result.standardError)"
        )
        #expect(try await world.bus("x.bus", "-C", "inner").standardOutput == result.standardOutput)
        try world.write("#!/usr/bin/env bus\nwhere\n", to: "inner/script", mode: 0o700)
        #expect(try await world.bus("-C", "inner", "script").standardOutput.hasSuffix("inner\n0 arguments\n"))
    }

    @Test func variablesComeFromProcessThenFileThenDefaults() async throws {
        let world = try BusWorld()
        try world.write("BUS_A=file\nBUS_B=file\n", to: ".env")
        try world.write(
            "journal $BUS_A $BUS_B \"$BUS_EVENTS_API_URL\" '$A' \\$A \"${BUS_A}$NOPE\" $EMPTY\n", to: "x.bus")
        let result = try await world.bus("x.bus", environment: ["BUS_A": "two words", "EMPTY": ""])
        #expect(
            result.standardOutput
                == "[two words][file][http://127.0.0.1:8081/local/v1][$A][$A][two words$NOPE][]\n")
    }

    @Test func ownCommandRunsAsALine() async throws {
        let world = try BusWorld()
        try world.write("help --format json\nintegration stripe --version\n", to: "x.bus")
        let result = try await world.bus("x.bus")
        #expect(result.standardOutput.hasPrefix("{\"opencli\":\"0.1.0\""), "\(result.standardError)")
        #expect(result.standardOutput.contains("\nbus-integration-stripe "))
    }

    @Test func serviceRunsAsALine() async throws {
        let world = try BusWorld()
        try world.write("BUS_EVENTS_API_URL=http://127.0.0.1:1\n", to: ".env")
        let line = "integration stripe --events-url \"$BUS_EVENTS_API_URL\" \(FamilyTests.words.joined(separator: " "))"
        try world.write("\(line)\n", to: "x.bus")
        let outcome = try await BusProcess.run(
            "bus", ["--trace", "x.bus"], environment: world.variables(FamilyTests.service), in: world.folder
        ) { process in
            _ = try await process.address()
            process.terminate()
            try await process.end()
            return process.output.standardOutput
        }
        #expect(outcome.exit == .code(0))
        #expect(
            outcome.value.hasPrefix(
                "x.bus:1: bus integration stripe --events-url http://127.0.0.1:1 --webhook-addr 127.0.0.1:0"))
    }

    @Test(arguments: [
        (["journal", "add", "--debit", "1910=861.68", "--credit=3000=-1 000,00=ÄÖ = text"], true),
        (["journal", "add", "--debit", "1910=x"], false), (["journal", "add", "--credit", "=1"], false),
        (["journal", "add", "--debit"], false), (["journal", "add", "--debit", "--help"], true),
        (["journal", "list", "--debit", "x"], true), (["journal", "add", "--desc", "x"], true),
        (["bank", "add", "transactions", "--set", "amount=-861.68", "--set=iban="], true),
        (["bank", "add", "transactions", "--set", "amount"], false), (["bank", "add", "accounts", "--set", "x"], true),
    ])
    func onlyImpossibleBookingsAreRefused(words: [String], isFine: Bool) {
        #expect((BusFileChecks.fault(in: words) == nil) == isFine)
    }
}
