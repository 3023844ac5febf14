import BusCLI
import BusCore
import BusRuntime

/// The manual of `bus` as a whole: the dispatcher, then every command.
enum BusManual {
    /// The manual in a form; nil for text, which `HelpText` writes.
    static func text(_ format: ManualFormat) -> String? {
        let manual = CommandManual(of: BusRoot.self)
        switch format {
        case .text: return nil
        case .opencli, .json: return String(decoding: openCLI(manual).bytes, as: UTF8.self)
        case .markdown: return markdown(manual)
        case .man:
            return ManPage.text(
                manual, synopsis: HelpText.usage.split(separator: "\n").prefix(2).map { $0.dropFirst(7).description },
                sections: HelpText.sections)
        }
    }

    /// `help` is ours and not the parser's.
    private static let help = CommandManual(
        name: "bus help", summary: HelpText.summary,
        paragraphs: [.heading("EXAMPLES"), .verbatim(["bus help billing status", "bus help --format man > bus.1"])],
        settings: [
            Setting(flags: ["--format", "-f"], value: "form", summary: "Form of the help, \(ManualFormat.words).")
        ])

    private static func openCLI(_ manual: CommandManual) -> JSONText {
        let root = CommandManual(
            name: manual.name, summary: manual.summary,
            paragraphs: [.heading("EXAMPLES"), .verbatim(HelpText.examples.map(\.line))],
            settings: GlobalOptions.settings,
            commands: (manual.commands + [help]).sorted { $0.name < $1.name })
        return OpenCLIDocument.text(root, exitCodes: HelpText.exitCodes)
    }

    private static func markdown(_ manual: CommandManual) -> String {
        var blocks = [
            "# Commands",
            "Made from the parsers with `bus help --format markdown`; a test compares them with this page. "
                + "`bus help <command>` prints one command's part, `--format man` makes man pages, and "
                + "`--format opencli` a document for programs.",
            "```text\n\(HelpText.usage.split(separator: "\n").prefix(2).joined(separator: "\n"))\n```",
        ]
        for section in HelpText.sections {
            blocks += ["**\(MarkdownManual.title(section.title))**", "```text\n\(section.body)\n```"]
        }
        blocks += [
            "## Options of every command",
            "Before or after the command's words. Results go to standard output, everything else to standard error. "
                + "Exit codes: 0 success, 1 a failure at run time, of an API or of a token, 2 usage or configuration.",
            MarkdownManual.table(GlobalOptions.settings),
        ]
        blocks += manual.commands.map { MarkdownManual.text($0, leavingOut: GlobalOptions.settings) }
        return blocks.joined(separator: "\n\n")
    }
}
