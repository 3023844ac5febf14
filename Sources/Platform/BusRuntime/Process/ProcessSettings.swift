import BusCore
import Glibc
import Logging

/// How a service process logs and stops.
package struct ProcessSettings: Sendable {
    /// Log events below it are dropped.
    package let logLevel: Logger.Level
    /// How log lines look.
    package let logFormat: JSONLogHandler.Format
    /// Work that is still running after this time of stopping is cancelled.
    package let shutdownTimeout: Duration

    /// Reads the settings after those of the program itself, which may use `--timeout` for a time of its own.
    package init(_ reader: inout SettingsReader) {
        let level = reader.choice(
            "BUS_LOG_LEVEL", default: Logger.Level.info, help: "Lowest level that is logged; -v, --trace and -q win.")
        let verbosity = reader.values(of: "--verbose").count
        if !reader.values(of: "--quiet").isEmpty {
            logLevel = .error
        } else if verbosity > 1 || !reader.values(of: "--trace").isEmpty {
            logLevel = .trace
        } else {
            logLevel = verbosity == 1 ? .debug : level
        }
        logFormat = reader.choice(
            "BUS_LOG_FORMAT", default: isatty(STDERR_FILENO) == 1 ? JSONLogHandler.Format.text : .json,
            shown: "text on a terminal, else json", help: "Form of the log lines.")
        let isFree = !reader.settings.contains { $0.flags.contains("--timeout") }
        shutdownTimeout = reader.duration(
            "BUS_WORKER_SHUTDOWN_TIMEOUT", flag: isFree ? "--timeout" : nil, default: "10s",
            in: .zero ... .seconds(600), help: "Time that running work gets to end when the program stops.")
    }
}
