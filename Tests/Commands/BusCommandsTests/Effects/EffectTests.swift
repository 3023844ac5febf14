import BusCLI
import BusRuntime
import StripeTestSupport
import TestSupport
import Testing

@testable import BusCommands

/// Every flag and every variable of `bus` does something that can be seen from outside.
@Suite(.timeLimit(.minutes(5))) struct EffectTests {
    static let effects: [Effect] =
        Effect.ofBilling + Effect.ofAdministration + Effect.ofEvents + Effect.ofDeadLetters + Effect.ofTokens
        + Effect.ofStripe + Effect.ofSecrets + Effect.ofAll
        + Effect.ofDispatcher

    @Test(arguments: EffectTests.effects) func isSeen(_ effect: Effect) async throws {
        let seen = try await effect.run()
        #expect(effect.shows(seen), "\(seen.exit)\n\(seen.output)\n\(seen.errors)\n\(seen.requests)")
    }

    /// The leaf commands, with their words.
    static let leaves: [(words: [String], command: any BusCommand.Type)] = ManualTests.commands.compactMap { words in
        (CommandPlace(words).command as? any BusCommand.Type).map { (words, $0) }
    }

    /// A new flag or variable without an effect fails here, and so does an effect of one that is gone.
    @Test func nothingIsLeftOut() {
        let shared = GlobalOptions.settings
        var wanted: Set<String> = ["completion <shell>"]
        for (words, command) in Self.leaves {
            let name = words.joined(separator: " ")
            for option in BusRoot.manual(of: command).settings
            where !Set(shared.flatMap(\.flags)).isSuperset(of: option.flags) {
                wanted.formUnion(option.flags.map { "\(name) \($0)" })
            }
            wanted.formUnion(command.settings.flatMap(\.variables).map { "\(name) \($0)" })
        }
        wanted.formUnion(shared.flatMap(\.flags))
        wanted.formUnion(["-h", "--help"])
        wanted.formUnion((HelpText.options + HelpText.fileOptions).flatMap(\.flags).map { "bus \($0)" })
        wanted.formUnion(BusEnvironment.settings.flatMap(\.variables).map { "bus \($0)" })
        let covered = Set(Self.effects.flatMap(\.covers) + Self.elsewhere)
        #expect(wanted.subtracting(covered).sorted() == [], "these have no effect that is shown")
        #expect(covered.subtracting(wanted).sorted() == [], "these are not declared")
    }

    /// What the tests below, and the ones named here, show.
    private static let elsewhere: [String] =
        ["\(sync) --prune", "completion <shell>"]
        + leaves.flatMap { words, command in
            [.noColor, .terminal].filter(command.settings.contains).map { "\(words.joined(separator: " ")) \($0.name)" }
        } + BusEnvironment.settings.flatMap(\.variables).map { "bus \($0)" }

    private static let sync = "operator stripe catalog sync"

    /// `NO_COLOR` and `TERM` count on a terminal, where diagnostics are coloured without them.
    @Test(arguments: leaves.filter { $0.command.settings.contains(.noColor) }.map { $0.words.joined(separator: " ") })
    func colourFollowsTheVariables(_ words: String) async throws {
        let folder = try TemporaryFolder()
        let line =
            "\(Products.path(of: "bus")) \(words) --ttl soon --name a.b --account x --id x --label x --file nowhere --body-file nowhere"
        let known = BusRoot.manual(of: CommandPlace(words.split(separator: " ").map { String($0) }).command).settings
        var kept: [Substring] = []
        var rest = line.split(separator: " ")[...]
        while let word = rest.popFirst() {
            if word.hasPrefix("--"), !known.contains(where: { $0.flags.contains(String(word)) }) {
                rest = rest.dropFirst()
            } else {
                kept.append(word)
            }
        }
        for (variables, isColoured) in [
            ([:], true), (["NO_COLOR": "1"], false), (["NO_COLOR": ""], true), (["TERM": "dumb"], false),
        ] {
            let environment = ["TERM": "xterm", "BUS_API_BASE_URL": "http://127.0.0.1:1"].merging(variables) { $1 }
            let result = try await BusProcess.finish(
                "/usr/bin/script", ["-qec", kept.joined(separator: " "), "/dev/null"], environment: environment,
                in: folder)
            #expect(result.standardOutput.contains("ERROR"), "\(result.standardOutput)")
            #expect(result.standardOutput.contains("\u{1B}[31mERROR") == isColoured, "\(variables)")
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"]) func completionIsTheShells(_ shell: String) async throws {
        let result = try await BusProcess.finish("bus", ["completion", shell])
        #expect(result.exit == .code(0) && result.standardOutput.contains("operator"))
    }

    @Test func pruneArchivesWhatTheFileNoLongerNames() async throws {
        try await LoopbackStripe.run { stripe in
            let folder = try TemporaryFolder()
            let environment = ["BUS_STRIPE_SECRET_KEY": "sk_test_x", "BUS_STRIPE_API_URL": stripe.url]
            func bus(_ line: String) async throws -> String {
                let words = line.split(separator: " ").map { String($0) }
                let result = try await BusProcess.finish("bus", words, environment: environment, in: folder)
                #expect(result.exit == .code(0), "\(result.standardError)")
                return result.standardOutput
            }
            _ = try folder.write(try await bus("operator billing catalog template"), to: "c.json")
            _ = try await bus("\(Self.sync) --file c.json")
            _ = try folder.write(#"{"products":[],"prices":[],"meters":[],"plans":[]}"#, to: "less.json")
            #expect(try await !bus("\(Self.sync) --file less.json --dry-run").contains("archived"))
            #expect(try await bus("\(Self.sync) --file less.json --dry-run --prune").contains("archived"))
        }
    }

    /// What the dispatcher hands to a program.
    @Test func programSeesTheDispatchersVariables() async throws {
        let world = try BusWorld()
        let names = BusEnvironment.settings.flatMap(\.variables).filter { !["PATH", "BUS_EVENTS_TOKEN"].contains($0) }
        try world.write("--perf\nenv \(names.joined(separator: " "))\n", to: "x.bus")
        let result = try await world.bus("x.bus")
        #expect(
            result.standardOutput == """
                BUS_EVENTS_API_URL=http://127.0.0.1:8081/local/v1
                BUS_EVENTS_TOKEN_FILE=.bus/tokens/local-events.jwt
                BUS_WORKERS_API_URL=http://127.0.0.1:8090/local/v1
                BUS_WORKERS_API_TOKEN_FILE=.bus/tokens/local-events.jwt
                BUS_PERF=1
                BUS_BATCH=1
                BUS_BUSFILE=x.bus
                BUS_BUSFILE_LINE=2

                """)
        #expect(try await world.bus("journal", environment: ["PATH": "/usr/bin"]).exit == .code(127))
    }
}
