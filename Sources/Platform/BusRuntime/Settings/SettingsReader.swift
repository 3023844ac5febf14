import BusCore
import FoundationEssentials

/// Reads settings once, at the start: flags before environment before files before defaults.
///
/// Every read is also the setting's declaration, so that reading from an empty reader lists what a program takes.
/// Faults are collected, so that an operator sees every problem of a configuration at once.
package struct SettingsReader {
    /// The flag of a setting, with its aliases.
    package struct Flag: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
        /// The leading name, then its aliases.
        package let names: [String]

        /// A flag without aliases.
        package init(stringLiteral name: String) {
            names = [name]
        }

        /// A flag with its aliases.
        package init(arrayLiteral names: String...) {
            self.names = names
        }
    }

    private var environment: [String: String]
    private let commandLine: CommandLineFlags
    private var faults: [String] = []
    private var fixed: Set<String> = []
    private var defaults: [String: String] = [:]
    /// What was read so far, in that order.
    package private(set) var settings: [Setting] = []
    /// Names and effective values in the order they were read; secrets show only whether they are set.
    package private(set) var effective: [(name: String, value: String)] = []
    /// What is probably a mistake but does not stop the start.
    package private(set) var warnings: [String] = []
    /// Secrets that were read from files, by their names.
    var secretFiles: [String: SecretOfFile] = [:]
    /// False while settings are read that only the environment may set, as for the services inside `bus-local`.
    package var offersFlags = true

    /// A reader over an environment and a parsed command line.
    package init(environment: [String: String], commandLine: CommandLineFlags = CommandLineFlags()) {
        self.environment = environment
        self.commandLine = commandLine
    }

    /// A reader over this process's environment.
    package static func ofProcess(_ commandLine: CommandLineFlags = CommandLineFlags()) -> SettingsReader {
        SettingsReader(environment: ProcessInfo.processInfo.environment, commandLine: commandLine)
    }

    /// What `read` declares, learned from an environment without variables.
    package static func settings(
        defaults: [String: String] = [:], of read: (inout SettingsReader) -> Void
    ) -> [Setting] {
        var reader = SettingsReader(environment: [:])
        for (name, value) in defaults { reader.setDefault(name, value) }
        read(&reader)
        return reader.settings
    }

    /// Stands in for a variable that is set in no form.
    package mutating func setDefault(_ name: String, _ value: String) {
        defaults[name] = value
        if environment[name] == nil, environment["\(name)_FILE"] == nil { environment[name] = value }
    }

    /// Decides a setting in the program's own name: it is not offered, and what the environment says does not count.
    package mutating func fix(_ name: String, _ value: String?) {
        environment[name] = value
        environment["\(name)_FILE"] = nil
        fixed.insert(name)
    }

    /// True when the program has decided the setting.
    package func isFixed(_ name: String) -> Bool { fixed.contains(name) }

    /// Fails when anything read so far was wrong.
    package func check() throws(SettingsFaults) {
        if !faults.isEmpty { throw SettingsFaults(faults) }
    }

    /// Adds a fault that only the caller can see, such as two settings that exclude each other.
    package mutating func addFault(_ message: String) {
        if !faults.contains(message) { faults.append(message) }
    }

    /// Adds a warning that is logged at the start and shown by `--check-config`.
    package mutating func addWarning(_ message: String) {
        if !warnings.contains(message) { warnings.append(message) }
    }

    /// Notes that a setting exists.
    package mutating func declare(_ setting: Setting) {
        var setting = setting
        if !offersFlags { setting.flags = [] }
        if let fallback = setting.variables.compactMap({ defaults[$0] }).first {
            setting.fallback = fallback
            setting.isRequired = false
        }
        guard !setting.id.isEmpty, !fixed.contains(setting.name), !settings.contains(where: { $0.id == setting.id })
        else { return }
        settings.append(setting)
    }

    /// Notes what counts for a setting, the first time it is read.
    package mutating func record(_ name: String, _ value: String) {
        if !name.isEmpty, !effective.contains(where: { $0.name == name }) { effective.append((name, value)) }
    }

    // MARK: Values

    /// Text, where empty counts as unset.
    ///
    /// A flag that is exactly `$NAME` or `${NAME}` stands for that variable.
    package mutating func text(
        _ name: String, flag: Flag? = nil, value: String = "text", default fallback: String? = nil,
        shown: String? = nil, help: String = ""
    ) -> String? {
        let setting = Setting(name: name, value: value, fallback: shown ?? fallback ?? "", summary: help)
        let text = given(setting, flag) ?? fallback
        record(name, text ?? "")
        return text
    }

    /// Text that must be given.
    package mutating func requiredText(
        _ name: String, flag: Flag, value: String = "text", meaning: String, help: String = ""
    ) -> String {
        let setting = Setting(name: name, value: value, isRequired: true, summary: help)
        let text = given(setting, flag)
        record(name, text ?? "")
        if let text { return text }
        addFault("\(meaning) is not set; set \(name) or pass \(flag.names[0])")
        return ""
    }

    /// A bool: a given flag is true; any other word in the environment falls back to the default.
    package mutating func bool(
        _ name: String, flag: Flag? = nil, default fallback: Bool = false, help: String = ""
    ) -> Bool {
        var setting = Setting(name: name, value: flag == nil ? "bool" : nil, summary: help)
        if !name.isEmpty { setting.fallback = String(fallback) }
        setting.flags = flag?.names ?? []
        declare(setting)
        var value = fallback
        switch variable(name)?.lowercased() {
        case "1", "true", "yes", "on": value = true
        case "0", "false", "no", "off": value = false
        default: break
        }
        if let flag, !values(of: flag).isEmpty { value = true }
        record(name, String(value))
        return value
    }

    /// A duration in Go's syntax or bare seconds.
    package mutating func duration(
        _ name: String, flag: Flag? = nil, default fallback: String, in range: ClosedRange<Duration>, help: String = ""
    ) -> Duration {
        let bounds = "\(range.lowerBound.shortGoText) to \(range.upperBound.shortGoText)"
        let setting = Setting(
            name: name, value: "time", fallback: fallback, range: "From \(bounds)", summary: help)
        let text = given(setting, flag) ?? fallback
        record(name, text)
        guard let value = Duration(goSyntax: text) else {
            addFault("\(label(name, flag)) is not a duration; write it like 250ms, 30s or 1h30m")
            return range.lowerBound
        }
        if !range.contains(value) { addFault("\(label(name, flag)) is out of range; it may be \(bounds)") }
        return min(max(value, range.lowerBound), range.upperBound)
    }

    /// A whole number.
    package mutating func integer(
        _ name: String, flag: Flag? = nil, default fallback: Int, in range: ClosedRange<Int>, help: String = ""
    ) -> Int {
        integer(name, flag: flag, shown: String(fallback), in: range, help: help) ?? fallback
    }

    /// A whole number, or nil when none is given; `shown` says what counts then.
    package mutating func integer(
        _ name: String, flag: Flag? = nil, shown: String, in range: ClosedRange<Int>, help: String = ""
    ) -> Int? {
        let bounds = "\(range.lowerBound) to \(range.upperBound)"
        let setting = Setting(name: name, value: "number", fallback: shown, range: "From \(bounds)", summary: help)
        let text = given(setting, flag)
        record(name, text ?? shown)
        guard let text else { return nil }
        guard let value = Int(text), range.contains(value) else {
            addFault("\(label(name, flag)) must be a number from \(bounds)")
            return nil
        }
        return value
    }

    /// One of a fixed set of words, or of some of them.
    package mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, flag: Flag? = nil, default fallback: Choice, among choices: [Choice] = Array(Choice.allCases),
        shown: String? = nil, help: String = ""
    ) -> Choice where Choice.RawValue == String {
        let words = choices.map(\.rawValue)
        let setting = Setting(
            name: name, value: "word", values: words, fallback: shown ?? fallback.rawValue, summary: help)
        let text = given(setting, flag) ?? fallback.rawValue
        record(name, text)
        if let choice = choices.first(where: { $0.rawValue == text }) { return choice }
        addFault("\(label(name, flag)) is \"\(text)\"; it may be one of \(words.joined(separator: ", "))")
        return fallback
    }

    /// A comma-separated list, trimmed, without empty members.
    package mutating func list(_ name: String, help: String = "") -> [String] {
        (text(name, value: "a,b", help: help) ?? "").split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    }

    /// Every value of a flag that may be given several times.
    package mutating func repeated(_ flag: Flag, value: String, help: String) -> [String] {
        declare(Setting(flags: flag.names, value: value, isRepeatable: true, summary: help))
        return values(of: flag)
    }

    /// A file of ours in the state folder, unless another place is set; required where `isNeeded`.
    package mutating func statePath(
        _ name: String, flag: Flag, file: String, isNeeded: Bool, help: String
    ) -> String {
        let shown = "$XDG_STATE_HOME/bus/\(file) or ~/.local/state/bus/\(file)"
        let folder = variable("XDG_STATE_HOME") ?? variable("HOME").map { "\($0)/.local/state" }
        let setting = Setting(name: name, value: "file", fallback: shown, summary: help)
        let path = given(setting, flag) ?? folder.map { "\($0)/bus/\(file)" }
        record(name, path ?? "")
        if isNeeded, path == nil { addFault("no place for \(file) is known; set \(name) or HOME") }
        return path ?? ""
    }

    /// Refuses a variable of the contract that this build cannot serve.
    package mutating func refuse(_ name: String, because reason: String) {
        declare(Setting(name: name, value: "text", isSecret: true, isHidden: true, summary: reason))
        if variable(name) != nil || variable("\(name)_FILE") != nil { addFault("\(name) is set, but \(reason)") }
    }

    // MARK: Sources

    /// Every value that the command line gives a flag.
    package func values(of flag: Flag) -> [String] {
        offersFlags ? commandLine.values[flag.names[0]] ?? [] : []
    }

    /// A variable that other programs read too, such as `HOME`; nil when it is empty.
    package func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.trimmed.isEmpty ? nil : $0 }
    }

    /// True for a variable that exists, even when it is empty.
    package func isSet(_ name: String) -> Bool { environment[name] != nil }

    /// A text file's content; nil when it cannot be read or is larger.
    package func contents(ofFile path: String, bytesMax: Int = Limits.settingsFileBytesMax) -> String? {
        try? SettingsFile.text(of: path, bytesMax: bytesMax)
    }

    private mutating func given(_ setting: Setting, _ flag: Flag?) -> String? {
        var setting = setting
        setting.flags = flag?.names ?? []
        declare(setting)
        guard let flag, let value = values(of: flag).last else {
            return variable(setting.name).map { unquoted($0.trimmed, label: setting.name) }
        }
        guard let variable = SettingsReader.variable(in: value) else {
            return value.isEmpty ? nil : unquoted(value, label: flag.names[0])
        }
        if let resolved = self.variable(variable) { return resolved }
        addFault("\(flag.names[0]) names the variable \(variable), which is not set; set it or write the value")
        return nil
    }

    /// The value without quotes that a shell or an editor left around it, which is a fault.
    mutating func unquoted(_ text: String, label: String) -> String {
        guard let quote = text.first, quote == "\"" || quote == "'" else { return text }
        addFault("\(label) begins with a quote; remove the quotes")
        return String(text.dropFirst().last == quote ? text.dropFirst().dropLast() : text.dropFirst())
    }

    /// The flag where it was given, else the variable: what a fault is about.
    package func label(_ name: String, _ flag: Flag?) -> String {
        guard let flag, !values(of: flag).isEmpty else { return name }
        return flag.names[0]
    }

    private static func variable(in value: String) -> String? {
        guard value.hasPrefix("$") else { return nil }
        var name = value.dropFirst()
        if name.hasPrefix("{"), name.hasSuffix("}") { name = name.dropFirst().dropLast() }
        let isName = !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return isName ? String(name) : nil
    }
}
