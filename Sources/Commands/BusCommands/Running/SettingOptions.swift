import ArgumentParser
import BusRuntime

// The parser's properties for flags that a setting declares: name, value and help come from there.

extension Option {
    init<T: ExpressibleByArgument>(_ flag: String, of settings: [Setting]) where Value == T? {
        let setting = Setting.declared(flag, in: settings)
        let completion: CompletionKind? =
            switch setting.value {
            case "file": .file()
            case "folder": .directory
            default: nil
            }
        self.init(
            name: setting.parserNames, help: ArgumentHelp(setting.summary, valueName: setting.value),
            completion: completion)
    }
}

extension Flag {
    init(wrappedValue: Bool, _ flag: String, of settings: [Setting]) where Value == Bool {
        let setting = Setting.declared(flag, in: settings)
        self.init(wrappedValue: wrappedValue, name: setting.parserNames, help: ArgumentHelp(setting.summary))
    }

    init(_ flag: String, of settings: [Setting]) where Value == Int {
        let setting = Setting.declared(flag, in: settings)
        self.init(name: setting.parserNames, help: ArgumentHelp(setting.summary))
    }
}

extension Setting {
    /// The setting of a flag.
    static func declared(_ flag: String, in settings: [Setting]) -> Setting {
        settings.first { $0.flags.contains(flag) } ?? Setting(flags: [flag], summary: "")
    }

    /// Short names first.
    fileprivate var parserNames: NameSpecification {
        let short = flags.filter { !$0.hasPrefix("--") }.compactMap(\.last).map {
            NameSpecification.Element.customShort($0)
        }
        let long = flags.filter { $0.hasPrefix("--") }.map {
            NameSpecification.Element.customLong(String($0.dropFirst(2)))
        }
        return NameSpecification(short + long)
    }
}
