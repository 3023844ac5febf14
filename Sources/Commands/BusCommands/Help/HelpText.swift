import ArgumentParser
import BusCore
import BusRuntime

/// What `bus --help`, `bus help` and `bus` alone print.
enum HelpText {
    /// What `bus help` is for.
    static let summary = "This help, or a command's."

    static let usage = """
        USAGE: bus [options] <command> [arguments]
               bus [-C <dir>] [--check] [--trace] <file.bus> ...

        See bus --help for examples, options and variables.
        """

    /// Each with the program it needs; nil when that is `bus` itself.
    static let examples: [(line: String, program: String?)] = [
        ("bus billing status               # what may my account use?", nil),
        ("bus operator stripe catalog sync --file catalog.json --dry-run", nil),
        (
            "bus integration stripe --events-url \"$BUS_EVENTS_API_URL\" --webhook-addr 127.0.0.1:8084",
            "bus-integration-stripe"
        ),
        ("bus journal add --help           # any installed bus-journal", "bus-journal"),
        ("bus --check month.bus            # is every line of the file in order?", nil),
        ("bus month.bus                    # run its lines one after the other", nil),
    ]

    static let options: [(flags: String, value: String?, summary: String)] = [
        ("-C, --chdir", "dir", "Work in this folder."),
        ("-q, --quiet", nil, "Only errors; not with -v or --trace."),
        ("-v, --verbose", nil, "More diagnostics; -vv for most."),
        ("--trace", nil, "All diagnostics; with a .bus file, print each command first."),
        ("-o, --output", "file", "Write results there."),
        ("-f, --format", "name", "Form of the results."),
        ("--timeout", "time", "Give up after this time, such as 30s."),
        ("--color", "mode", "auto, always or never."),
        ("--no-color", nil, "The same as --color never."),
        ("--perf", nil, "Print how long the command took."),
        ("--", nil, "The next word is the command."),
        ("-h, --help", nil, "Print this help."),
        ("-V, --version", nil, "Print the version."),
    ]

    static let fileOptions: [(flags: String, value: String?, summary: String)] = [
        ("-C, --chdir", "dir", "Work in this folder."),
        ("--check", nil, "Check every line and run none."),
        ("--trace", nil, "Print each command before it runs."),
        ("--transaction", "none", "Run without a transaction; others are not built yet."),
        ("--scope", "file|batch", "Taken, and changes nothing without a transaction."),
    ]

    /// The exit codes of `bus` (docs/contract/commands.md, "Output and exit codes").
    static let exitCodes: [(code: Int32, summary: String)] = [
        (0, "success"),
        (1, "the command could not be run, or a signal ended it"),
        (2, "usage or configuration"),
        (65, "a .bus file that cannot be read"),
        (127, "unknown command"),
    ]

    /// The help of the family or command that words lead to; without words the help of the whole.
    static func text(of words: [String], _ finder: inout ModuleFinder) -> String {
        guard let family = words.first.flatMap({ Family.named($0) }) else { return whole(&finder) }
        guard case .commands = family.action else { return family.usage(&finder) }
        return BusRoot.helpMessage(for: CommandPlace(words).command)
    }

    /// Names only words that lead somewhere on this machine.
    private static func whole(_ finder: inout ModuleFinder) -> String {
        var lines = ["bus runs Bus commands and files of them.", "", "EXAMPLES"]
        for (line, program) in examples where program.map({ finder.path(of: $0) != nil }) ?? true {
            lines.append("  \(line)")
        }
        lines += ["", usage.split(separator: "\n").prefix(2).joined(separator: "\n"), "", "COMMANDS"]
        var families: [(String, String)] = []
        for family in Family.all {
            if let summary = family.summary(&finder) { families.append((family.word, summary)) }
        }
        lines.append(HelpRows.text(families))
        let installed = finder.words().filter { Family.named($0) == nil }.sorted()
        if !installed.isEmpty { lines += ["  and, installed:"] + wrapped(installed) }
        for section in sections { lines += ["", section.title, section.body] }
        return lines.joined(separator: "\n")
    }

    /// Everything but the commands.
    static let sections: [(title: String, body: String)] = [
        ("OPTIONS (before the command)", HelpRows.text(options.map { (flag($0.flags, $0.value), $0.summary) })),
        (
            "OPTIONS FOR .bus FILES (before or between them)",
            HelpRows.text(fileOptions.map { (flag($0.flags, $0.value), $0.summary) })
        ),
        (
            "ENVIRONMENT",
            HelpRows.text(Variable.ofDispatcher.map { ($0.name, $0.meaning) })
                + "\n  A .env file in the working folder sets what is unset: BUS_* and NO_COLOR, nothing else."
        ),
        (
            "EXIT CODES (any other one is the command's own)",
            HelpRows.text(exitCodes.map { (String($0.code), $0.summary) })
        ),
    ]

    private static func wrapped(_ words: [String]) -> [String] {
        var lines: [String] = []
        for word in words {
            if let last = lines.last, last.count + word.count < 78 {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append("    \(word)")
            }
        }
        return lines
    }

    private static func flag(_ flags: String, _ value: String?) -> String {
        value.map { "\(flags) <\($0)>" } ?? flags
    }
}

extension Family {
    /// What the word alone prints, for a family that stands for programs.
    func usage(_ finder: inout ModuleFinder) -> String {
        guard case .programs = action else { return "USAGE: bus \(word) [arguments]" }
        let lines = leaves(&finder).map { "  bus \(([word] + $0).joined(separator: " "))" }
        if lines.isEmpty { return "No program behind bus \(word) is installed; put one beside bus or on PATH." }
        return (["USAGE: bus \(word) <name> [arguments]", ""] + lines + ["", "Each knows --help."]).joined(
            separator: "\n")
    }
}
