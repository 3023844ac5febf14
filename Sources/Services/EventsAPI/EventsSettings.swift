import BusCore
import BusRuntime
import BusSQL
import BusServer

/// How an events server runs; read once at its start.
package struct EventsSettings: Sendable {
    /// What is synced to storage before it is answered.
    package enum Syncs: String, CaseIterable, Sendable {
        /// Everything but queries.
        case changes
        case all
    }

    /// Where the API listens.
    package let address: ListenAddress
    /// Where health and metrics are shown.
    package let operationsAddress: ListenAddress
    /// Where events are kept.
    package let store: StoreSettings
    /// What is synced to storage before it is answered.
    package let syncs: Syncs
    /// The prefixes the API answers under; empty text is the root.
    package let basePaths: [String]
    /// Verifies the callers' tokens.
    package let tokenSecret: Secret
    /// The same with the file it comes from; nil for a variable.
    package let tokenSecretOfFile: SecretOfFile?
    /// Who is a service, and whether wildcards are on.
    let access: EventRoutes.AccessSettings
    /// How long events are kept; zero keeps all.
    package let retention: Duration
    /// The time between blank lines on a silent stream; nil sends none.
    package let keepAlive: Duration?

    /// Reads everything; faults stay in the reader until its `check()`.
    ///
    /// `bus-local` gives the secret its services share.
    package init(_ reader: inout SettingsReader, tokenSecret shared: Secret? = nil) {
        address = reader.address(
            "BUS_EVENTS_ADDR", flag: "--addr", default: "127.0.0.1:8081",
            help: "Where the API listens; port 0 lets the system choose.")
        store = .events(&reader)
        syncs = reader.choice(
            "BUS_EVENTS_SYNC", default: .changes,
            help: "What is synced to the disk before it is answered; all takes queries too.")
        basePaths = EventsSettings.basePaths(&reader)
        tokenSecret =
            shared ?? reader.tokenSecret(SettingsReader.sharedTokenSecret, "BUS_EVENTS_JWT_SECRET")
        tokenSecretOfFile = shared == nil ? reader.secretOfFile(SettingsReader.sharedTokenSecret) : nil
        access = EventRoutes.AccessSettings(
            serviceSubjects: Set(
                reader.list("BUS_EVENTS_SERVICE_SUBJECTS", help: "Subjects that see every owner's events.")),
            allowsWildcard: reader.bool(
                "BUS_EVENTS_ALLOW_WILDCARD", help: "Tokens with events:admin may stream name=*."))
        retention = reader.duration(
            "BUS_EVENTS_RETENTION", default: "30d", in: .zero ... .seconds(36_500 * 86_400),
            help: "How long events are kept; 0 keeps all.")
        let keepAlive = reader.duration(
            "BUS_EVENTS_STREAM_KEEPALIVE", default: "0s", in: .zero ... .seconds(3_600),
            help: "Time between blank lines on a silent stream; 0 sends none.")
        self.keepAlive = keepAlive == .zero ? nil : keepAlive
        operationsAddress = reader.operationsAddress()
    }

    private static func basePaths(_ reader: inout SettingsReader) -> [String] {
        let given = reader.repeated(
            "--base-path", value: "path", help: "Prefix to answer under besides the root; /local/v1 unless given.")
        if given.isEmpty { return ["", "/local/v1"] }
        var paths: [String] = [""]
        for text in given {
            var path = Substring(text)
            while path.hasSuffix("/") { path = path.dropLast() }
            let isPlain = path.utf8.allSatisfy { $0.isNameByte || $0 == UInt8(ascii: "/") }
            if !path.isEmpty, !path.hasPrefix("/") || !isPlain || path.contains("//") {
                reader.addFault("--base-path \"\(text)\" is not a path; write it like /local/v1")
            } else if !paths.contains(String(path)) {
                paths.append(String(path))
            }
        }
        return paths
    }
}

extension StoreSettings {
    /// Where events are kept.
    package static func events(_ reader: inout SettingsReader) -> StoreSettings {
        StoreSettings(
            &reader,
            Names(
                store: "events", backend: "BUS_EVENTS_BACKEND", backendFlag: "--events-backend",
                path: "BUS_EVENTS_SQLITE_PATH", pathFlag: "--events-sqlite-path", url: "BUS_EVENTS_POSTGRES_DSN",
                schema: "BUS_EVENTS_POSTGRES_SCHEMA"))
    }
}

extension StoreMove {
    /// The event log with its groups and deliveries.
    package static let events = StoreMove(store: "events", schemas: [EventSchema.name]) { database in
        try await database.migrate(EventSchema.name, EventSchema.migrations)
    }
}
