import ArgumentParser
import BusClient
import BusCore
import BusRuntime

/// Where the Events API is and who calls it: the flags of every command that calls it.
struct EventsAccess: ParsableArguments {
    @Option("--events-url", of: EventsAccess.settings) var url: String?
    @Option("--token-file", of: EventsAccess.settings) var tokenFile: String?

    /// What every command that calls the Events API takes.
    static let settings: [Setting] = BusEnvironment.ofCommand { _ = read(&$0) }
    static let destination = SecretDestination(settings, token: .service)

    fileprivate var given: CommandLineFlags {
        CommandLineFlags(given: ["--events-url": url, "--token-file": tokenFile])
    }

    fileprivate static func read(_ reader: inout SettingsReader) -> EventsEndpoint? {
        let endpoint = reader.eventsEndpoint(flag: ["--events-url", "--api-url"])
        reader.declareToken(of: .service)
        return endpoint
    }

    /// Refuses a name of a group or consumer that the Events API would refuse.
    static func check(_ flag: String, _ name: String?) throws(ProcessFailure) {
        guard let name, !Labels.isGroup(name) else { return }
        throw ProcessFailure(
            exitCode: 2, "\(flag) \"\(name)\" must have up to 128 letters, digits and . _ -, a letter or digit first")
    }
}

extension CommandSession {
    /// Calls the Events API; `scope` is what the token must allow.
    func withEvents<Value: Sendable>(
        _ access: EventsAccess, scope: String, _ call: (EventsClient) async throws -> Value
    ) async throws -> Value {
        var settings = settings(access.given)
        let endpoint = EventsAccess.read(&settings)
        try settings.check()
        guard let endpoint else { throw ProcessFailure(exitCode: 2, "the Events API's URL is not set") }
        let tokens = try TokenSource.find(in: settings)
        warn(of: EventsAccess.destination, access.given)
        diagnostics.debug("asking \(endpoint.collection) with the token of \(tokens.label)")
        return try await withHTTP { http in
            do {
                return try await call(
                    EventsClient(transport: http, endpoint: endpoint, tokens: tokens, logger: diagnostics.logger))
            } catch let fault as EventsFault {
                throw EventsFailure(fault: fault, scope: scope)
            }
        }
    }
}
