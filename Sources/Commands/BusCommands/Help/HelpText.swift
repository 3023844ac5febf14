import ArgumentParser
import BusCLI
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

    /// Before a command.
    static let options = GlobalOptions.settings + [Setting(flags: ["--"], summary: "The next word is the command.")]

    /// Beside `.bus` files.
    static let fileOptions = [
        Setting.declared("--chdir", in: GlobalOptions.settings),
        Setting(flags: ["--check"], summary: "Check every line and run none."),
        Setting(flags: ["--trace"], summary: "Print each command before it runs."),
        Setting(
            flags: ["--transaction"], value: "none", summary: "Run without a transaction; others are not built yet."),
        Setting(
            flags: ["--scope"], value: "file|batch", summary: "Taken, and changes nothing without a transaction."),
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
    static func text(of words: [String], _ finder: ModuleFinder) -> String {
        guard let family = words.first.flatMap({ Family.named($0) }) else { return whole(finder) }
        guard case .commands = family.action else { return family.usage(finder) }
        return BusRoot.helpMessage(for: CommandPlace(words).command)
    }

    /// Names only words that lead somewhere on this machine.
    private static func whole(_ finder: ModuleFinder) -> String {
        var lines = ["bus runs Bus commands and files of them.", "", "EXAMPLES"]
        for (line, program) in examples where program.map({ finder.path(of: $0) != nil }) ?? true {
            lines.append("  \(line)")
        }
        lines += ["", usage.split(separator: "\n").prefix(2).joined(separator: "\n"), "", "COMMANDS"]
        var families: [(String, String)] = []
        for family in Family.all {
            if let summary = family.summary(finder) { families.append((family.word, summary)) }
        }
        lines.append(HelpRows.text(families))
        let installed = finder.words().filter { Family.named($0) == nil }.sorted()
        if !installed.isEmpty {
            lines += ["  and, installed:"] + [HelpRows.wrapped(installed.joined(separator: " "), indent: 4)]
        }
        for section in sections { lines += ["", section.title, section.body] }
        return lines.joined(separator: "\n")
    }

    /// The manual of `bus` as a whole: the dispatcher, then every command.
    static var manual: CommandManual {
        // `help` is ours and not the parser's.
        let help = CommandManual(
            name: "bus help", summary: summary,
            paragraphs: [
                .heading("EXAMPLES"), .verbatim(["bus help billing status", "bus help --format man > bus.1"]),
            ],
            settings: [
                Setting(flags: ["--format", "-f"], value: "form", summary: "Form of the help, \(ManualFormat.words).")
            ])
        let parsed = CommandManual(of: BusRoot.self)
        let usage = usage.split(separator: "\n").prefix(2).map { $0.dropFirst("USAGE: ".count) }
        let sections =
            [("EXAMPLES", examples.map(\.line).joined(separator: "\n")), ("USAGE", usage.joined(separator: "\n"))]
            + sections.dropFirst()
        return CommandManual(
            name: parsed.name, summary: parsed.summary,
            paragraphs: sections.flatMap { title, body in
                [.heading(title), .verbatim(body.split(separator: "\n").map { String($0) })]
            } + [.text("Options stand before or behind a command's words.")],
            settings: GlobalOptions.settings, commands: (parsed.commands + [help]).sorted { $0.name < $1.name })
    }

    /// Everything but the commands.
    private static let sections: [(title: String, body: String)] = [
        ("OPTIONS (before the command)", HelpRows.options(options)),
        ("OPTIONS FOR .bus FILES (before or between them)", HelpRows.options(fileOptions)),
        (
            "ENVIRONMENT",
            HelpRows.variables(BusEnvironment.settings)
                + "\n  A .env file in the working folder sets what is unset: BUS_* and NO_COLOR, nothing else."
        ),
        (
            "EXIT CODES (any other one is the command's own)",
            HelpRows.text(exitCodes.map { (String($0.code), $0.summary) })
        ),
    ]
}

extension Family {
    /// What the word alone prints, for a family that stands for programs.
    func usage(_ finder: ModuleFinder) -> String {
        guard case .programs = action else { return "USAGE: bus \(word) [arguments]" }
        let lines = leaves(finder).map { "  bus \(([word] + $0).joined(separator: " "))" }
        if lines.isEmpty { return "No program behind bus \(word) is installed; put one beside bus or on PATH." }
        return (["USAGE: bus \(word) <name> [arguments]", ""] + lines + ["", "Each knows --help."]).joined(
            separator: "\n")
    }
}
