import BusCore
import FoundationEssentials

/// Every wrong setting of a start, reported together; the process exits 2.
package struct SettingsFaults: Error, CustomStringConvertible {
    /// One sentence each: what is wrong, then the remedy.
    package let messages: [String]

    /// Faults to report.
    package init(_ messages: [String]) {
        self.messages = messages
    }

    /// One fault a line.
    package var description: String { messages.joined(separator: "\n") }
}

/// Reads settings once, at the start: flags before environment before `_FILE` before default (additions A-11).
///
/// It collects faults instead of throwing, so that an operator sees every problem of a configuration at once, and it
/// remembers the effective values, secrets redacted, for the start log and `--check-config`.
package struct SettingsReader {
    /// A flag's value as given on the command line; nil when it was not given.
    package struct Flag {
        let name: String
        let value: String?

        /// A flag and its value.
        package init(_ name: String, _ value: String?) {
            self.name = name
            self.value = value
        }
    }

    private var environment: [String: String]
    private var faults: [String] = []
    /// Names and effective values in the order they were read; secrets show only whether they are set.
    package private(set) var effective: [(name: String, value: String)] = []

    /// A reader over an environment.
    package init(environment: [String: String]) {
        self.environment = environment
    }

    /// A reader over this process's environment.
    package static func ofProcess() -> SettingsReader {
        SettingsReader(environment: ProcessInfo.processInfo.environment)
    }

    /// Stands in for a variable that is set in no form.
    package mutating func setDefault(_ name: String, _ value: String) {
        if environment[name] == nil, environment["\(name)_FILE"] == nil { environment[name] = value }
    }

    /// Fails when anything read so far was wrong.
    package func check() throws(SettingsFaults) {
        if !faults.isEmpty { throw SettingsFaults(faults) }
    }

    /// Adds a fault that only the caller can see, such as two settings that exclude each other.
    package mutating func addFault(_ message: String) {
        faults.append(message)
    }

    // MARK: Values

    /// Text, where empty counts as unset.
    ///
    /// A flag that is exactly `$NAME` or `${NAME}` stands for that variable (D-44).
    package mutating func text(_ name: String, flag: Flag? = nil, default fallback: String? = nil) -> String? {
        let value = given(name, flag) ?? fallback
        effective.append((name, value ?? ""))
        return value
    }

    /// Text that must be given.
    package mutating func requiredText(_ name: String, flag: Flag, meaning: String) -> String {
        if let value = text(name, flag: flag) { return value }
        faults.append("\(meaning) is not set; set \(name) or pass \(flag.name)")
        return ""
    }

    /// A bool: a given flag is true; a word that is no bool in the environment falls back to the default (bus.md 4.1).
    package mutating func bool(_ name: String, flag: Bool = false, default fallback: Bool = false) -> Bool {
        var value = fallback
        switch environment[name]?.lowercased() {
        case "1", "true", "yes", "on": value = true
        case "0", "false", "no", "off": value = false
        default: break
        }
        if flag { value = true }
        effective.append((name, String(value)))
        return value
    }

    /// A duration in Go's syntax or bare seconds.
    package mutating func duration(
        _ name: String, flag: Flag? = nil, default fallback: String, in range: ClosedRange<Duration>
    ) -> Duration {
        let text = given(name, flag) ?? fallback
        effective.append((name, text))
        guard let value = Duration(goSyntax: text) else {
            faults.append("\(label(name, flag)) is no duration; write it like 250ms, 30s or 1h30m")
            return range.lowerBound
        }
        if !range.contains(value) {
            faults.append("\(label(name, flag)) is out of range; it may be \(range.lowerBound) to \(range.upperBound)")
        }
        return value
    }

    /// A whole number.
    package mutating func integer(
        _ name: String, flag: Flag? = nil, default fallback: Int, in range: ClosedRange<Int>
    ) -> Int {
        let text = given(name, flag) ?? String(fallback)
        effective.append((name, text))
        guard let value = Int(text), range.contains(value) else {
            faults.append("\(label(name, flag)) must be a number from \(range.lowerBound) to \(range.upperBound)")
            return fallback
        }
        return value
    }

    /// One of a fixed set of words.
    package mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, flag: Flag? = nil, default fallback: Choice
    ) -> Choice where Choice.RawValue == String {
        let text = given(name, flag) ?? fallback.rawValue
        effective.append((name, text))
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        faults.append("\(label(name, flag)) is \"\(text)\"; it may be one of \(words)")
        return fallback
    }

    /// A comma-separated list, trimmed, without empty members.
    package mutating func list(_ name: String) -> [String] {
        (text(name) ?? "").split(separator: ",").map { $0.trimmed }.filter { !$0.isEmpty }
    }

    // MARK: Secrets

    /// A secret from `NAME`, a file named by `NAME_FILE` (or another given name), or the systemd credential `NAME`.
    ///
    /// Surrounding whitespace goes; `base64:` marks an encoded value (bus.md R12). Of several names, older ones last,
    /// the first that is set counts; a name and its file at once are a fault.
    package mutating func secret(_ names: String..., files: [String] = []) -> Secret? {
        for (index, name) in names.enumerated() {
            let fileNames = ["\(name)_FILE"] + (index == 0 ? files : [])
            let set = ([name] + fileNames).filter { variable($0) != nil }
            guard let source = set.first else { continue }
            effective.append((name, "[redacted]"))
            if set.count > 1 {
                faults.append("\(set.joined(separator: " and ")) are both set; keep one")
                return nil
            }
            guard let value = variable(source), source != name else { return decode(variable(name) ?? "", label: name) }
            if let content = contents(ofFile: value) { return decode(content, label: source) }
            faults.append("the file named by \(source) cannot be read; check that it exists and who may read it")
            return nil
        }
        effective.append((names[0], ""))
        return credential(names[0])
    }

    /// The secret in a file that a flag names; it is decoded like a variable's.
    package mutating func secret(ofFile path: String, flag: String) -> Secret? {
        guard let content = contents(ofFile: path) else {
            faults.append("the file of \(flag) cannot be read; check that it exists and who may read it")
            return nil
        }
        guard let secret = decode(content, label: flag) else {
            faults.append("the file of \(flag) is empty; put the secret in it")
            return nil
        }
        return secret
    }

    private mutating func credential(_ name: String) -> Secret? {
        guard let folder = environment["CREDENTIALS_DIRECTORY"], let content = contents(ofFile: "\(folder)/\(name)")
        else { return nil }
        return decode(content, label: name)
    }

    private mutating func decode(_ text: String, label: String) -> Secret? {
        let trimmed = text.trimmed
        if trimmed.isEmpty { return nil }
        guard trimmed.hasPrefix("base64:") else { return Secret(trimmed) }
        guard let data = Data(base64Encoded: String(trimmed.dropFirst(7))), !data.isEmpty else {
            faults.append("\(label) starts with base64: but the rest is not base64; encode it again")
            return nil
        }
        return Secret(bytes: Array(data))
    }

    // MARK: Sources

    private mutating func given(_ name: String, _ flag: Flag?) -> String? {
        guard let flag, let value = flag.value else {
            return environment[name].flatMap { $0.trimmed.isEmpty ? nil : $0.trimmed }
        }
        guard let variable = SettingsReader.variable(in: value) else { return value.isEmpty ? nil : value }
        if let resolved = environment[variable], !resolved.isEmpty { return resolved }
        faults.append("\(flag.name) names the variable \(variable), which is not set; set it or write the value")
        return nil
    }

    private func label(_ name: String, _ flag: Flag?) -> String {
        flag?.value == nil ? name : flag?.name ?? name
    }

    private static func variable(in value: String) -> String? {
        guard value.hasPrefix("$") else { return nil }
        var name = value.dropFirst()
        if name.hasPrefix("{"), name.hasSuffix("}") { name = name.dropFirst().dropLast() }
        let isName = !name.isEmpty && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
        return isName ? String(name) : nil
    }

    /// A value of the environment that is no setting of ours, such as `HOME`.
    package func variable(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A text file's content; nil when it cannot be read or is larger.
    package func contents(ofFile path: String, bytesMax: Int = Limits.settingsFileBytesMax) -> String? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= bytesMax else {
            return nil
        }
        return String(data: data, encoding: .utf8)
    }
}

extension StringProtocol {
    /// Without whitespace and line ends around.
    package var trimmed: String {
        var text = Substring(self)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
