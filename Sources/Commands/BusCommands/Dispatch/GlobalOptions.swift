import BusCLI
import BusRuntime

/// The flags that every command takes, read once and rendered again for whatever runs.
package struct GlobalOptions: Equatable, Sendable {
    /// The request for colour.
    package enum Color: Equatable, Sendable {
        case off
        case mode(String)
    }

    /// What to print instead of running a command.
    package enum Request: Equatable, Sendable {
        case help, version
    }

    /// Where a flag stands.
    ///
    /// After a command's word every `--flag` may be joined to its value by `=`.
    enum Place {
        case beforeWord, afterWord
    }

    package var isQuiet = false
    package var color: Color?
    package var traces = false
    package var verbosity = 0
    package var folder: String?
    package var output: String?
    package var format: String?
    package var timeout: String?
    /// Never rendered: the dispatcher measures, and the program sees `BUS_PERF`.
    package var measures = false
    package var request: Request?

    /// The flags as help and completions show them.
    static let settings =
        SharedFlags.settings + [
            Setting(flags: ["--timeout"], value: "time", summary: "Give up after this time, such as 30s."),
            Setting(flags: ["--perf"], summary: "Print how long the command took."),
        ]

    /// No flag given.
    package init() {}

    /// The flags as every program gets them, always in this order.
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
        if let timeout { flags += ["--timeout", timeout] }
        return flags
    }

    /// Takes these flags out of a command's arguments, wherever they stand before `--`.
    ///
    /// - Returns: Everything else, in order.
    package mutating func takeAll(from arguments: [String]) throws(ProcessFailure) -> [String] {
        var others: [String] = []
        var index = 0
        while index < arguments.count, arguments[index] != "--" {
            if try take(arguments, at: &index, .afterWord) { continue }
            others.append(arguments[index])
            index += 1
        }
        try check()
        return others + arguments[index...]
    }

    /// The flags in effect after a line of flags alone in a `.bus` file; nil when the line holds anything else.
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
                guard try options.take(line, at: &index, .beforeWord) else { return nil }
                if options.request != nil {
                    throw ProcessFailure(
                        exitCode: 2, "\"\(line[index - 1])\" cannot stand in a .bus file; remove the line")
                }
                continue
            }
            index += 1
        }
        if options.verbosity == 0, !resetsVerbosity { options.verbosity = verbosity }
        try options.check()
        return options
    }

    /// Takes the flag at `index` with its value; false when something else stands there.
    mutating func take(_ arguments: [String], at index: inout Int, _ place: Place) throws(ProcessFailure) -> Bool {
        let argument = arguments[index]
        if GlobalOptions.withValue.contains(argument) {
            guard index + 1 < arguments.count else {
                throw ProcessFailure(exitCode: 2, "\(argument) needs a value; write it after a blank")
            }
            index += 1
            try set(argument, to: arguments[index])
        } else if let equals = argument.firstIndex(of: "="), argument.hasPrefix("--") {
            let flag = String(argument[..<equals])
            let flags = place == .beforeWord ? ["--color", "--format"] : GlobalOptions.withValue
            guard flags.contains(flag) else { return false }
            try set(flag, to: String(argument[argument.index(after: equals)...]))
        } else if !set(argument) {
            return false
        }
        index += 1
        return true
    }

    private static let withValue = settings.filter { $0.value != nil }.flatMap(\.flags)

    private mutating func set(_ flag: String, to value: String) throws(ProcessFailure) {
        switch flag {
        case "-C", "--chdir": folder = value
        case "-o", "--output": output = value
        case "-f", "--format": format = value
        case "--timeout": timeout = value
        default:
            guard SharedFlags.Color(rawValue: value) != nil else {
                throw ProcessFailure(exitCode: 2, "--color is \"\(value)\"; it may be auto, always or never")
            }
            color = .mode(value)
        }
    }

    /// False when the argument is another flag or no flag.
    private mutating func set(_ flag: String) -> Bool {
        switch flag {
        case "-q", "--quiet": isQuiet = true
        case "--no-color": color = .off
        case "--trace": traces = true
        case "-v", "--verbose": verbosity += 1
        case "--perf": measures = true
        case "-h", "--help": request = request ?? .help
        case "-V", "--version": request = request ?? .version
        default:
            guard flag.hasPrefix("-vv"), flag.dropFirst().allSatisfy({ $0 == "v" }) else { return false }
            verbosity += flag.count - 1
        }
        return true
    }

    /// Refuses flags that exclude each other.
    func check() throws(ProcessFailure) {
        if isQuiet, verbosity > 0 || traces {
            throw ProcessFailure(exitCode: 2, "--quiet excludes --verbose and --trace; keep one")
        }
    }
}
