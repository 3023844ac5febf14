import ArgumentParser

/// The command that words lead to, as far as they are known.
struct CommandPlace {
    /// The command that the known words name.
    private(set) var command: any ParsableCommand.Type = BusRoot.self
    /// All of its words, `bus operator stripe`.
    private(set) var name = "bus"
    /// The first word that names nothing below it.
    private(set) var unknown: String?

    /// Follows words to the first flag, or to a command without others below it.
    init(_ words: some Sequence<String>) {
        for word in words {
            guard !subcommands.isEmpty, !word.hasPrefix("-") else { return }
            guard let next = subcommands.first(where: { $0._commandName == word }) else {
                unknown = word
                return
            }
            command = next
            name += " \(word)"
        }
    }

    /// One line about the command.
    var summary: String { command.configuration.abstract }

    /// What may follow.
    var subcommands: [any ParsableCommand.Type] { command.configuration.subcommands }
}

extension CommandPlace {
    /// The words below this place that lead to a command: `["stripe"]` below `integration`.
    var leaves: [[String]] {
        subcommands.flatMap { command in
            let below = CommandPlace(command, name).leaves
            return below.isEmpty ? [[command._commandName]] : below.map { [command._commandName] + $0 }
        }
    }

    private init(_ command: any ParsableCommand.Type, _ parent: String) {
        self.command = command
        name = "\(parent) \(command._commandName)"
    }
}
