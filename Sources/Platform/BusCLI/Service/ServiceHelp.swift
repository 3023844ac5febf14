import BusRuntime

/// The help of a service program: 80 columns, the settings of the program before those that all programs share.
enum ServiceHelp {
    static func text(_ manual: CommandManual) -> String {
        var blocks = ["OVERVIEW: \(manual.summary)"]
        for paragraph in manual.paragraphs {
            switch paragraph {
            case .heading(let heading): blocks.append(heading)
            case .verbatim(let lines):
                blocks[blocks.count - 1] += "\n" + lines.map { "  \($0)" }.joined(separator: "\n")
            case .text(let text): blocks.append(wrapped(text, indent: 0))
            }
        }
        blocks.append("USAGE: \(manual.name) [options]")
        blocks.append(section("OPTIONS", manual.settings.filter { !$0.flags.isEmpty && !$0.isShared }))
        blocks.append(section("SHARED OPTIONS", manual.settings.filter(\.isShared)))
        blocks.append(
            section(
                "ENVIRONMENT (a flag comes first; NAME_FILE names a file that holds a secret)",
                manual.settings.filter { $0.flags.isEmpty }))
        return blocks.joined(separator: "\n\n")
    }

    private static func section(_ title: String, _ settings: [Setting]) -> String {
        let entries = settings.map { setting in
            let head = setting.flags.isEmpty ? setting.names : "\(setting.synopsis)  \(setting.names)".trimmed
            return "  \(head)\n\(wrapped(setting.meaning, indent: 6))"
        }
        return ([title] + entries).joined(separator: "\n")
    }

    private static func wrapped(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var lines = [margin]
        for word in text.split(separator: " ") {
            let isEmpty = lines[lines.count - 1].count == indent
            if !isEmpty, lines[lines.count - 1].count + 1 + word.count > 80 {
                lines.append(margin + word)
            } else {
                lines[lines.count - 1] += (isEmpty ? "" : " ") + word
            }
        }
        return lines.joined(separator: "\n")
    }
}

extension Setting {
    /// `-f, --format <form>`, short flags first.
    var synopsis: String { CommandManual.Option(self).synopsis }

    /// The variable, `_FILE` included where there is one.
    var names: String { ownVariables.joined(separator: ", ") }
}
