import ArgumentParser
import BusCLI
import BusCore
import BusRuntime

/// Runs a command of ours in this process: flags to settings to work to exit code.
enum CommandRunner {
    /// Runs the command and gives the exit code.
    static func run(_ invocation: Invocation) async -> Int32 {
        let family = invocation.family
        if case .help = family.action { return await HelpCommand.run(invocation.arguments, invocation) }
        if invocation.arguments.first == "help" {
            return await HelpCommand.run([family.word] + invocation.arguments.dropFirst(), invocation)
        }
        let words = [family.word] + invocation.arguments
        let place = CommandPlace(words)
        if let unknown = place.unknown { return refuse(unknown, at: place) }
        switch invocation.options.request {
        case .help:
            Terminal.output(BusRoot.helpMessage(for: place.command))
            return 0
        case .version:
            Terminal.output("bus-\(family.word) \(BusVersion.text)")
            return 0
        case nil: break
        }
        let parsed: any ParsableCommand
        do {
            parsed = try BusRoot.parseAsRoot(words)
        } catch {
            return refuse(error, at: place, words)
        }
        guard let command = parsed as? any BusCommand else {
            Terminal.diagnostic(BusRoot.helpMessage(for: place.command))
            return 2
        }
        return await run(command, invocation)
    }

    private static func run(_ command: some BusCommand, _ invocation: Invocation) async -> Int32 {
        let diagnostics = Diagnostics(invocation.options, invocation.environment)
        do {
            let session = try CommandSession(type(of: command).formats, invocation, diagnostics)
            try await command.run(in: session)
            try session.output.finish()
            return 0
        } catch {
            let report = FailureReport(error)
            for line in report.lines { diagnostics.error(line) }
            return report.exitCode
        }
    }

    // MARK: Usage

    private static func refuse(_ word: String, at place: CommandPlace) -> Int32 {
        if place.command == EventsCommands.self, EventsCommands.unsupported.contains(word) {
            return usage("bus events \(word) is not supported; put the bus-events of a Bus that has it on PATH")
        }
        let nearest = Suggestion.nearest(to: word, among: place.subcommands.map { $0._commandName })
        let remedy = nearest.map { "did you mean \"\($0)\"?" } ?? "see \(place.name) --help"
        return usage("\(place.name) has no command \"\(word)\"; \(remedy)")
    }

    /// What the parser says, but an unknown option is named first, because it may be why something else is missing.
    private static func refuse(_ error: any Error, at place: CommandPlace, _ words: [String]) -> Int32 {
        let known = CommandManual(of: place.command).settings.flatMap(\.flags)
        let options = words.prefix { $0 != "--" }.map { String($0.prefix { $0 != "=" }) }.filter { $0.hasPrefix("--") }
        if let option = options.first(where: { !known.contains($0) }) {
            let settings = (place.command as? any BusCommand.Type)?.settings ?? []
            if let refusal = CommandLineFlags.refusal(ofSecret: option, settings) { return usage(refusal) }
            let nearest = Suggestion.nearest(to: option, among: known).map { "did you mean \"\($0)\"?" }
            return usage("unknown option \(option); \(nearest ?? "see \(place.name) --help")")
        }
        var message = BusRoot.message(for: error)
        if message.hasSuffix(".") { message.removeLast() }
        return usage("\(message.prefix(1).lowercased())\(message.dropFirst()); see \(place.name) --help")
    }

    private static func usage(_ message: String) -> Int32 {
        Diagnostics.plain.error(message)
        return 2
    }
}
