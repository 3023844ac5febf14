import ArgumentParser
import BusCLI
import BusCore
import BusRuntime
import EventsAPI

@main
struct EventsCommand: LeafCommand {
    static let binary = "bus-api-provider-events"
    static let secretFlags = [
        "--jwt-secret": "BUS_API_JWT_SECRET", "--api-jwt-secret": "BUS_API_JWT_SECRET",
        "--events-jwt-secret": "BUS_API_JWT_SECRET", "--secret": "BUS_API_JWT_SECRET",
    ]

    static let configuration = CommandConfiguration(
        commandName: binary,
        abstract: "Serves the Events API: publish, stream, acknowledge.",
        discussion: """
            EXAMPLE
              export BUS_API_JWT_SECRET="$(cat ./local/jwt-secret)"
              bus-api-provider-events --addr 127.0.0.1:8081 \\
                --events-sqlite-path ./local/events.sqlite

            Events are kept in one SQLite file. A publish is answered after it is on the
            disk; concurrent publishes share one sync.

            ENVIRONMENT (every secret also as NAME_FILE, a file that holds it)
              BUS_API_JWT_SECRET            verifies the callers' tokens; base64:… for bytes
              BUS_EVENTS_JWT_SECRET         older name of the same
              BUS_EVENTS_ADDR               same as --addr (default 127.0.0.1:8081)
              BUS_EVENTS_BACKEND            same as --events-backend (default sqlite)
              BUS_EVENTS_SQLITE_PATH        same as --events-sqlite-path
                                            ($XDG_STATE_HOME or ~/.local/state)
              BUS_EVENTS_SERVICE_SUBJECTS   subjects that see every owner's events
              BUS_EVENTS_RETENTION          how long events are kept (default 30d; 0 keeps all)
              BUS_EVENTS_STREAM_KEEPALIVE   time between blank lines on a stream (0, none)
              BUS_EVENTS_ALLOW_WILDCARD     1 lets events:admin tokens stream name=*
              BUS_WORKER_SHUTDOWN_TIMEOUT   time for stopping (default 10s)
              BUS_OPS_ADDR                  /livez /readyz /metrics (default 127.0.0.1:0)
              BUS_LOG_LEVEL, BUS_LOG_FORMAT trace…error (info); json or text
            """)

    static func main() async { await runLeaf() }

    @Option(name: .customLong("addr"), help: "host:port to listen on; port 0 lets the system choose.")
    var address: String?
    @Option(name: .customLong("events-backend"), help: "sqlite or memory.")
    var backend: String?
    @Option(name: .customLong("events-sqlite-path"), help: "File of the sqlite backend.")
    var sqlitePath: String?
    @Option(
        name: .customLong("base-path"),
        help: "Prefix to answer under besides the root, repeatable (default /local/v1).")
    var basePaths: [String] = []
    @Flag(help: "Print the effective settings, secrets redacted, then exit 0 or 2.")
    var checkConfig = false

    func start() async throws {
        var flags = EventsFlags()
        flags.address = address
        flags.backend = backend
        flags.sqlitePath = sqlitePath
        flags.basePaths = basePaths
        var reader = SettingsReader.ofProcess()
        let process = ServiceProcess(label: Self.binary, settings: &reader)
        let settings: EventsSettings
        do {
            settings = try EventsSettings(&reader, flags: flags)
        } catch {
            if checkConfig { Terminal.output(reader.effectiveText) }
            throw error
        }
        if checkConfig { return Terminal.output(reader.effectiveText) }
        let service = try await EventsService(settings, process: process)
        try await process.run(service.services())
    }
}
