import ArgumentParser
import BusCore
import BusRuntime

/// A command and everything below it, as its parser or its settings describe it: manuals and OpenCLI documents are made
/// from this.
package struct CommandManual: Sendable {
    /// Something that may stand behind the command's words.
    package struct Option: Hashable, Sendable {
        /// With their dashes, the short one first; empty for a word of its own.
        package let names: [String]
        /// What the value is called; nil for a flag.
        package let value: String?
        /// The only values there are; empty when any may stand.
        package let values: [String]
        package let summary: String
        package let isRequired: Bool
        package let isRepeating: Bool
        /// The variables that say the same.
        package let variables: [String]
    }

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
    /// In the order of their declaration; `--help` is left out.
    package let options: [Option]
    /// What the words below lead to.
    package let commands: [CommandManual]
    /// The settings of a service program; empty for a command that a parser describes.
    package let settings: [Setting]

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
        options = self.settings.filter { !$0.flags.isEmpty }.map { Option($0) }
        self.commands = commands
    }

    private init(_ command: JSONValue, name: String) {
        self.name = name
        summary = command["abstract"]?.text ?? ""
        paragraphs = CommandManual.paragraphs(of: command["discussion"]?.text ?? "")
        options = (command["arguments"]?.elements ?? []).filter { $0["shouldDisplay"]?.flag != false }
            .map { Option($0) }.filter { !$0.names.contains("--help") }
        commands = (command["subcommands"]?.elements ?? [])
            .filter { $0["shouldDisplay"]?.flag != false && $0["commandName"]?.text != "help" }
            .map { CommandManual($0, name: "\(name) \($0["commandName"]?.text ?? "")") }
        settings = []
    }

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

extension CommandManual.Option {
    /// The option of a setting that has flags.
    package init(_ setting: Setting) {
        names = setting.flags.filter { !$0.hasPrefix("--") } + setting.flags.filter { $0.hasPrefix("--") }
        value = setting.value
        values = setting.values
        summary = setting.meaning
        isRequired = false
        isRepeating = setting.isRepeatable
        variables = setting.variables
    }

    fileprivate init(_ argument: JSONValue) {
        let names = (argument["names"]?.elements ?? []).compactMap { name -> String? in
            guard let text = name["name"]?.text else { return nil }
            return (name["kind"]?.text == "short" ? "-" : "--") + text
        }
        let isFlag = argument["kind"]?.text == "flag"
        self.names = names.filter { !$0.hasPrefix("--") } + names.filter { $0.hasPrefix("--") }
        value = isFlag ? nil : argument["valueName"]?.text ?? "value"
        values = (argument["allValueStrings"]?.elements ?? argument["allValues"]?.elements ?? []).compactMap(\.text)
        summary = argument["abstract"]?.text ?? ""
        isRequired = argument["isOptional"]?.flag == false && argument["defaultValue"] == nil
        isRepeating = argument["isRepeating"]?.flag == true
        variables = []
    }

    /// `-f, --format <form>`.
    package var synopsis: String {
        let value = value.map { "<\($0)>" } ?? ""
        return names.isEmpty ? value : names.joined(separator: ", ") + (value.isEmpty ? "" : " \(value)")
    }

    /// The summary with the values that may stand.
    package var text: String {
        values.isEmpty || !variables.isEmpty ? summary : "\(summary) One of \(values.joined(separator: ", "))."
    }
}
