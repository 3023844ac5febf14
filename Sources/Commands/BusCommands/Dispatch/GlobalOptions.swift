import BusRuntime

/// The flags before a word: parsed, and rendered again for the child (bus.md 8.1).
package struct GlobalOptions: Equatable, Sendable {
    /// How colour was asked for.
    package enum Color: Equatable, Sendable {
        case off
        case mode(String)
    }

    /// What ends the command line without a word.
    package enum Request: Equatable, Sendable {
        case help, version
    }

    package var isQuiet = false
    package var color: Color?
    package var traces = false
    package var verbosity = 0
    package var folder: String?
    package var output: String?
    package var format: String?
    /// Not forwarded as a flag: the dispatcher measures, and children learn of it by `BUS_PERF`.
    package var measures = false
    package var request: Request?

    /// No flag given.
    package init() {}

    /// The flags as the child gets them, always in this order.
    package var rendered: [String] {
        var flags: [String] = []
        if isQuiet { flags.append("--quiet") }
        switch color {
        case .off: flags.append("--no-color")
        case .mode(let mode): flags += ["--color", mode]
        case nil: break
        }
        if traces { flags.append("--trace") }
        flags += Array(repeating: "-v", count: verbosity)
        if let folder { flags += ["--chdir", folder] }
        if let output { flags += ["--output", output] }
        if let format { flags += ["--format", format] }
        return flags
    }

    /// Parses the flags before a word; `word` is its index, or the count when there is none.
    package static func parse(
        _ arguments: [String]
    ) throws(ProcessFailure) -> (options: GlobalOptions, word: Int) {
        var options = GlobalOptions()
        var index = 0
        while index < arguments.count, options.request == nil {
            let argument = arguments[index]
            if argument == "--" {
                index += 1
                break
            }
            if try options.take(arguments, at: &index) { continue }
            if argument.hasPrefix("-") {
                throw ProcessFailure(exitCode: 2, "unknown option \"\(argument)\"; see bus --help")
            }
            break
        }
        try options.check()
        return (options, index)
    }

    /// What holds after a `.bus` line of flags alone, or nil when the line holds anything else (bus.md 8.2, rule 6).
    package func applying(_ line: [String]) throws(ProcessFailure) -> GlobalOptions? {
        var options = self
        options.verbosity = 0
        var resetsVerbosity = false
        var index = 0
        while index < line.count {
            switch line[index] {
            case "--no-perf": options.measures = false
            case "--no-quiet": options.isQuiet = false
            case "--no-verbose":
                options.verbosity = 0
                resetsVerbosity = true
            case "--no-chdir": options.folder = nil
            case "--no-output": options.output = nil
            case "--no-format": options.format = nil
            default:
                guard try options.take(line, at: &index) else { return nil }
                if options.request != nil {
                    throw ProcessFailure(exitCode: 2, "\"\(line[index - 1])\" is no directive; remove it")
                }
                continue
            }
            index += 1
        }
        if options.verbosity == 0, !resetsVerbosity { options.verbosity = verbosity }
        try options.check()
        return options
    }

    /// Takes the flag at `index` with its value; false when it is none of ours.
    private mutating func take(_ arguments: [String], at index: inout Int) throws(ProcessFailure) -> Bool {
        let argument = arguments[index]
        switch argument {
        case "-q", "--quiet": isQuiet = true
        case "--no-color": color = .off
        case "--trace": traces = true
        case "-v", "--verbose": verbosity += 1
        case "--perf": measures = true
        case "-h", "--help": request = .help
        case "-V", "--version": request = .version
        case "--color": color = try GlobalOptions.color(try GlobalOptions.value(arguments, at: &index))
        case "-C", "--chdir": folder = try GlobalOptions.value(arguments, at: &index)
        case "-o", "--output": output = try GlobalOptions.value(arguments, at: &index)
        case "-f", "--format": format = try GlobalOptions.value(arguments, at: &index)
        default:
            if argument.hasPrefix("--color=") {
                color = try GlobalOptions.color(String(argument.dropFirst("--color=".count)))
            } else if argument.hasPrefix("--format=") {
                format = String(argument.dropFirst("--format=".count))
            } else if argument.hasPrefix("-v"), argument.dropFirst(2).allSatisfy({ $0 == "v" }) {
                verbosity += argument.count - 1
            } else {
                return false
            }
        }
        index += 1
        return true
    }

    private static func value(_ arguments: [String], at index: inout Int) throws(ProcessFailure) -> String {
        guard index + 1 < arguments.count else {
            throw ProcessFailure(exitCode: 2, "\(arguments[index]) needs a value; write it after a blank")
        }
        index += 1
        return arguments[index]
    }

    private static func color(_ mode: String) throws(ProcessFailure) -> Color {
        guard ["auto", "always", "never"].contains(mode) else {
            throw ProcessFailure(exitCode: 2, "--color is \"\(mode)\"; it may be auto, always or never")
        }
        return .mode(mode)
    }

    private func check() throws(ProcessFailure) {
        if isQuiet, verbosity > 0 || traces {
            throw ProcessFailure(exitCode: 2, "--quiet excludes --verbose and --trace; keep one")
        }
    }
}
