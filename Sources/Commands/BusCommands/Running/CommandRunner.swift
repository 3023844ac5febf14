import ArgumentParser
import BusCLI
import BusCore
import BusRuntime

/// Runs a command of ours in this process: flags to settings to work to exit code.
enum CommandRunner {
    /// Runs `bus <family> <arguments>` and gives the exit code.
    static func run(_ family: String, _ invocation: Family.Invocation) async -> Int32 {
        let words = [family] + SharedOptions.last(invocation.arguments)
        if let hint = SecretFlags.hint(words) { return usage(hint) }
        if words.dropFirst().first == "help" {
            return await HelpCommand.run(
                Family.Invocation(
                    arguments: [family] + words.dropFirst(2), environment: invocation.environment,
                    finder: invocation.finder))
        }
        let place = CommandPlace(words)
        if let unknown = place.unknown { return refuse(unknown, at: place) }
        let flags = words.prefix { $0 != "--" }
        if flags.contains("--help") || flags.contains("-h") {
            Terminal.output(BusRoot.helpMessage(for: place.command))
            return 0
        }
        if flags.contains("--version") || flags.contains("-V") {
            Terminal.output("bus-\(family) \(BusVersion.text)")
            return 0
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
        return await run(command, invocation.environment)
    }

    private static func run(_ command: some BusCommand, _ environment: BusEnvironment) async -> Int32 {
        var diagnostics = Diagnostics(command.shared, environment)
        do {
            let session = try CommandSession(command.shared, type(of: command).formats, environment)
            diagnostics = session.diagnostics
            try await command.run(in: session)
            try session.output.finish()
            return 0
        } catch {
            let report = FailureReport(error)
            for line in report.lines { diagnostics.write(.error, line) }
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
        return usage("\(place.name) knows no \"\(word)\"; \(remedy)")
    }

    /// What the parser says, but a misspelled option is named before what is missing because of it.
    private static func refuse(_ error: any Error, at place: CommandPlace, _ words: [String]) -> Int32 {
        let known = CommandManual(of: place.command).options.flatMap(\.names)
        let options = words.prefix { $0 != "--" }.map { String($0.prefix { $0 != "=" }) }.filter { $0.hasPrefix("--") }
        if let option = options.first(where: { !known.contains($0) }) {
            let nearest = Suggestion.nearest(to: option, among: known).map { "did you mean \"\($0)\"?" }
            return usage("unknown option \(option); \(nearest ?? "see \(place.name) --help")")
        }
        var message = BusRoot.message(for: error)
        if message.hasSuffix(".") { message.removeLast() }
        return usage("\(message.prefix(1).lowercased())\(message.dropFirst()); see \(place.name) --help")
    }

    private static func usage(_ message: String) -> Int32 {
        Diagnostics(lowest: .error, hasColor: false).write(.error, message)
        return 2
    }
}
