/// A first word that is ours, so that `bus-<word>` is looked up only for what we do not know ourselves.
package struct Family: Sendable {
    /// What a command that runs in this process is given.
    package struct Invocation: Sendable {
        /// Global flags first, then what follows the word.
        package let arguments: [String]
        /// The process's variables, `.env` and the defaults.
        package let environment: BusEnvironment
        /// The programs beside us and on PATH.
        package let finder: ModuleFinder
    }

    /// What the word does.
    package enum Action: Sendable {
        /// Runs in this process and gives the exit code.
        case command(@Sendable (Invocation) async -> Int32)
        /// The commands behind the word run in this process.
        case commands
        /// The words behind it are programs of their own: `integration stripe` is `bus-integration-stripe` (D-01).
        case programs
    }

    /// The first word.
    package let word: String
    /// What it does.
    package let action: Action

    /// Every family of ours, by its word's place in the alphabet.
    package static let all: [Family] = [
        Family(word: "api", action: .programs),
        Family(word: "billing", action: .commands),
        Family(word: "completion", action: .commands),
        Family(word: "events", action: .commands),
        Family(word: "help", action: .command(HelpCommand.run)),
        Family(word: "integration", action: .programs),
        Family(word: "operator", action: .commands),
    ]

    /// What follows the word, of every command or program there is.
    var leaves: [[String]] { CommandPlace([word]).leaves }

    /// One line for `bus --help`.
    package var summary: String {
        word == "help" ? HelpText.summary : CommandPlace([word]).summary
    }

    /// The family of a word; nil when the word is not ours.
    package static func named(_ word: String) -> Family? {
        all.first { $0.word == word }
    }

    /// The words that a program's name stands for: `bus-operator-token` is `bus operator token` (D-01).
    package static func words(ofProgram name: String) -> [String] {
        guard name.hasPrefix("bus-") else { return [] }
        let rest = name.dropFirst("bus-".count)
        let parts = rest.split(separator: "-", maxSplits: 1).map { String($0) }
        guard let word = parts.first, let family = named(word) else { return [] }
        guard parts.count == 2 else { return [word] }
        guard case .commands = family.action, CommandPlace(parts).unknown == nil else { return [] }
        return parts
    }
}
