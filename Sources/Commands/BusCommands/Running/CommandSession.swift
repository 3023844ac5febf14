import AsyncHTTPClient
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
    /// The variables; every reader of it starts anew.
    let settings: SettingsReader
    /// `--timeout`.
    let timeLimit: Duration?
    /// How far the work is, for a person who sees the diagnostics as they come.
    var progress: ProgressBar { diagnostics.progress }

    /// Goes to the folder, opens the output, and settles the form.
    init(_ shared: SharedOptions, _ formats: ResultFormats, _ environment: BusEnvironment) throws(ProcessFailure) {
        if shared.quiet, shared.verbose > 0 || shared.trace {
            throw ProcessFailure(exitCode: 2, "--quiet excludes --verbose and --trace; keep one")
        }
        if let folder = shared.chdir, Glibc.chdir(folder) != 0 {
            let reason = String(cString: strerror(errno))
            throw ProcessFailure(exitCode: 1, "cannot work in \(folder): \(reason); check the folder of --chdir")
        }
        timeLimit = try CommandSession.timeLimit(shared.timeout)
        let asked = try CommandSession.format(shared.format, formats)
        output = try ResultOutput(
            file: shared.output, isQuiet: shared.quiet, isSecret: formats.all.contains(.token))
        format = asked ?? (output.isTerminal ? formats.terminal : formats.piped)
        diagnostics = Diagnostics(shared, environment)
        settings = SettingsReader(environment: environment.values)
    }

    private static func timeLimit(_ text: String?) throws(ProcessFailure) -> Duration? {
        guard let text else { return nil }
        guard let limit = Duration(goSyntax: text), limit > .zero else {
            throw ProcessFailure(exitCode: 2, "--timeout is \"\(text)\", which is no time; write it like 250ms or 30s")
        }
        return limit
    }

    private static func format(_ text: String?, _ formats: ResultFormats) throws(ProcessFailure) -> ResultFormat? {
        guard let text else { return nil }
        if let format = formats.all.first(where: { $0.rawValue == text }) { return format }
        let words = formats.all.map(\.rawValue).joined(separator: " or ")
        throw ProcessFailure(exitCode: 2, "--format is \"\(text)\"; it may be \(words)")
    }

    /// Runs `body` with an HTTP client that is shut down afterwards.
    func withHTTP<Value>(
        _ configuration: HTTPClient.Configuration = EventsClient.configuration,
        _ body: (HTTPClient) async throws -> Value
    ) async throws -> Value {
        let http = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
        let result = await Result { try await body(http) }
        try await http.shutdown()
        return try result.get()
    }
}

extension Diagnostics {
    /// The level and the colour that the flags and the terminal ask for.
    init(_ shared: SharedOptions, _ environment: BusEnvironment) {
        lowest =
            shared.quiet ? .error : shared.trace || shared.verbose > 1 ? .trace : shared.verbose == 1 ? .debug : .info
        let isTerminal = isatty(STDERR_FILENO) == 1 && environment["TERM"] != "dumb"
        progress = ProgressBar(isShown: isTerminal && !shared.quiet)
        switch shared.noColor ? .never : shared.color ?? .auto {
        case .always: hasColor = true
        case .never: hasColor = false
        case .auto:
            // https://no-color.org: any value but an empty one.
            let isRefused = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
            hasColor = !isRefused && isTerminal
        }
    }
}
