import BusRuntime

/// What a command line's words lead to.
package enum Target: Sendable {
    /// A command that runs in this process.
    ///
    /// `arguments` is everything after the family's word except the flags of every command, which are in `options`.
    case own(Family, arguments: [String], options: GlobalOptions)
    /// A program, named by the first `words` words; `isService` when it is one of ours.
    case program(String, words: Int, isService: Bool)
    /// A family of programs without one for these words; `missing` is the one it should be.
    case incomplete(Family, missing: String?, arguments: [String], options: GlobalOptions)
    /// Nothing has that name.
    case unknown

    /// Looks up the words of a command, the family's or the module's first.
    package init(
        _ words: [String], _ options: GlobalOptions, _ finder: ModuleFinder
    ) throws(ProcessFailure) {
        let word = words.first ?? ""
        let rest = Array(words.dropFirst())
        if let family = Family.named(word) {
            self = try family.target(rest, options, finder)
        } else if let path = finder.path(of: "bus-\(word)") {
            self = .program(path, words: 1, isService: false)
        } else if let implied = Family.named(program: "bus-\(word)") {
            // `operator-token`, where the program of that name is missing or a link to us.
            self = try implied.family.own(implied.words + rest, options)
        } else {
            self = .unknown
        }
    }
}

extension Family {
    fileprivate func target(
        _ rest: [String], _ options: GlobalOptions, _ finder: ModuleFinder
    ) throws(ProcessFailure) -> Target {
        guard case .programs = action else {
            let target = try own(rest, options)
            if case .commands = action, case .own(_, let arguments, _) = target,
                let unknown = CommandPlace([word] + arguments).unknown, unknown != "help",
                let path = finder.path(of: "bus-\(word)")
            {
                // Another Bus install knows more words than we do.
                return .program(path, words: 1, isService: false)
            }
            return target
        }
        let leaf = leaves.first { rest.starts(with: $0) }
        if let leaf, let path = finder.path(of: program(leaf)) {
            return .program(path, words: 1 + leaf.count, isService: true)
        }
        if let path = finder.path(of: "bus-\(word)") { return .program(path, words: 1, isService: false) }
        var options = options
        let arguments = try options.takeAll(from: rest)
        return .incomplete(self, missing: leaf.map(program), arguments: arguments, options: options)
    }

    fileprivate func own(_ rest: [String], _ options: GlobalOptions) throws(ProcessFailure) -> Target {
        var options = options
        return .own(self, arguments: try options.takeAll(from: rest), options: options)
    }
}
