import ArgumentParser
import BusCore
import BusRuntime

/// A command and everything below it, as its parser or its own settings describe it.
///
/// Manuals and OpenCLI documents are made from this.
package struct CommandManual: Sendable {
    /// One run of lines of a description.
    package enum Paragraph: Hashable, Sendable {
        /// `EXAMPLES`, `ENVIRONMENT (…)`.
        case heading(String)
        /// Indented lines, kept as they are.
        case verbatim([String])
        case text(String)
    }

    /// All words, `bus billing status`.
    package let name: String
    package let summary: String
    /// What is said beyond the summary, in order.
    package let paragraphs: [Paragraph]
    /// In the order of their declaration; a parser's `--help` is left out.
    package let settings: [Setting]
    /// What the words below lead to.
    package let commands: [CommandManual]

    /// Asks a parser for its description.
    package init(of command: any ParsableCommand.Type, name: String? = nil) {
        let dump = (try? JSONValue(parsing: Array(command._dumpHelp().utf8))) ?? .null
        self.init(dump["command"] ?? .null, name: name ?? command._commandName)
    }

    /// A program or a command that no parser describes, but its settings.
    package init(
        name: String, summary: String, paragraphs: [Paragraph], settings: [Setting], commands: [CommandManual] = []
    ) {
        self.name = name
        self.summary = summary
        self.paragraphs = paragraphs
        self.settings = settings.filter { !$0.isHidden }
        self.commands = commands
    }

    private init(_ command: JSONValue, name: String) {
        self.name = name
        summary = command["abstract"]?.text ?? ""
        paragraphs = CommandManual.paragraphs(of: command["discussion"]?.text ?? "")
        settings = (command["arguments"]?.elements ?? []).filter { $0["shouldDisplay"]?.flag != false }
            .map { Setting($0) }.filter { !$0.flags.contains("--help") }
        commands = (command["subcommands"]?.elements ?? [])
            .filter { $0["shouldDisplay"]?.flag != false && $0["commandName"]?.text != "help" }
            .map { CommandManual($0, name: "\(name) \($0["commandName"]?.text ?? "")") }
    }

    /// What may stand behind the words: flags, and values without one.
    var options: [Setting] { settings.filter { !$0.flags.isEmpty || $0.name.isEmpty } }

    /// What only a variable says.
    var variables: [Setting] { settings.filter { $0.flags.isEmpty && !$0.name.isEmpty } }

    /// This command and all below it, depth first.
    package var all: [CommandManual] { [self] + commands.flatMap(\.all) }

    /// The commands that stand as examples in the description, without their indentation.
    package var examples: [String] {
        var isExample = false
        return paragraphs.flatMap { paragraph -> [String] in
            switch paragraph {
            case .heading(let heading): isExample = heading.hasPrefix("EXAMPLE")
            case .text: isExample = false
            case .verbatim(let lines) where isExample: return lines.filter { !$0.isEmpty }
            case .verbatim: break
            }
            return []
        }
    }

    private static func paragraphs(of text: String) -> [Paragraph] {
        var paragraphs: [Paragraph] = []
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            let isIndented = line.hasPrefix("  ")
            let content = isIndented ? String(line.dropFirst(2)) : String(line)
            switch (paragraphs.last, isIndented) {
            case (.verbatim(let lines)?, _) where isIndented || line.isEmpty:
                paragraphs[paragraphs.count - 1] = .verbatim(lines + [content])
            case (_, true): paragraphs.append(.verbatim([content]))
            case (_, false) where line.isEmpty: paragraphs.append(.text(""))
            case (.text(let before)?, false) where !before.isEmpty && !isHeading(line):
                paragraphs[paragraphs.count - 1] = .text("\(before) \(content)")
            default: paragraphs.append(isHeading(line) ? .heading(content) : .text(content))
            }
        }
        return paragraphs.compactMap { paragraph in
            switch paragraph {
            case .text(""): return nil
            case .verbatim(var lines):
                while lines.last?.isEmpty == true { lines.removeLast() }
                return .verbatim(lines)
            default: return paragraph
            }
        }
    }

    /// A line that begins with a word in capitals.
    private static func isHeading(_ line: Substring) -> Bool {
        let word = line.prefix { $0 != " " }
        return word.count > 3 && word.allSatisfy { $0.isUppercase }
    }
}

extension Setting {
    /// What a parser says of an option or of a value of its own, which has no flags.
    fileprivate init(_ argument: JSONValue) {
        let flags = (argument["names"]?.elements ?? []).compactMap { name -> String? in
            guard let text = name["name"]?.text else { return nil }
            return (name["kind"]?.text == "short" ? "-" : "--") + text
        }
        self.init(
            flags: flags, value: argument["kind"]?.text == "flag" ? nil : argument["valueName"]?.text ?? "value",
            values: (argument["allValueStrings"]?.elements ?? argument["allValues"]?.elements ?? []).compactMap(\.text),
            isRepeatable: argument["isRepeating"]?.flag == true, summary: argument["abstract"]?.text ?? "")
        isRequired = argument["isOptional"]?.flag == false && argument["defaultValue"] == nil
    }

    /// The flags, short ones first.
    var sortedFlags: [String] { flags.filter { !$0.hasPrefix("--") } + flags.filter { $0.hasPrefix("--") } }

    /// `-f, --format <form>`.
    var synopsis: String {
        let value = value.map { "<\($0)>" } ?? ""
        return "\(sortedFlags.joined(separator: ", ")) \(value)".trimmed
    }

    /// The variable, `_FILE` included where there is one.
    var names: String { ownVariables.joined(separator: ", ") }
}
