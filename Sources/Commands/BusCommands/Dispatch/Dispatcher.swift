import BusCore
import BusRuntime

/// `bus [globals] <word> [args…]` (bus.md 8.1).
struct Dispatcher {
    private let settings: CommandSettings
    private let arguments: [String]
    private var finder: ModuleFinder

    init(_ settings: CommandSettings) {
        self.settings = settings
        arguments = settings.words
        finder = settings.finder
    }

    /// Runs the command line and gives the exit code; one of our services takes this process's place instead.
    mutating func run() async throws(ProcessFailure) -> Int32 {
        let (options, first) = try GlobalOptions.parse(arguments)
        let implied = settings.impliedWords
        let words = implied + arguments[first...]
        if options.request == .version {
            Terminal.output("\((["bus"] + implied).joined(separator: "-")) \(BusVersion.text)")
            return 0
        }
        if options.request == .help {
            Terminal.output(HelpText.text(of: implied) ?? HelpText.text(modules: finder.words()))
            return 0
        }
        guard let word = words.first else {
            Terminal.diagnostic(HelpText.usage)
            return 2
        }
        var environment = settings.environment
        try environment.load(folder: options.folder)
        if options.measures { environment.set("BUS_PERF", "1") }

        let started = ContinuousClock.now
        let code: Int32
        switch Target(words, &finder) {
        case .family(_, let run):
            let rest = words.dropFirst()
            code = await run(
                Family.Invocation(arguments: options.rendered + rest, environment: environment, finder: finder))
        case .program(let path, let consumed, let isService):
            let rest = settings.arguments[(first + consumed - implied.count)...]
            let given = options.rendered.map { Array($0.utf8) } + rest
            // A service must be what a supervisor started; a module that a signal ends must read as 1, so we wait.
            if isService, !options.measures { throw ChildProcess.become(path, given, environment) }
            code = try ChildProcess.run(path, given, environment).code
        case .incomplete(let family, let missing):
            return try incomplete(family, missing, words)
        case .unknown:
            throw finder.unknown(word)
        }
        if options.measures { Terminal.diagnostic(PerfLine.text(words, ContinuousClock.now - started)) }
        return code
    }

    private func incomplete(_ family: Family, _ missing: String?, _ words: [String]) throws(ProcessFailure) -> Int32 {
        if let missing {
            throw ProcessFailure(exitCode: 127, "\(missing) is not installed; put it beside bus or on PATH")
        }
        guard words.count > 1 else {
            Terminal.diagnostic(family.usage)
            return 2
        }
        guard words[1] == "--help" || words[1] == "-h" else {
            throw ProcessFailure(
                exitCode: 2, "bus \(family.word) knows no \"\(words[1])\"; see bus \(family.word) --help")
        }
        Terminal.output(family.usage)
        return 0
    }
}

extension ModuleFinder {
    /// What to say when nothing has that name.
    func unknown(_ word: String) -> ProcessFailure {
        if word.hasSuffix(".bus") {
            return ProcessFailure(
                exitCode: 127,
                "unknown command \"\(word)\"; before a .bus file only -C, --check, --trace, --transaction "
                    + "and --scope may stand"
            )
        }
        return ProcessFailure(
            exitCode: 127, "unknown command \"\(word)\"\(suggestion(for: word) ?? "; see bus --help")")
    }

    /// `; did you mean "journal"?`, or nil when no known word is near.
    func suggestion(for word: String) -> String? {
        let known = words().union(Family.all.map(\.word))
        return Suggestion.nearest(to: word, among: known).map { "; did you mean \"\($0)\"?" }
    }
}

/// The line `--perf` prints (bus.md 8.1).
enum PerfLine {
    /// `INFO perf bus-<word> <op> <go duration>`; `-` stands for a command without an operation.
    static func text(_ words: [String], _ duration: Duration) -> String {
        let operation = words.dropFirst().first.flatMap { isOperation($0) ? $0 : nil } ?? "-"
        return "INFO perf bus-\(words[0]) \(operation) \(duration.goText)"
    }

    /// A word, and no flag, path or value, which may be long or private.
    private static func isOperation(_ word: String) -> Bool {
        guard let first = word.utf8.first, first != UInt8(ascii: "-") else { return false }
        return word.utf8.allSatisfy { VariableExpansion.isNameByte($0) || $0 == UInt8(ascii: "-") }
    }
}
