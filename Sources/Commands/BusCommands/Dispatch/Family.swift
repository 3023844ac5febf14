/// A first word that `bus` knows itself; any other one is looked up as the program `bus-<word>`.
package struct Family: Sendable {
    /// What the word does.
    package enum Action: Sendable {
        /// Prints help.
        case help
        /// The commands after the word run in this process.
        case commands
        /// The words after it name programs: `integration stripe` is `bus-integration-stripe`.
        case programs
    }

    /// The first word.
    package let word: String
    /// What it does.
    package let action: Action

    /// Every family, in alphabetical order.
    package static let all: [Family] = [
        Family(word: "api", action: .programs),
        Family(word: "billing", action: .commands),
        Family(word: "completion", action: .commands),
        Family(word: "events", action: .commands),
        Family(word: "help", action: .help),
        Family(word: "integration", action: .programs),
        Family(word: "operator", action: .commands),
    ]

    /// The family of a word; nil when the word is not ours.
    package static func named(_ word: String) -> Family? {
        all.first { $0.word == word }
    }

    /// The words after it, for every command or program that we know.
    var leaves: [[String]] { CommandPlace([word]).leaves }

    /// The program that the words after it name.
    func program(_ leaf: [String]) -> String { (["bus", word] + leaf).joined(separator: "-") }

    /// The words after it that lead somewhere on this machine.
    func leaves(_ finder: ModuleFinder) -> [[String]] {
        guard case .programs = action else { return leaves }
        return leaves.filter { finder.path(of: program($0)) != nil }
    }

    /// One line for `bus --help`; nil when the word leads nowhere on this machine.
    func summary(_ finder: ModuleFinder) -> String? {
        switch action {
        case .help: return HelpText.summary
        case .commands: return CommandPlace([word]).summary
        case .programs:
            let words = leaves(finder).map { $0.joined(separator: " ") }.joined(separator: ", ")
            if !words.isEmpty { return "\(CommandPlace([word]).summary.dropLast()): \(words)." }
            return finder.path(of: "bus-\(word)").map { _ in "Runs bus-\(word) of another Bus install." }
        }
    }

    /// The family that a program's name stands for, and the words after it: `bus-operator-token` is
    /// `bus operator token`.
    package static func named(program name: String) -> (family: Family, words: [String])? {
        guard name.hasPrefix("bus-") else { return nil }
        let rest = name.dropFirst("bus-".count)
        if let family = named(String(rest)) { return (family, []) }
        let parts = rest.split(separator: "-", maxSplits: 1).map { String($0) }
        guard parts.count == 2, let family = named(parts[0]), case .commands = family.action,
            CommandPlace(parts).unknown == nil
        else { return nil }
        return (family, [parts[1]])
    }
}
