/// The variables a command runs with: the process's own, then `.env`, then the defaults (bus.md 8.1).
///
/// It is a value that is handed to the child; our own environment never changes. Bytes stay as they were, because a
/// value need not be UTF-8.
package struct BusEnvironment: Sendable {
    /// `NAME=value`, in the order they were inherited.
    package private(set) var entries: [[UInt8]] = []
    private var indices: [String: Int] = [:]

    /// What stands for names that are set nowhere.
    package static let defaults = [
        "BUS_EVENTS_API_URL": "http://127.0.0.1:8081/local/v1",
        "BUS_EVENTS_TOKEN_FILE": ".bus/tokens/local-events.jwt",
        "BUS_WORKERS_API_URL": "http://127.0.0.1:8090/local/v1",
        "BUS_WORKERS_API_TOKEN_FILE": ".bus/tokens/local-events.jwt",
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

    /// Every variable as text, for commands that run in this process.
    package var values: [String: String] {
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

    /// Adds what a `.env` file says of names that are not set, even empty, and then the defaults.
    package mutating func complete(with file: DotEnv) {
        var named: [String: String] = [:]
        for pair in file.pairs { named[pair.name] = pair.value }
        named.merge(BusEnvironment.defaults) { value, _ in value }
        for (name, value) in named.sorted(by: { $0.key < $1.key }) where indices[name] == nil { set(name, value) }
    }
}
