import AsyncHTTPClient
import BusContract
import BusCore
import BusRuntime
import FoundationEssentials
import Logging
import Synchronization
import TestSupport
import Testing

@testable import BusClient

@Suite("A token file that changes")
struct TokenRenewalTests {
    private let folder: TemporaryFolder
    private let start = Timestamp(clampingSeconds: 1_785_600_000)
    private let log = RecordedLog()

    init() throws {
        folder = try TemporaryFolder()
    }

    private func token(_ mark: String, subject: String = "s", from offset: Int64 = 0, lives seconds: Int64 = 3_600)
        -> String
    {
        TestTokens(secret: "k").token(
            subject: subject, scope: mark, now: start.seconds + offset, lifetimeSeconds: seconds)
    }

    private func write(_ text: String) throws {
        _ = try folder.write(text, to: "token")
    }

    private func source(_ environment: [String: String] = [:], at time: Timestamp? = nil) throws -> TokenSource {
        let flags = CommandLineFlags(given: ["--token-file": "\(folder.path)/token"])
        return try TokenSource.find(in: SettingsReader(environment: environment, commandLine: flags), at: time ?? start)
    }

    private func token(_ source: TokenSource, after seconds: Int64) -> String {
        source.token(at: start.advanced(bySeconds: seconds), logger: log.logger).reveal()
    }

    /// `renewed`, `later` or `never`.
    private func step(_ source: TokenSource, refused token: String, after seconds: Int64) -> String {
        switch source.afterRefusal(of: Secret(token), at: start.advanced(bySeconds: seconds), logger: log.logger) {
        case .renewed(let fresh): "renewed \(fresh.reveal())"
        case .later: "later"
        case .never: "never"
        }
    }

    @Test("a refused token is replaced by what its file holds now, for every caller that sent the old one")
    func refused() throws {
        let (old, new) = (token("old"), token("new"))
        try write(old)
        let source = try source()
        try write(new + "\n")
        #expect(token(source, after: 10) == old, "a token far from its end is not looked for")
        #expect(step(source, refused: old, after: 10) == "renewed \(new)")
        #expect(step(source, refused: old, after: 10) == "renewed \(new)")
        #expect(token(source, after: 10) == new)
    }

    @Test("a token that its file still holds is refused for good, as is one without a file")
    func final() throws {
        let old = token("old")
        try write(old)
        #expect(step(try source(), refused: old, after: 10) == "never")
        #expect(step(TokenSource(token: Secret(old), label: "BUS_API_TOKEN"), refused: old, after: 10) == "never")
        let fixed = try source(["BUS_EVENTS_TOKEN_REFRESH": "0"])
        try write(token("new"))
        #expect(step(fixed, refused: old, after: 10) == "never")
    }

    @Test("a token near its end is replaced before anybody refuses it, with a look every few seconds at most")
    func expiring() throws {
        let (old, new) = (token("old"), token("new"))
        try write(old)
        let source = try source()
        #expect(token(source, after: 3_571) == old)
        try write(new)
        #expect(token(source, after: 3_573) == old, "just looked")
        #expect(token(source, after: 3_574) == new)
        // A short life has a short end.
        let short = token("short", from: 4_000, lives: 6)
        try write(short)
        let next = try self.source(at: start.advanced(bySeconds: 4_000))
        try write(token("next", from: 4_000))
        #expect(token(next, after: 4_003) == short)
        #expect(token(next, after: 4_004) != short)
        let fixed = try self.source(["BUS_EVENTS_TOKEN_REFRESH": "off"])
        try write(old)
        #expect(token(fixed, after: 4_003) != old)
    }

    @Test("an empty, unreadable, expired or foreign file leaves the old token in use, and says so once")
    func unusable() throws {
        let old = token("old")
        try write(old)
        for (content, words) in [
            ("", "is empty"), (token("x", from: -100, lives: 10), "has expired"), ("two words", "a blank"),
            (token("x", subject: "other"), "another subject"), (nil, "cannot be read"),
        ] {
            try write(old)
            let source = try source()
            if let content {
                try write(content)
            } else {
                try FileManager.default.removeItem(atPath: "\(folder.path)/token")
            }
            for second in 3_570..<3_590 as Range<Int64> { #expect(token(source, after: second) == old) }
            let warnings = log.take().filter { $0.contains(words) }
            let warning = try #require(warnings.first)
            #expect(warnings.count == 1 && warning.contains("the old token stays in use"), "\(warnings)")
            #expect(!warning.contains(content?.nonEmpty ?? "CANARY") && !warning.contains(folder.path))
            // Whoever writes it gets time to finish, but not for ever.
            #expect(step(source, refused: old, after: 3_600) == "later")
            #expect(step(source, refused: old, after: 3_630) == "later")
            #expect(step(source, refused: old, after: 3_631) == "never")
            let new = token("new", from: 3_600)
            try write(new)
            #expect(step(source, refused: old, after: 3_635) == "renewed \(new)")
        }
    }

    @Test("a file read while it was being written is read again")
    func half() throws {
        let new = "opaque-token-0123456789"
        try write("opaque-old")
        let source = try source()
        try write("opaque-tok")
        #expect(step(source, refused: "opaque-old", after: 1) == "renewed opaque-tok")
        try write(new)
        #expect(step(source, refused: "opaque-tok", after: 2) == "later")
        #expect(step(source, refused: "opaque-tok", after: 4) == "renewed \(new)")
        #expect(step(source, refused: new, after: 8) == "never")
    }
}

@Suite("Calls with a token that was replaced", .timeLimit(.minutes(5)))
struct RenewedCallTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    private func source(_ token: String) throws -> TokenSource {
        let file = try folder.write(token, to: "token")
        let flags = CommandLineFlags(given: ["--token-file": file])
        return try TokenSource.find(in: SettingsReader(environment: [:], commandLine: flags))
    }

    @Test("every call is made again with the new token: publishing, streams, acknowledgements, capabilities")
    func events() async throws {
        let script: EventsDouble.Script = { call in
            call.authorization == "Bearer new" ? .reply(200, #"{"features":["batch"]}"#) : .fail(401, "invalid_auth")
        }
        let draft = EventDraft(
            EventEnvelope(name: Exchange.subscriptionUpdate.request, payload: JSONText([:])), idempotencyKey: "k")
        let calls: [(route: String, make: @Sendable (EventsClient) async throws -> Void)] = [
            ("events", { try await $0.publish(draft, within: .seconds(30)) }),
            ("batch", { try await $0.publish([draft, draft], within: .seconds(30)) }),
            (
                "ack",
                {
                    let done = AcknowledgedDelivery(id: "d", outcome: .done)
                    try await $0.acknowledge(group: "g", [done], within: .seconds(30))
                }
            ),
            ("capabilities", { _ = try await $0.features() }),
            ("stream", { try await $0.stream(StreamQuery(name: Exchange.subscriptionUpdate.request)) { _ in } }),
        ]
        for (route, make) in calls {
            try await EventsDouble.run(script, tokens: try source("old")) { double, client in
                await #expect(throws: EventsFault.self) { try await make(client) }
                #expect(double.calls(route).count == 1, "a token that stays is refused at once")
            }
            try await EventsDouble.run(script, tokens: try source("old")) { double, client in
                _ = try folder.write("new", to: "token")
                try await make(client)
                #expect(double.calls(route).map(\.authorization) == ["Bearer old", "Bearer new"])
            }
        }
    }

    @Test("a command's call is made again with the new token")
    func commands() async throws {
        let faults: [LoopbackServer.Fault] = [.status(401), .status(200, body: "{}")]
        try await LoopbackServer.run(faults: faults) { server in
            let tokens = try source("old")
            _ = try folder.write("new", to: "token")
            let origin = try #require(APIOrigin(server.url))
            let calls = APICalls(http: .shared, origin: origin, credential: .bearer(tokens), timeout: .seconds(30))
            _ = try await BillingClient(calls).catalog()
            #expect(server.requests.map { $0.headers["authorization"] } == ["Bearer old", "Bearer new"])
        }
    }
}

/// Remembers what was logged.
final class RecordedLog: Sendable {
    private let lines = Mutex<[String]>([])

    /// A logger that writes here.
    var logger: Logger { Logger(label: "test") { _ in Handler(log: self) } }

    /// The warnings so far; they are forgotten.
    func take() -> [String] {
        lines.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    private struct Handler: LogHandler {
        let log: RecordedLog
        var logLevel = Logger.Level.trace
        var metadata = Logger.Metadata()

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            if event.level >= .warning { log.lines.withLock { $0.append(event.message.description) } }
        }
    }
}
