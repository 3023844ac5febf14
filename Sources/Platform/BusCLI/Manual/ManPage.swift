import BusRuntime

/// A manual as a page for `man`, in the macros of man(7).
enum ManPage {
    /// The page of a command: its own sections first, then every command below it.
    static func text(_ manual: CommandManual) -> String {
        let page = manual.name.replacing(" ", with: "-")
        var lines = [
            ".TH \(page.uppercased()) 1 \"\" \"bus \(BusVersion.text)\" \"Bus manual\"", ".SH NAME",
            "\(escaped(page)) \\- \(escaped(manual.summary))", ".SH SYNOPSIS",
            plain("\(manual.name) \(manual.commands.isEmpty ? "" : "<command> ")[options]"),
        ]
        lines += description(manual.paragraphs, heading: ".SH")
        lines += optionLines(manual.options, heading: ".SH OPTIONS")
        if !manual.variables.isEmpty { lines.append(".SH ENVIRONMENT") }
        lines += manual.variables.flatMap { [".TP", ".B \(escaped($0.names))", plain($0.meaning)] }
        if !manual.commands.isEmpty { lines.append(".SH COMMANDS") }
        for command in manual.commands.flatMap(\.all) {
            lines += [".SS \(escaped(command.name))", escaped(command.summary)]
            lines += description(command.paragraphs, heading: ".PP\n.B")
            lines += optionLines(command.options, heading: ".PP\n.B OPTIONS")
        }
        return lines.joined(separator: "\n")
    }

    private static func description(_ paragraphs: [CommandManual.Paragraph], heading: String) -> [String] {
        var lines: [String] = []
        for paragraph in paragraphs {
            // A section begins a paragraph itself.
            let begin = lines.last?.hasPrefix(".SH") == true ? [] : [".PP"]
            switch paragraph {
            case .heading(let text): lines.append("\(heading) \(escaped(text))")
            case .verbatim(let text): lines += begin + [".nf"] + text.map { plain($0) } + [".fi"]
            case .text(let text): lines += begin + [plain(text)]
            }
        }
        return lines
    }

    private static func optionLines(_ options: [Setting], heading: String) -> [String] {
        let named = options.filter { !$0.flags.isEmpty || !$0.isRepeatable }
        guard !named.isEmpty else { return [] }
        return [heading] + named.flatMap { [".TP", ".B \(escaped($0.synopsis))", plain($0.meaning)] }
    }

    /// Lines of text: none of them may look like a macro.
    private static func plain(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let line = escaped(String(line))
            return line.hasPrefix(".") || line.hasPrefix("'") ? "\\&\(line)" : line
        }.joined(separator: "\n")
    }

    /// Backslashes and dashes as they are written.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\e").replacing("-", with: "\\-").replacing("'", with: "\\(aq")
            .replacing("`", with: "\\(ga").replacing("\"", with: "\\(dq")
    }
}
