/// What a command line's words lead to.
package enum Target: Sendable {
    /// A command that runs in this process.
    case family(Family, @Sendable (Family.Invocation) async -> Int32)
    /// A program of its own, named by the first `words` words; `isService` when it is one of ours behind a family.
    case program(String, words: Int, isService: Bool)
    /// A family that stands for programs, and no program for these words; `missing` is the one it should be.
    case incomplete(Family, missing: String?)
    /// Nothing has that name.
    case unknown

    /// Looks up the words of a command, the module first.
    package init(_ words: [String], _ finder: inout ModuleFinder) {
        let word = words.first ?? ""
        guard let family = Family.named(word) else {
            self = finder.path(of: "bus-\(word)").map { .program($0, words: 1, isService: false) } ?? .unknown
            return
        }
        switch family.action {
        case .command(let run): self = .family(family, run)
        case .commands:
            let unknown = CommandPlace([word] + SharedOptions.last(Array(words.dropFirst()))).unknown
            if let unknown, unknown != "help", let path = finder.path(of: "bus-\(word)") {
                // Another Bus install knows more words than we do.
                self = .program(path, words: 1, isService: false)
            } else {
                self = .family(family) { await CommandRunner.run(word, $0) }
            }
        case .programs:
            let named = family.leaves.first { words.dropFirst().starts(with: $0) }
            let program = named.map { (["bus", word] + $0).joined(separator: "-") }
            if let named, let program, let path = finder.path(of: program) {
                self = .program(path, words: 1 + named.count, isService: true)
            } else if let path = finder.path(of: "bus-\(word)") {
                // Another Bus install knows more words than we do.
                self = .program(path, words: 1, isService: false)
            } else {
                self = .incomplete(family, missing: program)
            }
        }
    }
}
