import BusCore
import BusRuntime
import Glibc
import Logging

/// What a command tells besides its results, on standard error: `LEVEL message`.
struct Diagnostics: Sendable {
    /// How much a line matters.
    enum Level: String, CaseIterable, Comparable, Sendable {
        case trace = "TRACE"
        case debug = "DEBUG"
        case info = "INFO"
        case warn = "WARN"
        case error = "ERROR"

        static func < (left: Level, right: Level) -> Bool {
            (allCases.firstIndex(of: left) ?? 0) < (allCases.firstIndex(of: right) ?? 0)
        }

        /// The colour of the word on a terminal (ECMA-48).
        fileprivate var color: String {
            switch self {
            case .error: "31"
            case .warn: "33"
            case .info: "36"
            case .debug, .trace: "2"
            }
        }
    }

    /// Lines below this level are left out.
    let lowest: Level
    let hasColor: Bool
    /// Leaves the terminal's last line before anything is written.
    var progress = ProgressBar()

    /// Writes one line.
    ///
    /// Secrets in it are replaced, and so is what would steer a terminal.
    func write(_ level: Level, _ message: String) {
        guard level >= lowest else { return }
        let word = hasColor ? "\u{1B}[\(level.color)m\(level.rawValue)\u{1B}[0m" : level.rawValue
        progress.clear()
        Terminal.diagnostic("\(word) \(Redaction.redact(message).printable)")
    }

    /// Says what to do next.
    func info(_ message: String) { write(.info, message) }

    /// Says what may be wrong.
    func warn(_ message: String) { write(.warn, message) }

    /// A logger for the clients a command uses.
    var logger: Logger {
        var logger = Logger(label: "bus") { _ in DiagnosticsLogHandler(diagnostics: self) }
        logger.logLevel = lowest.logLevel
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
        let isTerminal = isatty(STDERR_FILENO) == 1 && environment[Variable.terminal.name] != "dumb"
        progress = ProgressBar(isShown: isTerminal && !options.isQuiet)
        switch options.color {
        case .off, .mode("never"): hasColor = false
        case .mode("always"): hasColor = true
        case .mode, nil:
            // https://no-color.org: any value but an empty one.
            let isRefused = environment[Variable.noColor.name].map { !$0.isEmpty } ?? false
            hasColor = !isRefused && isTerminal
        }
    }
}

extension Diagnostics.Level {
    fileprivate var logLevel: Logger.Level {
        switch self {
        case .trace: .trace
        case .debug: .debug
        case .info: .info
        case .warn: .warning
        case .error: .error
        }
    }

    fileprivate init(_ level: Logger.Level) {
        switch level {
        case .trace: self = .trace
        case .debug: self = .debug
        case .info, .notice: self = .info
        case .warning: self = .warn
        case .error, .critical: self = .error
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
        diagnostics.write(Diagnostics.Level(event.level), "\(event.message)\(text)")
    }
}
