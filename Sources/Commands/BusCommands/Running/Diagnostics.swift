import BusCLI
import BusCore
import BusRuntime
import Glibc
import Logging

/// What a command tells besides its results, on standard error: `LEVEL message`.
struct Diagnostics: Sendable {
    /// Lines below this level are left out.
    let lowest: Logger.Level
    let hasColor: Bool
    /// Leaves the terminal's last line before anything is written.
    var progress = ProgressBar()

    /// Writes one line.
    ///
    /// Secrets in it are replaced, and so is what would steer a terminal.
    func write(_ level: Logger.Level, _ message: String) {
        guard level >= lowest else { return }
        let word = hasColor ? "\u{1B}[\(level.color)m\(level.word)\u{1B}[0m" : level.word
        progress.clear()
        Terminal.diagnostic("\(word) \(Redaction.redact(message).printable)")
    }

    /// Says what is done, to whoever wants to know.
    func debug(_ message: String) { write(.debug, message) }

    /// Says what to do next.
    func info(_ message: String) { write(.info, message) }

    /// Says what may be wrong.
    func warn(_ message: String) { write(.warning, message) }

    /// Says what has failed.
    func error(_ message: String) { write(.error, message) }

    /// For what must be said whatever the flags are.
    static let plain = Diagnostics(lowest: .error, hasColor: false)

    /// A logger for the clients a command uses.
    var logger: Logger {
        var logger = Logger(label: "bus") { _ in DiagnosticsLogHandler(diagnostics: self) }
        logger.logLevel = lowest
        return logger
    }
}

extension Diagnostics {
    /// The level and the colour that the flags and the terminal ask for.
    init(_ options: GlobalOptions, _ environment: BusEnvironment) {
        switch options.verbosity {
        case _ where options.isQuiet: lowest = .error
        case _ where options.traces, 2...: lowest = .trace
        case 1: lowest = .debug
        default: lowest = .info
        }
        let isTerminal = isatty(STDERR_FILENO) == 1 && environment[Setting.terminal.name] != "dumb"
        progress = ProgressBar(isShown: isTerminal && !options.isQuiet)
        switch options.color {
        case .off, .mode("never"): hasColor = false
        case .mode("always"): hasColor = true
        case .mode, nil:
            // https://no-color.org: any value but an empty one.
            let isRefused = environment[Setting.noColor.name].map { !$0.isEmpty } ?? false
            hasColor = !isRefused && isTerminal
        }
    }
}

extension Logger.Level {
    /// The word in front of a line.
    fileprivate var word: String {
        switch self {
        case .trace: "TRACE"
        case .debug: "DEBUG"
        case .info, .notice: "INFO"
        case .warning: "WARN"
        case .error, .critical: "ERROR"
        }
    }

    /// The colour of the word on a terminal (ECMA-48).
    fileprivate var color: String {
        switch self {
        case .error, .critical: "31"
        case .warning: "33"
        case .info, .notice: "36"
        case .debug, .trace: "2"
        }
    }
}

/// Turns log events of clients into diagnostics.
private struct DiagnosticsLogHandler: LogHandler {
    let diagnostics: Diagnostics
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let fields = metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let text = fields.map { " \($0.key)=\($0.value)" }.joined()
        diagnostics.write(event.level, "\(event.message)\(text)")
    }
}
