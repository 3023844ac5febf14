import ArgumentParser
import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import BusRuntime

/// `bus events`: events for people and scripts (bus.md 8.3).
struct EventsCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Events: send, listen.",
        discussion: """
            EXAMPLES
              bus events send --name example.hello --payload '{"text":"hello"}'
              bus events listen --name example.hello --replay --no-follow
            """,
        subcommands: [EventsSendCommand.self, EventsListenCommand.self])

    /// What other Bus installs have and we do not (bus.md 8.3).
    static let unsupported = ["relay", "sync", "export", "import"]

    /// The variables of both commands.
    static let environment = """
        ENVIRONMENT
          BUS_EVENTS_API_URL  the Events API, same as --events-url
          BUS_API_TOKEN_FILE, BUS_EVENTS_TOKEN_FILE, BUS_API_TOKEN, BUS_EVENTS_TOKEN
                              your Bus token: a file, or itself; the first that is set;
                              else .bus/tokens/local-events.jwt, else auth/api-token in
                              BUS_CONFIG_DIR, XDG_CONFIG_HOME/bus or HOME/.config/bus
          NO_COLOR, TERM      colour on a terminal
        """
}

/// Where the Events API is and who calls it.
struct EventsAccess: ParsableArguments {
    @Option(
        name: [.customLong("events-url"), .customLong("api-url")],
        help: .init("Where the Events API is.", valueName: "url"))
    var url: String?
    @Option(
        name: [.customLong("token-file"), .customLong("api-token-file")],
        help: .init("File that holds the Bus token.", valueName: "file"), completion: .file())
    var tokenFile: String?
}

/// `bus events send`.
struct EventsSendCommand: BusCommand {
    static let formats = ResultFormats(.json, or: .text)
    static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Publishes one event.",
        discussion: """
            EXAMPLES
              bus events send --name example.hello --payload '{"text":"hello"}'
              bus events send --name example.hello --payload-file - < hello.json

            It prints what the Events API says of the accepted event; --format text prints
            the event's id. Everybody on the machine can read arguments: a payload that is
            nobody's business goes into a file.

            JSON
              {"accepted":true,"id","name"}

            \(EventsCommands.environment)
            """)

    @Option(help: .init("The event's name.", valueName: "name"))
    var name: String
    @Option(help: .init("What it says ({}).", valueName: "json"))
    var payload: String?
    @Option(help: .init("File that holds the payload; - is standard input.", valueName: "file"), completion: .file())
    var payloadFile: String?
    @Option(help: .init("Ties a reply to its request.", valueName: "id"))
    var correlationID: String?
    @Option(help: .init("Who says it (bus-events).", valueName: "module"))
    var source: String?
    @Option(help: .init("A key and its value; may be repeated.", valueName: "key=value"))
    var metadata: [String] = []
    @OptionGroup var access: EventsAccess
    @OptionGroup var shared: SharedOptions

    func run(in session: CommandSession) async throws {
        let envelope = EventEnvelope(
            name: try EventsSendCommand.eventName(name), correlationID: correlationID, source: source ?? "bus-events",
            metadata: try pairs(), payload: try document())
        let scope = AccessPolicy.scope(for: envelope.name, to: .send).rawValue
        let limit = session.timeLimit ?? .seconds(Limits.commandCallSeconds)
        let answer = try await session.withEvents(access, scope: scope) { client in
            try await client.acceptance(of: EventDraft(envelope), within: limit)
        }
        let acceptance = try? JSONText(parsing: answer)
        switch session.format {
        case .text: try session.output.line((try? acceptance?.value())?["id"]?.text?.printable ?? "-")
        default:
            // An older server may accept without a word (bus.md 3.3).
            let plain = JSONText(["accepted": true, "name": .string(envelope.name.text)])
            try session.output.line((acceptance ?? plain).bytes)
        }
    }

    /// A name, or what is wrong with it.
    static func eventName(_ text: String) throws(ProcessFailure) -> EventName {
        if let name = EventName(text) { return name }
        throw ProcessFailure(
            exitCode: 2,
            "--name \"\(text)\" is no event name; write lower-case segments with dots between, "
                + "such as bus.billing.status.request, and no wildcard")
    }

    private func pairs() throws(ProcessFailure) -> [String: String] {
        var pairs: [String: String] = [:]
        for pair in metadata {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw ProcessFailure(exitCode: 2, "--metadata \"\(pair)\" is not of the form key=value")
            }
            pairs[String(parts[0])] = String(parts[1])
        }
        return pairs
    }

    private func document() throws(ProcessFailure) -> JSONText {
        if payload != nil, payloadFile != nil {
            throw ProcessFailure(exitCode: 2, "--payload and --payload-file exclude each other; keep one")
        }
        let flag = payloadFile == nil ? "--payload" : "--payload-file"
        let bytes =
            if let payloadFile {
                try InputFile.read(payloadFile, flag: flag, bytesMax: Limits.eventBodyBytesMax)
            } else { Array((payload ?? "{}").utf8) }
        do {
            return try JSONText(parsing: bytes)
        } catch {
            let fact =
                switch error {
                case .malformed(let offset), .unexpectedType(let offset): "is not JSON at byte \(offset)"
                case .trailingData(let offset): "goes on behind the JSON value, from byte \(offset)"
                case .tooDeep: "is nested deeper than \(Limits.jsonDepthMax) levels"
                case .invalidUTF8: "is not UTF-8"
                }
            throw ProcessFailure(exitCode: 2, "the payload of \(flag) \(fact); write one JSON value")
        }
    }
}

extension CommandSession {
    /// Calls the Events API; `scope` is what the token has to be allowed.
    func withEvents<Value: Sendable>(
        _ access: EventsAccess, scope: String, _ call: (EventsClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        let endpoint = settings.eventsEndpoint(flag: .init("--events-url", access.url))
        try settings.check()
        guard let endpoint else { throw ProcessFailure(exitCode: 2, "the Events API's URL is not set") }
        let tokens = try TokenSource.find(flag: access.tokenFile, in: settings, at: .now)
        diagnostics.write(.debug, "asking \(endpoint.collection) with the token of \(tokens.label)")
        return try await withHTTP { http in
            do {
                return try await call(
                    EventsClient(http: http, endpoint: endpoint, tokens: tokens, logger: diagnostics.logger))
            } catch let fault as EventsFault {
                throw EventsFailure(fault: fault, scope: scope)
            }
        }
    }
}
