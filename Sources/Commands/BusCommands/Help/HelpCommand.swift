import BusCLI
import BusCore
import BusRuntime

/// `bus help [module …] [--format text|opencli|json|markdown|man]` (bus.md 8.1, D-50).
enum HelpCommand {
    /// Prints help and gives the exit code.
    static func run(_ invocation: Family.Invocation) async -> Int32 {
        do throws(ProcessFailure) {
            return try await print(invocation)
        } catch {
            Terminal.diagnostic("bus: \(error)")
            return error.exitCode
        }
    }

    private static func print(_ invocation: Family.Invocation) async throws(ProcessFailure) -> Int32 {
        var finder = invocation.finder
        let (words, format) = try parse(invocation.arguments)
        // Asked for help on help, it has nothing better than its own.
        if words.isEmpty || words == ["help"] {
            Terminal.output(format == .text ? HelpText.text(modules: finder.words()) : BusManual.text(format))
            return 0
        }
        switch Target(words, &finder) {
        case .family(_, let run):
            let place = CommandPlace(words)
            if format == .text || place.unknown != nil {
                return await run(
                    Family.Invocation(
                        arguments: words.dropFirst() + ["--help"], environment: invocation.environment, finder: finder))
            }
            Terminal.output(format.text(of: CommandManual(of: place.command, name: place.name)) ?? "")
            return 0
        case .incomplete(let family, _):
            Terminal.output(family.usage)
            return 0
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

    /// Global flags may stand before, between and after the words.
    private static func parse(
        _ arguments: [String]
    ) throws(ProcessFailure) -> (words: [String], format: ManualFormat) {
        var words: [String] = []
        var format = "text"
        var rest = arguments[...]
        while true {
            let (options, first) = try GlobalOptions.parse(Array(rest))
            format = options.format ?? format
            rest = rest.dropFirst(first)
            guard let word = rest.popFirst() else { break }
            words.append(word)
        }
        guard let known = ManualFormat(rawValue: format) else {
            throw ProcessFailure(exitCode: 2, "--format is \"\(format)\"; it may be \(ManualFormat.words)")
        }
        return (words, known)
    }
}
