import BusRuntime

/// A manual as a page of Markdown.
package enum MarkdownManual {
    /// One section for every command, deeper ones under deeper headings; options in `shared` are left to the caller.
    package static func text(
        _ manual: CommandManual, level: Int = 2, leavingOut shared: Set<CommandManual.Option> = []
    ) -> String {
        manual.all.map { section($0, level, shared) }.joined(separator: "\n\n")
    }

    /// A table of options.
    package static func table(_ options: [CommandManual.Option]) -> [String] {
        ["| option | meaning |", "|---|---|"]
            + options.map { option in
                let marks = [option.isRequired ? "Required." : nil, option.isRepeating ? "May be repeated." : nil]
                let meaning = ([option.text] + marks.compactMap { $0 }).joined(separator: " ")
                return "| `\(option.synopsis)` | \(meaning.replacing("|", with: "\\|")) |"
            }
    }

    /// A table of settings.
    private static func table(_ settings: [Setting]) -> [String] {
        func code(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: ", ") }
        return ["| flag | variable | meaning |", "|---|---|---|"]
            + settings.map { setting in
                let flag = setting.flags.isEmpty ? "" : "`\(setting.synopsis)`"
                let meaning = setting.meaning.replacing("|", with: "\\|")
                return "| \(flag) | \(code(setting.ownVariables)) | \(meaning) |"
            }
    }

    private static func section(
        _ manual: CommandManual, _ level: Int, _ shared: Set<CommandManual.Option>
    ) -> String {
        var blocks = ["\(String(repeating: "#", count: level)) `\(manual.name)`", manual.summary]
        for paragraph in manual.paragraphs {
            switch paragraph {
            case .heading(let heading): blocks.append("**\(title(heading))**")
            case .verbatim(let lines): blocks.append((["```text"] + lines + ["```"]).joined(separator: "\n"))
            case .text(let text): blocks.append(text)
            }
        }
        if !manual.settings.isEmpty {
            blocks.append(table(manual.settings.filter { !$0.isShared }).joined(separator: "\n"))
            return blocks.joined(separator: "\n\n")
        }
        let options = manual.options.filter { !shared.contains($0) && !isPassedOn($0) }
        if !options.isEmpty { blocks.append(table(options).joined(separator: "\n")) }
        return blocks.joined(separator: "\n\n")
    }

    /// `ENVIRONMENT (…)` as `Environment (…)`.
    package static func title(_ heading: String) -> String {
        if heading.hasPrefix("JSON") { return heading }
        return heading.prefix(1) + heading.dropFirst().lowercased()
    }

    /// Everything that a program gets behind its words is described by the program.
    private static func isPassedOn(_ option: CommandManual.Option) -> Bool {
        option.names.isEmpty && option.isRepeating
    }
}
