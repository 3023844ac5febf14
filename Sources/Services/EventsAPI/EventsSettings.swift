import BusCore
import BusRuntime
import BusServer

/// What the command line of the events server may set; nil where nothing was given.
package struct EventsFlags: Sendable {
    /// `--addr`.
    package var address: String?
    /// `--events-backend`.
    package var backend: String?
    /// `--events-sqlite-path`.
    package var sqlitePath: String?
    /// `--base-path`, as often as given; empty means the default list.
    package var basePaths: [String] = []

    /// No flags.
    package init() {}
}

/// How an events server runs; read once at its start.
package struct EventsSettings: Sendable {
    /// Where events are kept.
    package enum Backend: String, CaseIterable, Sendable {
        case sqlite, memory, postgres
    }

    /// Where the API listens.
    package let address: ListenAddress
    /// Where health and metrics are shown; nil for nowhere.
    package let operationsAddress: ListenAddress?
    /// Where events are kept.
    package let backend: Backend
    /// The file of the `sqlite` backend.
    package let sqlitePath: String
    /// The prefixes the API answers under; empty text is the root.
    package let basePaths: [String]
    /// Verifies the callers' tokens.
    package let tokenSecret: Secret
    /// Who is a service, and whether wildcards are on.
    package let access: EventRoutes.AccessSettings
    /// How long events are kept; zero keeps all.
    package let retention: Duration
    /// The time between blank lines on a silent stream; nil sends none.
    package let keepAlive: Duration?

    /// Reads every setting and reports all faults together.
    ///
    /// `bus-local` gives the secret its services share.
    package init(
        _ reader: inout SettingsReader, flags: EventsFlags, tokenSecret shared: Secret? = nil
    ) throws(SettingsFaults) {
        let address = reader.address(
            "BUS_EVENTS_ADDR", flag: .init("--addr", flags.address), default: "127.0.0.1:8081")
        operationsAddress = reader.address("BUS_OPS_ADDR", default: "127.0.0.1:0")
        backend = reader.choice(
            "BUS_EVENTS_BACKEND", flag: .init("--events-backend", flags.backend), default: Backend.sqlite)
        if backend == .postgres {
            reader.addFault("the postgres backend comes with a later version; use --events-backend sqlite")
        }
        sqlitePath =
            reader.text(
                "BUS_EVENTS_SQLITE_PATH", flag: .init("--events-sqlite-path", flags.sqlitePath),
                default: EventsSettings.defaultPath(reader)) ?? ""
        if backend == .sqlite, sqlitePath.isEmpty {
            reader.addFault("no place for the event file is known; set BUS_EVENTS_SQLITE_PATH or HOME")
        }
        basePaths = EventsSettings.basePaths(flags.basePaths, &reader)
        let secret = shared ?? reader.secret("BUS_API_JWT_SECRET", "BUS_EVENTS_JWT_SECRET")
        if secret == nil {
            reader.addFault("no token secret is set; set BUS_API_JWT_SECRET or BUS_API_JWT_SECRET_FILE")
        }
        tokenSecret = secret ?? Secret("")
        access = EventRoutes.AccessSettings(
            serviceSubjects: Set(reader.list("BUS_EVENTS_SERVICE_SUBJECTS")),
            allowsWildcard: reader.bool("BUS_EVENTS_ALLOW_WILDCARD"))
        retention = reader.duration(
            "BUS_EVENTS_RETENTION", default: "30d", in: .zero ... .seconds(36_500 * 86_400))
        let keepAlive = reader.duration(
            "BUS_EVENTS_STREAM_KEEPALIVE", default: "0", in: .zero ... .seconds(3_600))
        self.keepAlive = keepAlive == .zero ? nil : keepAlive
        try reader.check()
        // `check` throws when the address could not be read, so this is only for the compiler.
        guard let address else { throw SettingsFaults(["BUS_EVENTS_ADDR is not set; set it to host:port"]) }
        self.address = address
    }

    private static func defaultPath(_ reader: SettingsReader) -> String? {
        if let state = reader.variable("XDG_STATE_HOME") { return "\(state)/bus/events.sqlite" }
        return reader.variable("HOME").map { "\($0)/.local/state/bus/events.sqlite" }
    }

    private static func basePaths(_ given: [String], _ reader: inout SettingsReader) -> [String] {
        if given.isEmpty { return ["", "/local/v1"] }
        var paths: [String] = [""]
        for text in given {
            var path = Substring(text)
            while path.hasSuffix("/") { path = path.dropLast() }
            let isPlain = path.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
                    UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
            if !path.isEmpty, !path.hasPrefix("/") || !isPlain || path.contains("//") {
                reader.addFault("--base-path \"\(text)\" is no path; write it like /local/v1")
            } else if !paths.contains(String(path)) {
                paths.append(String(path))
            }
        }
        return paths
    }
}
