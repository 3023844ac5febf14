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
        Variable.eventsURL.name: "http://127.0.0.1:8081/local/v1",
        Variable.eventsTokenFile.name: ".bus/tokens/local-events.jwt",
        Variable.workersURL.name: "http://127.0.0.1:8090/local/v1",
        Variable.workersTokenFile.name: ".bus/tokens/local-events.jwt",
    ]

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
