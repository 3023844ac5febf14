import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// Where the Events API is and who calls it: the flags of every command that calls it.
struct EventsAccess: ParsableArguments {
    @Option(
        name: [.customLong("events-url"), .customLong("api-url")],
        help: .init("Where the Events API is.", valueName: "url"))
    var url: String?
    @Option(
        name: [.customLong("token-file"), .customLong("api-token-file")],
        help: .init("File that holds the Bus token.", valueName: "file"), completion: .file())
    var tokenFile: String?

    /// The variables of every command that calls the Events API.
    static let variables: [Variable] =
        [.eventsURL, .tokenFile, .eventsTokenFile, .token, .eventsToken] + Variable.savedToken + Variable.display
}

extension CommandSession {
    /// Calls the Events API; `scope` is what the token must allow.
    func withEvents<Value: Sendable>(
        _ access: EventsAccess, scope: String, _ call: (EventsClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings
        let endpoint = settings.eventsEndpoint(flag: .init("--events-url", access.url))
        try settings.check()
        guard let endpoint else { throw ProcessFailure(exitCode: 2, "the Events API's URL is not set") }
        let tokens = try TokenSource.find(flag: access.tokenFile, in: settings, at: .now)
        warn(of: .events, addressFlag: access.url, secretFlag: access.tokenFile.map { _ in "--token-file" })
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
