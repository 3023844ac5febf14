import BusCore
import BusRuntime

/// `bus help [module …] [--format text|opencli|json]` (bus.md 8.1, D-50).
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
        if words.isEmpty {
            switch format {
            case "text": Terminal.output(HelpText.text(modules: finder.words()))
            case "opencli", "json": Terminal.output(openCLI())
            default: throw ProcessFailure(exitCode: 2, "--format is \"\(format)\"; it may be text, opencli or json")
            }
            return 0
        }
        switch Target(words, &finder) {
        case .family(let family, let run):
            // Asked for help on help, it has nothing better than its own.
            let arguments = family.word == "help" ? [] : ["--help"]
            return await run(
                Family.Invocation(arguments: arguments, environment: invocation.environment, finder: finder))
        case .incomplete(let family, _):
            Terminal.output(family.usage)
            return 0
        case .program(let path, let consumed, let isService):
            var program = path
            var arguments = words.dropFirst(consumed) + ["--help"]
            if !isService, let help = finder.path(of: "bus-help") {
                program = help
                arguments = words[...]
            }
            return try ChildProcess.run(program, arguments.map { Array($0.utf8) }, invocation.environment).code
        case .unknown: throw finder.unknown(words[0])
        }
    }

    /// Global flags may stand before, between and after the words.
    private static func parse(_ arguments: [String]) throws(ProcessFailure) -> (words: [String], format: String) {
        var words: [String] = []
        var format = "text"
        var rest = arguments[...]
        while true {
            let (options, first) = try GlobalOptions.parse(Array(rest))
            format = options.format ?? format
            rest = rest.dropFirst(first)
            guard let word = rest.popFirst() else { return (words, format) }
            words.append(word)
        }
    }

    /// The same help for programs, in the form OpenCLI 0.1.0.
    private static func openCLI() -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("opencli", "0.1.0")
            writer.key("info")
            writer.object { writer in
                writer.member("title", "bus")
                writer.member("version", BusVersion.text)
                writer.member("summary", "Runs Bus commands and files of them.")
            }
            writer.key("options")
            writer.array { writer in
                for option in HelpText.options where option.flags != "--" { write(option, to: &writer) }
            }
            writer.key("commands")
            writer.array { writer in
                for family in Family.all {
                    writer.object { writer in
                        writer.member("name", family.word)
                        writer.member("description", family.summary)
                    }
                }
            }
            writer.key("exitCodes")
            writer.array { writer in
                for exit in HelpText.exitCodes {
                    writer.object { writer in
                        writer.member("code", Int64(exit.code))
                        writer.member("description", exit.summary)
                    }
                }
            }
            writer.member("examples", HelpText.examples)
        }
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// The long name leads; a short one is its alias.
    private static func write(
        _ option: (flags: String, value: String?, summary: String), to writer: inout JSONWriter
    ) {
        let names = option.flags.split(separator: ", ").map { String($0) }
        writer.object { writer in
            writer.member("name", names.last ?? "")
            if names.count > 1 { writer.member("aliases", Array(names.dropLast())) }
            if let value = option.value {
                writer.key("arguments")
                writer.array { writer in
                    writer.object { $0.member("name", value) }
                }
            }
            writer.member("description", option.summary)
        }
    }
}
