import AsyncHTTPClient
import BusCLI
import BusClient
import BusCore
import BusRuntime
import Glibc
import Logging

/// What one run of a command works with.
struct CommandSession: Sendable {
    /// The form of the results.
    let format: ResultFormat
    /// Where results go.
    let output: ResultOutput
    /// Where everything else goes.
    let diagnostics: Diagnostics
    /// `--timeout`.
    let timeLimit: Duration?
    private let environment: BusEnvironment

    /// Goes to the folder, opens the output, and settles the form.
    init(_ formats: ResultFormats, _ invocation: Invocation, _ diagnostics: Diagnostics) throws(ProcessFailure) {
        let options = invocation.options
        try SharedFlags.enter(options.folder)
        timeLimit = try CommandSession.timeLimit(options.timeout)
        let asked = try CommandSession.format(options.format, formats)
        output = try ResultOutput(
            file: options.output, isQuiet: options.isQuiet, isSecret: formats.all.contains(.token))
        format = asked ?? (output.isTerminal ? formats.terminal : formats.all[0])
        self.diagnostics = diagnostics
        environment = invocation.environment
    }

    private static func timeLimit(_ text: String?) throws(ProcessFailure) -> Duration? {
        guard let text else { return nil }
        guard let limit = Duration(goSyntax: text), limit > .zero else {
            throw ProcessFailure(exitCode: 2, "--timeout is \"\(text)\"; write a time like 250ms or 30s")
        }
        return limit
    }

    private static func format(_ text: String?, _ formats: ResultFormats) throws(ProcessFailure) -> ResultFormat? {
        guard let text else { return nil }
        if let format = formats.all.first(where: { $0.rawValue == text }) { return format }
        let words = formats.all.map(\.rawValue).joined(separator: " or ")
        throw ProcessFailure(exitCode: 2, "--format is \"\(text)\"; it may be \(words)")
    }

    /// A reader of the variables and of the flags that the parser has found.
    func settings(_ flags: CommandLineFlags = CommandLineFlags()) -> SettingsReader {
        SettingsReader(environment: environment.values, commandLine: flags)
    }

    /// Warns when `.env` names the address that a secret from elsewhere is sent to.
    func warn(of destination: SecretDestination, _ flags: CommandLineFlags) {
        if let warning = destination.warning(environment, flags, in: ".") { diagnostics.warn(warning) }
    }

    /// Calls one of our HTTP APIs.
    ///
    /// - Parameter command: Makes a better token; nil where the credential is none.
    func callAPI<Value: Sendable>(
        _ origin: APIOrigin, _ credential: APICalls.Credential, command: String? = nil,
        _ call: (APICalls) async throws -> Value
    ) async throws -> Value {
        let limit = timeLimit ?? .seconds(Limits.commandCallSeconds)
        return try await withHTTP { http in
            do {
                return try await call(APICalls(http: http, origin: origin, credential: credential, timeout: limit))
            } catch let fault as APIFault {
                throw APIFailure(fault: fault, origin: origin, tokenCommand: command, timeLimit: limit)
            }
        }
    }

    /// Runs `body` with an HTTP client that is shut down afterwards.
    func withHTTP<Value>(
        _ configuration: HTTPClient.Configuration = EventsClient.configuration,
        _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        try await HTTPClient.withHTTPClient(configuration: configuration, body)
    }
}
