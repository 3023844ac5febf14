import ArgumentParser
import BusCLI
import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BusCommands

extension CommandPlace {
    /// What the command reads; nothing for a group of commands.
    var settings: [Setting] { (command as? any BusCommand.Type)?.settings ?? [] }
}

extension BusRoot {
    /// What the parser says of every command.
    static var manual: CommandManual { CommandManual(of: BusRoot.self) }

    static func manual(of command: any ParsableCommand.Type) -> CommandManual { CommandManual(of: command) }
}

/// Help, manuals and completions say what the parser takes.
@Suite(.timeLimit(.minutes(5))) struct ManualTests {
    /// The words of every command that runs in this process, groups included.
    static let commands: [[String]] = BusRoot.manual.all.map { $0.name.split(separator: " ").map { String($0) } }
        .filter { $0.count > 1 && !["api", "integration"].contains($0[1]) }.map { Array($0.dropFirst()) }

    @Test func everyCommandOfTheContractIsThere() {
        let names = Set(ManualTests.commands.map { $0.joined(separator: " ") })
        let wanted = [
            "events send", "events listen", "billing status", "billing setup", "billing portal", "operator token issue",
            "events dead-letters list", "events dead-letters show", "events dead-letters replay",
            "operator billing status", "operator billing forget", "operator billing catalog template",
            "operator billing catalog get",
            "operator billing catalog put", "operator stripe test", "operator stripe catalog sync",
            "operator stripe webhook diagnose",
        ]
        #expect(names.isSuperset(of: wanted))
    }

    @Test(arguments: ManualTests.commands) func helpIsAsKept(_ words: [String]) async throws {
        let name = words.joined(separator: "-")
        let world = try BusWorld()
        let help = try await world.run("bus", words + ["--help"])
        #expect(help.exit == .code(0) && help.standardError.isEmpty)
        #expect(try Golden.difference(help.standardOutput, from: "Tests/Golden/help/\(name).txt") == nil)
        let lines = help.standardOutput.split(separator: "\n")
        #expect(lines.count > 1 && lines[1].hasPrefix("EXAMPLE"), "help leads with examples")
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines.filter { $0.count > 80 })")
        // The same by other ways to ask.
        for other in [words + ["-h"], ["help"] + words, [words[0], "help"] + words.dropFirst()] {
            #expect(try await world.run("bus", other).standardOutput == help.standardOutput, "\(other)")
        }
        let document = try await world.run("bus", ["help"] + words + ["--format", "opencli"])
        #expect(try JSONValue(parsing: Array(document.standardOutput.utf8))["opencli"]?.text == "0.1.0")
    }

    /// The parser breaks longer lines where it likes.
    @Test(arguments: ManualTests.commands) func descriptionKeepsItsLines(_ words: [String]) {
        for line in CommandPlace(words).command.configuration.discussion.split(separator: "\n") {
            #expect(line.count < 80, "\(line)")
        }
    }

    /// A variable is declared by one line of the whole repository, whichever programs read it.
    @Test func everyVariableIsDeclaredOnce() throws {
        let declaration =
            #/(?:Setting|holder|text|requiredText|bool|duration|integer|choice|list|secret|tokenSecret|statePath|refuse|[A-Za-z]*[aA]ddress)\(\s*(?:name: )?"([A-Z][A-Z0-9_]+)"|\("(BUS_[A-Z0-9_]+)", "/#
        var places: [Substring: [String]] = [:]
        for file in try Repository.files(below: "Sources") where !file.hasSuffix("/bus-local/LocalSettings.swift") {
            for match in try Repository.text(file).matches(of: declaration) {
                places[match.1 ?? match.2 ?? "", default: []].append(file)
            }
        }
        #expect(places.count > 60)
        for (name, files) in places where files.count > 1 { Issue.record("\(name) is declared in \(files)") }
        let declared = Set(ManualTests.commands.flatMap { CommandPlace($0).settings } + BusEnvironment.settings)
        for setting in declared where setting.name.hasPrefix("BUS_") {
            #expect(
                places[Substring(setting.name)] != nil, "\(setting.name) is declared in a way that is not seen here")
        }
    }

    @Test func manPagesAreCleanForMandoc() async throws {
        let world = try BusWorld()
        for words in [[]] + ManualTests.commands + [["integration", "stripe"], ["api", "provider", "events"]] {
            let page = try await world.run("bus", ["help"] + words + ["--format", "man"])
            #expect(page.exit == .code(0) && page.standardOutput.hasPrefix(".TH BUS"))
            let path = try world.write(page.standardOutput, to: "page.1")
            let lint = try await BusProcess.finish("/usr/bin/mandoc", ["-T", "lint", "-W", "warning", path])
            // A page that is made has no date of its own.
            let findings = lint.standardOutput.split(separator: "\n").filter { !$0.contains("missing date") }
            #expect(findings.isEmpty, "\(words): \(findings)")
        }
    }

    @Test func manPageShowsWhatIsThere() async throws {
        let world = try BusWorld()
        let page = try await world.run("bus", ["help", "--format", "man"]).standardOutput
        let path = try world.write(page, to: "bus.1")
        let shown = try await BusProcess.finish("/usr/bin/mandoc", ["-T", "ascii", "-O", "width=100", path])
        let text = shown.standardOutput.replacing(#/.\u{8}/#, with: "")
        for word in [
            "bus operator stripe catalog sync", "--dry-run", "BUS_STRIPE_SECRET_KEY", "'{\"text\":\"hello\"}'",
        ] {
            #expect(text.contains(word), "\(word)")
        }
    }

    // MARK: Completions

    @Test func bashCompletes() async throws {
        let world = try BusWorld()
        try world.write(try await world.bus("completion", "bash").standardOutput, to: "bus.bash")
        func completions(_ words: String) async throws -> [Substring] {
            let script = """
                . ./bus.bash; COMP_WORDS=(\(words)); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="${COMP_WORDS[*]}"
                COMP_POINT=${#COMP_LINE}; $(complete -p bus | sed 's/.*-F //; s/ .*//') bus "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """
            let result = try await world.run("/bin/bash", ["--norc", "-c", script])
            #expect(result.standardError.isEmpty, "\(result.standardError)")
            return result.standardOutput.split(separator: "\n")
        }
        #expect(try await completions("bus bil") == ["billing"])
        #expect(try await completions("bus operator stripe ''").contains("catalog"))
        #expect(try await completions("bus operator stripe catalog sync --dry") == ["--dry-run"])
        #expect(try await completions("bus events listen --delivery ''").contains("unicast"))
    }

    @Test func fishCompletes() async throws {
        let world = try BusWorld()
        try world.write(try await world.bus("completion", "fish").standardOutput, to: "bus.fish")
        for (line, word) in [("bus bil", "billing"), ("bus operator stripe catalog sync --dry", "--dry-run")] {
            let result = try await world.run(
                "/usr/bin/fish", ["--no-config", "-c", "source bus.fish; complete --do-complete '\(line)'"])
            #expect(result.standardOutput.hasPrefix(word), "\(result.standardOutput)\(result.standardError)")
        }
    }

    @Test func zshLoads() async throws {
        let world = try BusWorld()
        try world.write(try await world.bus("completion", "zsh").standardOutput, to: "_bus")
        let script =
            "fpath=($PWD $fpath); autoload -Uz compinit && compinit -u -d ./dump; whence -v _bus; print $_comps[bus]"
        let result = try await world.run("/usr/bin/zsh", ["--no-rcs", "-c", script])
        #expect(result.exit == .code(0), "\(result.standardError)")
        #expect(result.standardOutput.contains("_bus is an autoload") && result.standardOutput.hasSuffix("_bus\n"))
        let check = try await world.run("/usr/bin/zsh", ["--no-rcs", "-n", "_bus"])
        #expect(check.exit == .code(0) && check.standardError.isEmpty, "\(check.standardError)")
    }
}
