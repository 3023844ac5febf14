import BusCLI
import BusClient
import BusRuntime

/// The variables a command runs with: the process's own, then `.env`, then the defaults.
///
/// The process's own environment never changes. Values stay bytes, since they need not be UTF-8.
package struct BusEnvironment: Sendable {
    /// `NAME=value`, in the order they were inherited.
    package private(set) var entries: [[UInt8]] = []
    /// The names that `.env` has set.
    package private(set) var fileNames: Set<String> = []
    private var indices: [String: Int] = [:]

    /// The values of names that are set nowhere.
    package static let defaults = [
        "BUS_EVENTS_API_URL": "http://127.0.0.1:8081/local/v1",
        "BUS_EVENTS_TOKEN_FILE": TokenLookup.localFile,
        Setting.workersURL.name: "http://127.0.0.1:8090/local/v1",
        Setting.workersTokenFile.name: TokenLookup.localFile,
    ]

    /// What `read` takes from a command's environment, and what every command's diagnostics take.
    static func ofCommand(_ read: (inout SettingsReader) -> Void) -> [Setting] {
        SettingsReader.settings(defaults: defaults, of: read) + [.noColor, .terminal]
    }

    /// What the dispatcher itself reads, completes and sets.
    static let settings: [Setting] = SettingsReader.settings(defaults: defaults) { reader in
        reader.declare(.path)
        for setting in EventsAccess.settings where setting.variables.contains(where: { defaults[$0] != nil }) {
            reader.declare(setting)
        }
        for setting: Setting in [.workersURL, .workersTokenFile, .perf, .batch, .busFile, .busFileLine] {
            reader.declare(setting)
        }
    }

    /// An inherited environment; of a name that occurs twice the first one counts, as for the C library.
    package init(entries: [[UInt8]] = []) {
        for entry in entries {
            self.entries.append(entry)
            guard let equals = entry.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: entry[..<equals], as: UTF8.self)
            if indices[name] == nil { indices[name] = self.entries.count - 1 }
        }
    }

    /// A variable's bytes; nil when it is not set.
    package func bytes(of name: String) -> [UInt8]? {
        indices[name].map { Array(entries[$0].dropFirst(name.utf8.count + 1)) }
    }

    /// A variable as text; nil when it is not set.
    package subscript(name: String) -> String? {
        bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// A variable as text; nil when it is not set or empty.
    func text(_ name: String) -> String? {
        self[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Every variable as text, for commands that run in this process.
    var values: [String: String] {
        indices.mapValues { String(decoding: entries[$0].drop { $0 != UInt8(ascii: "=") }.dropFirst(), as: UTF8.self) }
    }

    /// Sets a variable, whatever it was.
    package mutating func set(_ name: String, _ value: String) {
        let entry = Array("\(name)=\(value)".utf8)
        if let index = indices[name] {
            entries[index] = entry
        } else {
            indices[name] = entries.count
            entries.append(entry)
        }
    }

    /// Sets what `.env` says of unset names, then the defaults.
    ///
    /// A name that is set to nothing counts as set.
    package mutating func complete(with file: DotEnv) {
        let named = Dictionary(file.pairs.map { ($0.name, $0.value) }) { $1 }
        for (name, value) in named.sorted(by: { $0.key < $1.key }) where indices[name] == nil {
            set(name, value)
            fileNames.insert(name)
        }
        for (name, value) in BusEnvironment.defaults.sorted(by: { $0.key < $1.key }) where indices[name] == nil {
            set(name, value)
        }
    }
}

extension Setting {
    static let terminal = Setting("TERM", value: "name", summary: "dumb turns colour and progress off.")
    static let path = Setting("PATH", value: "folders", summary: "Where bus-<command> is, after the folder of bus.")
    static let workersURL = Setting(
        "BUS_WORKERS_API_URL", value: "url", summary: "The Workers API, for other programs.")
    static let workersTokenFile = Setting(
        "BUS_WORKERS_API_TOKEN_FILE", value: "file", summary: "The token for it, for other programs.")
    static let perf = Setting("BUS_PERF", value: "1", summary: "--perf sets it to 1 for the command.")
    static let batch = Setting("BUS_BATCH", value: "1", summary: "1 for the commands of a .bus file.")
    static let busFile = Setting("BUS_BUSFILE", value: "file", summary: "The .bus file of the command.")
    static let busFileLine = Setting(
        "BUS_BUSFILE_LINE", value: "number", summary: "The line of the command in that file.")
}
