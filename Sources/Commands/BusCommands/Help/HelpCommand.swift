import BusCLI
import BusCore
import BusRuntime

/// `bus help [module …] [--format text|opencli|json|markdown|man]`.
enum HelpCommand {
    /// Prints help on the words and gives the exit code.
    static func run(_ words: [String], _ invocation: Invocation) async -> Int32 {
        do {
            try SharedFlags.enter(invocation.options.folder)
            return try await print(words, invocation)
        } catch {
            let report = FailureReport(error)
            for line in report.lines { Terminal.diagnostic("bus: \(line)") }
            return report.exitCode
        }
    }

    private static func print(_ words: [String], _ invocation: Invocation) async throws -> Int32 {
        if let option = words.first(where: { $0.hasPrefix("-") }) {
            throw ProcessFailure(exitCode: 2, "unknown option \"\(option)\"; see bus --help")
        }
        let options = invocation.options
        guard let format = ManualFormat(rawValue: options.format ?? "text") else {
            throw ProcessFailure(
                exitCode: 2, "--format is \"\(options.format ?? "")\"; it may be \(ManualFormat.words)")
        }
        func show(_ text: String) throws -> Int32 {
            let output = try ResultOutput(file: options.output, isQuiet: options.isQuiet, isSecret: false)
            try output.line(text)
            try output.finish()
            return 0
        }
        let finder = invocation.finder
        // Help on help is the help of the whole.
        if words.isEmpty || words == ["help"] {
            return try show(
                format.text(of: HelpText.manual, exitCodes: HelpText.exitCodes) ?? HelpText.text(of: [], finder))
        }
        switch try Target(words, GlobalOptions(), finder) {
        case .own(let family, let arguments, _):
            let words = [family.word] + arguments
            let place = CommandPlace(words)
            if place.unknown != nil {
                return await CommandRunner.run(
                    Invocation(
                        family: family, arguments: arguments, options: options, environment: invocation.environment,
                        finder: finder))
            }
            return try show(
                format.text(of: CommandManual(of: place.command, name: place.name)) ?? HelpText.text(of: words, finder)
            )
        case .incomplete(let family, _, _, _): return try show(family.usage(finder))
        case .program(let path, let consumed, let isService):
            var program = path
            var arguments =
                words.dropFirst(consumed) + (format == .text ? ["--help"] : ["help", "--format", format.rawValue])
            if !isService, let help = finder.path(of: "bus-help") {
                program = help
                arguments = words[...]
            }
            return try ChildProcess.run(program, arguments.map { Array($0.utf8) }, invocation.environment).code
        case .unknown: throw finder.unknown(words[0])
        }
    }
}
