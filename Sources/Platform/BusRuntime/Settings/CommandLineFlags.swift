/// The flags of a command line, told apart by the settings that declare them.
package struct CommandLineFlags: Sendable {
    /// Every value given, by the leading name of its flag; a flag without a value counts as an empty one.
    package private(set) var values: [String: [String]] = [:]
    /// What is not a flag, such as `help`.
    package private(set) var words: [String] = []

    /// Flags that another parser has found; nil stands for one that was not given.
    package init(given: [String: String?] = [:]) {
        values = given.compactMapValues { $0.map { [$0] } }
    }

    /// Reads `--flag value`, `--flag=value`, `-f value` and `-vv`; nothing behind `--` is a flag.
    package init(_ arguments: [String], of settings: [Setting]) throws(SettingsFaults) {
        var known: [String: Setting] = [:]
        for setting in settings {
            for flag in setting.flags { known[flag] = setting }
        }
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if argument == "--" {
                words += rest
                return
            }
            guard argument.hasPrefix("-"), argument != "-" else {
                words.append(argument)
                continue
            }
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            guard let setting = known[name] else {
                if let letters = CommandLineFlags.repeated(argument, known) {
                    values[letters.name, default: []] += letters.values
                    continue
                }
                throw SettingsFaults([
                    CommandLineFlags.refusal(ofSecret: name, settings) ?? "\(name) is unknown; see --help"
                ])
            }
            let isLong = name.hasPrefix("--")
            switch (setting.value, parts.count) {
            case (nil, 1): values[setting.flags[0], default: []].append("")
            case (nil, _): throw SettingsFaults(["\(name) takes no value; write it alone"])
            case (_?, 2) where isLong: values[setting.flags[0], default: []].append(String(parts[1]))
            default:
                guard parts.count == 1, let value = rest.popFirst(), known[value] == nil else {
                    throw SettingsFaults(["\(name) needs a value; write \(name) <\(setting.value ?? "")>"])
                }
                values[setting.flags[0], default: []].append(value)
            }
        }
    }

    /// `-vvv` as three times `-v`.
    private static func repeated(_ argument: String, _ known: [String: Setting]) -> (name: String, values: [String])? {
        let letters = argument.dropFirst()
        guard let letter = letters.first, letter != "-", letters.allSatisfy({ $0 == letter }),
            let setting = known["-\(letter)"], setting.value == nil
        else { return nil }
        return (setting.flags[0], letters.map { _ in "" })
    }

    /// What to set instead of an unknown flag that would carry a secret; nil for any other flag.
    ///
    /// Everybody on the machine can read arguments.
    package static func refusal(ofSecret flag: String, _ settings: [Setting]) -> String? {
        let secrets = settings.filter(\.isSecret)
        let words = flag.drop { $0 == "-" }.uppercased().replacing("-", with: "_")
        let meant = secrets.first { secret in
            ([secret.name] + secret.olderNames + secret.fileNames).contains {
                $0.replacing("_FILE", with: "").hasSuffix("_\(words)")
            }
        }
        let isSecret = ["TOKEN", "SECRET", "KEY", "PASSWORD"].contains { words == $0 || words.hasSuffix("_\($0)") }
        guard meant != nil || isSecret, let first = meant ?? secrets.first else { return nil }
        let variables = meant.map { [$0] } ?? (secrets.isEmpty ? [first] : secrets.filter { !$0.isHidden })
        let names = variables.map { "\($0.name) or \($0.name)_FILE" }.joined(separator: ", ")
        return "\(flag) would show the secret to everybody on this machine; set \(names)"
    }
}
