import BusCLI
import BusCore
import BusRuntime

/// Runs `.bus` files: checks all of them first, then runs command after command until one fails.
struct BusFileRunner {
    /// What a line starts.
    private struct Program {
        let path: String
        /// What it is called, when that is not its path.
        let name: String?
        /// How many words of the line name the program.
        let words: Int
    }

    private let options: BusFileOptions
    private let executable: String?
    private var environment: BusEnvironment
    private let finder: ModuleFinder

    init(_ options: BusFileOptions, _ settings: StartSettings) {
        self.options = options
        executable = settings.executable
        environment = settings.environment
        finder = settings.finder
    }

    /// Runs the files and gives the exit code of the first command that fails.
    ///
    /// Failures of a line are reported here.
    mutating func run() throws(ProcessFailure) -> Int32 {
        try SharedFlags.enter(options.folder)
        let diagnostics = Diagnostics(GlobalOptions(), environment)
        try environment.load(folder: nil, diagnostics)
        environment.set(Setting.batch.name, "1")
        do throws(ProcessFailure) {
            let (commands, programs) = try preflight()
            if options.checksOnly { return 0 }
            for warning in SecretDestination.warnings(environment, in: ".") { diagnostics.warn(warning) }
            return try run(commands, programs)
        } catch {
            Terminal.diagnostic(error.description)
            return error.exitCode
        }
    }

    private func run(_ commands: [BusFileCommand], _ programs: [Program]) throws(ProcessFailure) -> Int32 {
        for (index, (command, program)) in zip(commands, programs).enumerated() {
            let end = try execute(command, program)
            if end.code != 0 {
                Terminal.diagnostic("\(command.place): command failed (exit \(end.code)): \(command.text)")
                return end.code
            }
            if let signal = end.stopSignal, index + 1 < commands.count {
                // The command stopped in good order, but whoever sent the signal wanted the whole run to stop.
                Terminal.diagnostic("\(command.place): stopped by signal \(signal); the lines after it did not run")
                return 1
            }
        }
        return 0
    }

    /// Everything that can be wrong before a command runs: syntax, well-known commands, targets, then the transaction.
    private func preflight() throws(ProcessFailure) -> (commands: [BusFileCommand], programs: [Program]) {
        var loader = BusFileLoader(environment)
        for file in options.files { try loader.load(file) }
        for command in loader.commands {
            if let fault = BusFileChecks.fault(in: command.words) {
                throw ProcessFailure(exitCode: 1, "\(command.place): validation error: \(fault)")
            }
        }
        var programs: [Program] = []
        for command in loader.commands { programs.append(try program(of: command)) }
        if options.transaction != "none" {
            throw ProcessFailure(
                exitCode: 2, "bus: --transaction \(options.transaction) is not built yet; use none")
        }
        return (loader.commands, programs)
    }

    private func program(of command: BusFileCommand) throws(ProcessFailure) -> Program {
        let words = command.words
        let target: Target
        do throws(ProcessFailure) {
            target = try Target(words, command.options, finder)
        } catch {
            throw ProcessFailure(exitCode: error.exitCode, "\(command.place): \(error)")
        }
        switch target {
        case .program(let path, let count, _): return Program(path: path, name: nil, words: count)
        case .own:
            // A process of its own under the program's name, which takes our environment as it is.
            if let executable { return Program(path: executable, name: "bus-\(words[0])", words: 1) }
            throw ProcessFailure(exitCode: 1, "\(command.place): bus cannot find its own program; mount /proc")
        case .incomplete:
            throw unknown(words.prefix(2).joined(separator: " "), command, suggestion: nil)
        case .unknown:
            throw unknown(words[0], command, suggestion: finder.suggestion(for: words[0]))
        }
    }

    private func unknown(_ target: String, _ command: BusFileCommand, suggestion: String?) -> ProcessFailure {
        ProcessFailure(
            exitCode: 127, "\(command.place): dispatch error: unknown target \"\(target)\"\(suggestion ?? "")")
    }

    private func execute(_ command: BusFileCommand, _ program: Program) throws(ProcessFailure) -> ChildProcess.End {
        let flags = command.options.rendered
        if options.traces {
            Terminal.output("\(command.place): \((["bus"] + flags + command.words).joined(separator: " "))")
        }
        var environment = environment
        environment.set(Setting.busFile.name, command.file)
        environment.set(Setting.busFileLine.name, String(command.line))
        if command.options.measures { environment.set(Setting.perf.name, "1") }
        let arguments = flags.map { Array($0.utf8) } + command.arguments.dropFirst(program.words)
        let started = ContinuousClock.now
        do throws(ProcessFailure) {
            let end = try ChildProcess.run(program.path, as: program.name, arguments, environment)
            if command.options.measures {
                let words = command.words
                Terminal.diagnostic(PerfLine.text(words[0], words.dropFirst().first, ContinuousClock.now - started))
            }
            return end
        } catch {
            throw ProcessFailure(exitCode: error.exitCode, "\(command.place): \(error)")
        }
    }
}
