/// A first word that is ours, so no `bus-<word>` is looked up for it.
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
        /// Stands for programs of their own: `["stripe"]` after `integration` is `bus-integration-stripe` (D-01).
        case programs([[String]])
    }

    /// The first word.
    package let word: String
    /// One line for `bus --help`.
    package let summary: String
    /// What it does.
    package let action: Action

    /// Every family of ours, by its word's place in the alphabet.
    package static let all: [Family] = [
        Family(
            word: "api", summary: "API servers: provider events, provider billing, provider usage",
            action: .programs([["provider", "events"], ["provider", "billing"], ["provider", "usage"]])),
        Family(word: "help", summary: "this help, or a module's", action: .command(HelpCommand.run)),
        Family(
            word: "integration", summary: "workers: stripe, billing, usage",
            action: .programs([["stripe"], ["billing"], ["usage"]])),
    ]

    /// The family of a word; nil when the word is not ours.
    package static func named(_ word: String) -> Family? {
        all.first { $0.word == word }
    }
}
