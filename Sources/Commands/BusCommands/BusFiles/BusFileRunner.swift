import BusCore
import BusRuntime
import Glibc

/// Runs `.bus` files: looks at all of them first, then runs command after command until one fails (bus.md 8.2).
struct BusFileRunner {
    /// What a command starts: a program, and the words of the line that are in its name.
    private struct Program {
        let path: String
        let words: Int
    }

    private let options: BusFileOptions
    private let executable: String?
    private var environment: BusEnvironment
    private var finder: ModuleFinder

    init(_ options: BusFileOptions, _ settings: CommandSettings) {
        self.options = options
        executable = settings.executable
        environment = settings.environment
        finder = settings.finder
    }

    /// Runs the files and gives the exit code of the first command that fails; failures of a line are reported here.
    mutating func run() throws(ProcessFailure) -> Int32 {
        if let folder = options.folder, chdir(folder) != 0 {
            let reason = String(cString: strerror(errno))
            throw ProcessFailure(exitCode: 1, "cannot work in \(folder): \(reason); check the folder")
        }
        try environment.load(folder: nil)
        environment.set("BUS_BATCH", "1")
        do throws(ProcessFailure) {
            return try runFiles()
        } catch {
            Terminal.diagnostic(error.description)
            return error.exitCode
        }
    }

    private mutating func runFiles() throws(ProcessFailure) -> Int32 {
        let (commands, programs) = try preflight()
        if options.checksOnly { return 0 }
        for (index, (command, program)) in zip(commands, programs).enumerated() {
            let end = try execute(command, program)
            if end.code != 0 {
                Terminal.diagnostic("\(command.place): command failed (exit \(end.code)): \(command.text)")
                return end.code
            }
            if let signal = end.stopSignal, index + 1 < commands.count {
                // The command stopped in good order, but we were told to stop, not to go on with the next line.
                Terminal.diagnostic("\(command.place): stopped by signal \(signal); the lines after it did not run")
                return 1
            }
        }
        return 0
    }

    /// Everything that can be wrong before a command runs, in the order of the contract.
    private mutating func preflight() throws(ProcessFailure) -> (commands: [BusFileCommand], programs: [Program]) {
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
                exitCode: 2, "bus: --transaction \(options.transaction) is not offered here; use none")
        }
        return (loader.commands, programs)
    }

    private mutating func program(of command: BusFileCommand) throws(ProcessFailure) -> Program {
        let words = command.words
        switch Target(words, &finder) {
        case .program(let path, let count, _): return Program(path: path, words: count)
        case .family:
            // Our own commands get a process each as well: flags, output and failures stay with their line.
            if let executable { return Program(path: executable, words: 0) }
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
        environment.set("BUS_BUSFILE", command.file)
        environment.set("BUS_BUSFILE_LINE", String(command.line))
        if command.options.measures { environment.set("BUS_PERF", "1") }
        let arguments = flags.map { Array($0.utf8) } + command.arguments.dropFirst(program.words)
        let started = ContinuousClock.now
        do throws(ProcessFailure) {
            let end = try ChildProcess.run(program.path, arguments, environment)
            if command.options.measures {
                Terminal.diagnostic(PerfLine.text(command.words, ContinuousClock.now - started))
            }
            return end
        } catch {
            throw ProcessFailure(exitCode: error.exitCode, "\(command.place): \(error)")
        }
    }
}
