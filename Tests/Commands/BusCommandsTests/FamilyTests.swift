import BusCommands
import BusCore
import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Our own first words: services behind `integration` and `api`, and help.
@Suite(.timeLimit(.minutes(5))) struct FamilyTests {
    @Test(arguments: [
        (["integration", "stripe"], "bus-integration-stripe"),
        (["api", "provider", "events"], "bus-api-provider-events"),
        (["integration-stripe"], "bus-integration-stripe"), (["local"], "bus-local"),
    ])
    func wordsLeadToOurPrograms(words: [String], program: String) async throws {
        let result = try await BusWorld().run("bus", words + ["--version"])
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(result.standardOutput.hasPrefix("\(program) "))
    }

    @Test func wordsThatAreNotOursGoToAnotherInstall() async throws {
        let world = try BusWorld()
        for word in ["integration", "api"] { try world.addModule(word, "echo \"foreign $*\"") }
        #expect(try await world.bus("-v", "integration", "mail", "--x").standardOutput == "foreign -v mail --x\n")
        #expect(try await world.bus("integration", "usage").standardOutput == "foreign usage\n")
        #expect(try await world.bus("api", "provider", "vm").standardOutput == "foreign provider vm\n")
        #expect(
            try await world.bus("integration", "stripe", "--version").standardOutput.hasPrefix(
                "bus-integration-stripe "))
        try world.addModule("integration-usage", "echo \"usage $*\"")
        #expect(try await world.bus("-q", "integration", "usage", "x").standardOutput == "usage --quiet x\n")
    }

    @Test func wordsThatNobodyKnowsAreRefused() async throws {
        let world = try BusWorld()
        for (arguments, exit, says): ([String], Int32, String) in [
            (["integration", "mail"], 2, "bus: bus integration has no command \"mail\""),
            (["integration"], 2, "bus integration stripe"), (["api", "provider"], 2, "has no command \"provider\""),
            (["integration", "usage"], 127, "bus: bus-integration-usage is not installed"),
        ] {
            let result = try await world.run("bus", arguments)
            #expect(result.exit == .code(exit), "\(arguments)")
            #expect(result.standardError.contains(says), "\(result.standardError)")
        }
    }

    /// The flags before a program's words come first; a program of its own goes to the folder, and we stay.
    @Test func programGetsTheFlagsOnce() async throws {
        let world = try BusWorld()
        world.makeFolder("in")
        try world.addModule("integration", "echo \"$*\"; while [ \"$1\" != --chdir ]; do shift; done; cd \"$2\"; pwd")
        let flags = ["-C", "in", "--timeout", "5s", "-v"]
        let expected = "-v --chdir in --timeout 5s mail -x\n\(world.folder.path)/in\n"
        #expect(try await world.run("bus", flags + ["integration", "mail", "-x"]).standardOutput == expected)
        try world.write("-v\n--chdir in\n--timeout 5s\nintegration mail -x\n", to: "x.bus")
        #expect(try await world.bus("x.bus").standardOutput == expected)
    }

    /// What another dispatcher finds as `bus-integration` may be a link to `bus`.
    @Test func linkUnderAFamilysNameIsThatFamily() async throws {
        let world = try BusWorld()
        symlink(Products.path(of: "bus"), "\(world.modules)/bus-integration")
        let umbrella = "\(world.modules)/bus-integration"
        let stripe = try await world.run(umbrella, ["stripe", "--version"])
        #expect(stripe.standardOutput.hasPrefix("bus-integration-stripe "), "\(stripe.standardError)")
        let unknown = try await world.run(umbrella, ["mail"])
        #expect(unknown.exit == .code(2))
        #expect(unknown.standardError.contains("has no command \"mail\""), "\(unknown.standardError)")
        #expect(try await world.run(umbrella, ["--help"]).standardOutput.contains("bus integration stripe"))
        #expect(try await world.bus("integration", "mail").exit == .code(2))
    }

    static let service = [
        "BUS_API_TOKEN": TestTokens(secret: "k").token(scope: "billing:subscription:write", now: unixNow()),
        "BUS_STRIPE_WEBHOOK_SECRET": "whsec_made_up", "BUS_OPS_ADDR": "127.0.0.1:0",
    ]
    static let words = ["--webhook-addr", "127.0.0.1:0", "--webhook-only"]

    /// A supervisor that started `bus` talks with the service itself.
    @Test func serviceTakesOurPlace() async throws {
        let world = try BusWorld()
        let outcome = try await BusProcess.run(
            "bus", ["integration", "stripe", "--events-url", "http://127.0.0.1:1"] + FamilyTests.words,
            environment: world.variables(FamilyTests.service), in: world.folder
        ) { process in
            _ = try await process.address()
            let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process.id)/exe")
            process.terminate()
            try await process.end()
            return program
        }
        #expect(outcome.exit == .code(0))
        #expect(outcome.value == Products.path(of: "bus-integration-stripe"))
    }

    @Test(arguments: [["--help"], ["-h"], ["help"], ["help", "help"], ["-v", "--help"], ["help", "--help"]])
    func helpLeadsWithExamplesAndNamesEverything(_ arguments: [String]) async throws {
        let result = try await BusWorld().run("bus", arguments)
        #expect(result.exit == .code(0) && result.standardError.isEmpty)
        let help = result.standardOutput
        let lines = help.split(separator: "\n").map { String($0) }
        #expect(lines[1] == "EXAMPLES")
        #expect(lines.allSatisfy { $0.count <= 96 })
        for name in BusEnvironment.defaults.keys + ["PATH", "BUS_PERF", "BUS_BATCH", "BUS_BUSFILE_LINE", ".env"] {
            #expect(help.contains(name), "\(name)")
        }
        for code in ["0", "1", "2", "65", "127"] { #expect(lines.contains { $0.hasPrefix("  \(code)  ") }, "\(code)") }
        for family in Family.all { #expect(lines.contains { $0.hasPrefix("  \(family.word) ") }) }
        #expect(!help.contains("usage,") && !help.contains("provider usage"), "no such program is installed")
        #expect(lines.contains { $0.contains(" journal ") || $0.hasSuffix(" journal") }, "installed modules are listed")
    }

    /// On a machine that has `bus` alone, help names nothing that would end in "not installed".
    @Test func helpNamesOnlyWhatIsThere() async throws {
        let world = try BusWorld()
        let alone = "\(world.folder.path)/alone"
        world.makeFolder("alone")
        let bus = "\(alone)/bus"
        // A link would lead to the folder with the other programs.
        do {
            try FileManager.default.linkItem(atPath: Products.path(of: "bus"), toPath: bus)
        } catch {
            try FileManager.default.copyItem(atPath: Products.path(of: "bus"), toPath: bus)
        }
        let path = ["PATH": "/usr/bin:/bin"]
        let help = try await world.run(bus, ["--help"], environment: path).standardOutput
        let words = help.split(separator: "\n").filter { $0.hasPrefix("  ") }.map { $0.split(separator: " ")[0] }
        #expect(words.contains("billing") && !words.contains("api") && !words.contains("integration"))
        #expect(!help.contains("integration stripe") && !help.contains("journal"))
        let mistyped = try await world.run(bus, ["integartion"], environment: path)
        #expect(mistyped.exit == .code(127) && !mistyped.standardError.contains("did you mean"))
        let missing = try await world.run(bus, ["integration", "--help"], environment: path)
        #expect(missing.standardOutput.contains("No program behind bus integration is installed"))

        try world.write("#!/bin/sh\n", to: "alone/bus-integration-stripe", mode: 0o700)
        let more = try await world.run(bus, ["--help"], environment: path).standardOutput
        #expect(more.contains("  integration             Workers: stripe.\n") && !more.contains("  api "), "\(more)")
    }

    @Test func helpHasAFormForPrograms() async throws {
        let world = try BusWorld()
        for arguments in [["help", "--format", "opencli"], ["help", "-f", "json"], ["--format=json", "help"]] {
            let result = try await world.run("bus", arguments)
            let document = try JSONValue(parsing: Array(result.standardOutput.utf8))
            #expect(document["opencli"]?.text == "0.1.0")
            #expect(document["info"]?["title"]?.text == "bus")
            #expect(document["commands"]?.elements?.map { $0["name"]?.text } == Family.all.map(\.word))
            #expect(document["exitCodes"]?.elements?.map { $0["code"]?.integer } == [0, 1, 2, 65, 127])
        }
        #expect(try await world.bus("help", "--format", "xml").exit == .code(2))
    }

    @Test func helpOnAModuleIsTheModules() async throws {
        let world = try BusWorld()
        #expect(try await world.bus("help", "journal").standardOutput == "[--help]\n")
        #expect(
            try await world.bus("help", "integration", "stripe").standardOutput.contains(
                "USAGE: bus-integration-stripe"))
        #expect(try await world.bus("help", "integration").standardOutput.contains("bus integration stripe"))
        let unknown = try await world.bus("help", "jurnal")
        #expect(unknown.exit == .code(127) && unknown.standardError.contains("did you mean \"journal\"?"))
        try world.addModule("help", "echo \"foreign help $*\"")
        #expect(try await world.bus("help", "journal").standardOutput == "foreign help journal\n")
        #expect(try await world.bus("help").standardOutput.contains("EXAMPLES"))
    }

    @Test func versionNamesTheProgram() async throws {
        for flag in ["--version", "-V"] {
            let result = try await BusWorld().bus(flag)
            #expect(result.exit == .code(0))
            #expect(result.standardOutput.wholeMatch(of: /bus \d+\.\d+\.\d+\n/) != nil)
        }
    }

    /// Beside another Bus install, words that only it knows stay its own.
    @Test func foreignProgramGetsTheWordsWeDoNotKnow() async throws {
        let world = try BusWorld()
        try world.addModule("operator", "echo \"foreign $*\"")
        try world.addModule("events", "echo \"foreign $*\"")
        try world.addModule("billing", "echo \"foreign $*\"")
        #expect(try await world.bus("operator", "auth", "x").standardOutput == "foreign auth x\n")
        #expect(try await world.bus("-f", "json", "operator", "auth").standardOutput == "foreign --format json auth\n")
        #expect(try await world.bus("events", "relay", "--to", "x").standardOutput == "foreign relay --to x\n")
        // What we know is ours, whatever else is installed.
        for words in [
            ["operator", "help", "token"], ["operator", "token", "issue", "--help"],
            ["operator", "-f", "json", "token", "issue", "--help"],
            ["billing", "--help"], ["events", "send", "-h"], ["help", "billing", "status"],
        ] {
            let result = try await world.run("bus", words)
            #expect(result.standardOutput.hasPrefix("OVERVIEW"), "\(words): \(result.standardOutput)")
        }
    }

    /// Links to `bus` under the programs' names are these programs.
    @Test(arguments: [
        ("operator", ["token", "issue"]), ("operator-stripe", ["catalog", "sync"]), ("billing", ["status"]),
        ("events", ["send"]),
    ])
    func linksAreTheFamilies(_ name: String, _ words: [String]) async throws {
        let world = try BusWorld()
        let link = "\(world.modules)/bus-\(name)"
        symlink(Products.path(of: "bus"), link)
        let help = try await world.run(link, words + ["--help"])
        let all = ["bus"] + name.split(separator: "-").map { String($0) } + words
        #expect(help.standardOutput.contains("USAGE: \(all.joined(separator: " "))"))
        #expect(try await world.run(link, ["--version"]).standardOutput.hasPrefix("bus-\(name) "))
        let unknown = try await world.run(link, ["nonsense"])
        #expect(unknown.exit == .code(2) && unknown.standardError.contains("has no command \"nonsense\""))
    }

    /// `bus-operator-x` is no command of ours, so a link of that name is just `bus`.
    @Test func otherNamesAreBusItself() {
        for name in ["bus-operator-x", "bus-integration-stripe", "bus", "journal", "bus-", "bus-billing-"] {
            #expect(Family.named(program: name) == nil, "\(name)")
        }
        for (name, word, words) in [
            ("bus-operator-token", "operator", ["token"]), ("bus-integration", "integration", []),
        ] {
            let implied = Family.named(program: name)
            #expect(implied?.family.word == word && implied?.words == words)
        }
    }
}
