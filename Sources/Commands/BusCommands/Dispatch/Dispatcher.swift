import BusCore
import BusRuntime

/// `bus [flags] <word> [arguments]`: finds what the words lead to and runs it.
struct Dispatcher {
    private let settings: StartSettings
    private let options: GlobalOptions
    /// The index of the first word among the arguments.
    private let first: Int
    private let finder: ModuleFinder

    init(_ settings: StartSettings, _ options: GlobalOptions, word first: Int) {
        self.settings = settings
        self.options = options
        self.first = first
        finder = settings.finder
    }

    /// Runs the command and gives the exit code; one of our services takes this process's place instead.
    func run() async throws(ProcessFailure) -> Int32 {
        let implied = settings.impliedWords
        let words = implied + settings.words[first...]
        switch options.request {
        case .version:
            Terminal.output("\((["bus"] + implied).joined(separator: "-")) \(BusVersion.text)")
            return 0
        case .help:
            Terminal.output(HelpText.text(of: implied, finder))
            return 0
        case nil: break
        }
        if words.isEmpty {
            Terminal.diagnostic(HelpText.usage)
            return 2
        }
        var environment = settings.environment
        // Programs take their variables as they find them; only `bus` itself reads `.env` and knows defaults.
        if implied.isEmpty {
            try environment.load(folder: options.folder, Diagnostics(options, environment))
        }
        if options.measures { environment.set(Setting.perf.name, "1") }
        return try await run(words, implied: implied.count, environment)
    }

    private func run(
        _ words: [String], implied: Int, _ environment: BusEnvironment
    ) async throws(ProcessFailure) -> Int32 {
        let started = ContinuousClock.now
        let code: Int32
        var operation = words.dropFirst().first
        var measures = options.measures
        switch try Target(words, options, finder) {
        case .own(let family, let arguments, let options):
            operation = arguments.first
            measures = options.measures
            code = await CommandRunner.run(
                Invocation(
                    family: family, arguments: arguments, options: options, environment: environment, finder: finder))
        case .program(let path, let consumed, let isService):
            let rest = settings.arguments[(first + consumed - implied)...]
            let given = options.rendered.map { Array($0.utf8) } + rest
            let diagnostics = Diagnostics(options, environment)
            for warning in SecretDestination.warnings(environment, in: options.folder ?? ".") {
                diagnostics.warn(warning)
            }
            // A service must be what a supervisor started; a module that a signal ends must read as 1, so we wait.
            if isService, !options.measures { throw ChildProcess.become(path, given, environment) }
            code = try ChildProcess.run(path, given, environment).code
        case .incomplete(let family, let missing, let arguments, let options):
            if options.request == .help {
                Terminal.output(family.usage(finder))
                return 0
            }
            throw family.incomplete(missing, arguments, finder)
        case .unknown: throw finder.unknown(words[0])
        }
        if measures { Terminal.diagnostic(PerfLine.text(words[0], operation, ContinuousClock.now - started)) }
        return code
    }
}

extension Family {
    /// What to say when no program has these words.
    fileprivate func incomplete(
        _ missing: String?, _ arguments: [String], _ finder: ModuleFinder
    ) -> ProcessFailure {
        if let missing {
            return ProcessFailure(exitCode: 127, "\(missing) is not installed; put it beside bus or on PATH")
        }
        guard let word = arguments.first else {
            return ProcessFailure(exitCode: 2, "a command is missing\n\(usage(finder))")
        }
        return ProcessFailure(exitCode: 2, "bus \(self.word) has no command \"\(word)\"; see bus \(self.word) --help")
    }
}

/// A command of ours and everything it runs with.
struct Invocation: Sendable {
    /// The family of its first word.
    let family: Family
    /// The words and flags after that word, without the flags of every command.
    let arguments: [String]
    /// The flags of every command.
    let options: GlobalOptions
    /// The process's variables, `.env` and the defaults.
    let environment: BusEnvironment
    /// The programs beside us and on PATH.
    let finder: ModuleFinder
}
