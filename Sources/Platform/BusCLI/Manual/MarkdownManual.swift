import BusRuntime

/// A manual as a page of Markdown.
enum MarkdownManual {
    /// One section for every command; what the first one takes is not told again below it.
    static func text(_ manual: CommandManual) -> String {
        let shared = Set(manual.settings.flatMap(\.flags))
        let below = manual.commands.flatMap(\.all).map { section($0, shared) }
        return ([section(manual, [])] + below).joined(separator: "\n\n")
    }

    /// A table of settings; variables have a column where there are any.
    private static func table(_ settings: [Setting]) -> String {
        let hasVariables = settings.contains { !$0.name.isEmpty }
        let rows = settings.map { setting in
            let flag = setting.synopsis.isEmpty || setting.flags.isEmpty && hasVariables ? "" : "`\(setting.synopsis)`"
            let variables = setting.ownVariables.map { "`\($0)`" }.joined(separator: ", ")
            let meaning = setting.meaning.replacing("|", with: "\\|")
            return "| \(flag) | \(hasVariables ? "\(variables) | " : "")\(meaning) |"
        }
        let head =
            hasVariables ? ["| flag | variable | meaning |", "|---|---|---|"] : ["| option | meaning |", "|---|---|"]
        return (head + rows).joined(separator: "\n")
    }

    private static func section(_ manual: CommandManual, _ shared: Set<String>) -> String {
        var blocks = ["## `\(manual.name)`", manual.summary]
        for paragraph in manual.paragraphs {
            switch paragraph {
            case .heading(let heading): blocks.append("**\(title(heading))**")
            case .verbatim(let lines): blocks.append((["```text"] + lines + ["```"]).joined(separator: "\n"))
            case .text(let text): blocks.append(text)
            }
        }
        let own = manual.settings.filter {
            (!$0.isShared || !manual.commands.isEmpty) && shared.isDisjoint(with: $0.flags) && !isPassedOn($0)
        }
        if !own.isEmpty { blocks.append(table(own)) }
        return blocks.joined(separator: "\n\n")
    }

    /// `ENVIRONMENT (…)` as `Environment (…)`.
    private static func title(_ heading: String) -> String {
        if heading.hasPrefix("JSON") { return heading }
        return heading.prefix(1) + heading.dropFirst().lowercased()
    }

    /// Everything that a program gets behind its words is described by the program.
    private static func isPassedOn(_ setting: Setting) -> Bool {
        setting.id.isEmpty && setting.isRepeatable
    }
}
