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

    static let examples = [
        "bus billing status               # what may my account use?",
        "bus operator stripe catalog sync --file catalog.json --dry-run",
        "bus integration stripe --events-url \"$BUS_EVENTS_API_URL\" --webhook-addr 127.0.0.1:8084",
        "bus journal add --help           # any installed bus-journal",
        "bus --check month.bus            # is every line of the file in order?",
        "bus month.bus                    # run its lines one after the other",
    ]

    static let options: [(flags: String, value: String?, summary: String)] = [
        ("-C, --chdir", "dir", "Work in this folder."),
        ("-q, --quiet", nil, "Only errors; not with -v or --trace."),
        ("-v, --verbose", nil, "Tell more; -vv more still."),
        ("--trace", nil, "Tell most; with a .bus file, print each command first."),
        ("-o, --output", "file", "Write results there."),
        ("-f, --format", "name", "Form of the results."),
        ("--color", "mode", "auto, always or never."),
        ("--no-color", nil, "The same as --color never."),
        ("--perf", nil, "Print how long the command took."),
        ("--", nil, "The next word is the command."),
        ("-h, --help", nil, "Print this help."),
        ("-V, --version", nil, "Print the version."),
    ]

    static let fileOptions: [(flags: String, value: String?, summary: String)] = [
        ("-C", "dir", "Work in this folder."),
        ("--check", nil, "Look at every line, run nothing."),
        ("--trace", nil, "Print each command before it runs."),
        ("--transaction", "none", "No other provider is offered here."),
        ("--scope", "file|batch", "The same without transactions."),
    ]

    static let environment: [(name: String, summary: String)] = [
        ("PATH", "where bus-<command> is looked up, after the folder of bus itself"),
        ("BUS_EVENTS_API_URL", "set to http://127.0.0.1:8081/local/v1 when unset"),
        ("BUS_EVENTS_TOKEN_FILE", "set to .bus/tokens/local-events.jwt when unset"),
        ("BUS_WORKERS_API_URL", "set to http://127.0.0.1:8090/local/v1 when unset"),
        ("BUS_WORKERS_API_TOKEN_FILE", "set to .bus/tokens/local-events.jwt when unset"),
        ("BUS_PERF", "set to 1 for the command by --perf"),
        ("BUS_BATCH", "set to 1 for the commands of a .bus file"),
        ("BUS_BUSFILE, BUS_BUSFILE_LINE", "set to the file and the line of the command"),
    ]

    static let exitCodes: [(code: Int32, summary: String)] = [
        (0, "success"),
        (1, "the command could not be run, or a signal ended it"),
        (2, "usage or configuration"),
        (65, "a .bus file that cannot be read"),
        (127, "unknown command"),
    ]

    /// The whole help; `modules` are the words of the programs that are installed.
    static func text(modules: some Sequence<String>) -> String {
        var lines = ["bus runs Bus commands and files of them.", "", "EXAMPLES"]
        lines += examples.map { "  \($0)" }
        lines += ["", usage.split(separator: "\n").prefix(2).joined(separator: "\n"), "", "COMMANDS"]
        lines += Family.all.map { row($0.word, $0.summary) }
        let installed = modules.filter { Family.named($0) == nil }.sorted()
        if !installed.isEmpty { lines += ["  and, installed:"] + wrapped(installed) }
        for section in sections { lines += ["", section.title, section.body] }
        return lines.joined(separator: "\n")
    }

    /// What there is beside the commands.
    static let sections: [(title: String, body: String)] = [
        ("OPTIONS (before the command)", rows(options.map { (flag($0.flags, $0.value), $0.summary) })),
        (
            "OPTIONS OF .bus FILES (before or between them)",
            rows(fileOptions.map { (flag($0.flags, $0.value), $0.summary) })
        ),
        ("ENVIRONMENT (a .env file in the working folder adds what is unset)", rows(environment)),
        ("EXIT CODES (any other one is the command's own)", rows(exitCodes.map { (String($0.code), $0.summary) })),
    ]

    private static func rows(_ rows: [(String, String)]) -> String {
        rows.map { row($0.0, $0.1) }.joined(separator: "\n")
    }

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

    private static func row(_ left: String, _ right: String) -> String {
        let width = 22
        if left.count >= width { return "  \(left)\n  \(String(repeating: " ", count: width))\(right)" }
        return "  \(left)\(String(repeating: " ", count: width - left.count))\(right)"
    }
}

extension HelpText {
    /// The help of the family or command that words lead to; nil without words.
    static func text(of words: [String]) -> String? {
        guard let family = words.first.flatMap(Family.named) else { return nil }
        guard case .commands = family.action else { return family.usage }
        return BusRoot.helpMessage(for: CommandPlace(words).command)
    }
}

extension Family {
    /// What the word alone prints, for a family that stands for programs.
    var usage: String {
        guard case .programs = action else { return "USAGE: bus \(word) [arguments]" }
        let lines = leaves.map { "  bus \(([word] + $0).joined(separator: " "))" }
        return (["USAGE: bus \(word) <name> [arguments]", ""] + lines + ["", "Each knows --help."]).joined(
            separator: "\n")
    }
}
