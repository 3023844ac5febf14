import BusCore
import CoreMetrics
import Glibc
import Logging
import ServiceLifecycle
import UnixSignals

/// How a process ends when it cannot go on: the text goes to standard error, the code to the shell.
package struct ProcessFailure: Error, CustomStringConvertible {
    /// 1 for run-time and token failures, 2 for usage and configuration.
    package let exitCode: Int32
    /// Lower-case fact, then the remedy.
    package let description: String

    /// A failure with its exit code.
    package init(exitCode: Int32, _ description: String) {
        self.exitCode = exitCode
        self.description = description
    }
}

/// The shell around every service: logs, metrics, signals, exit codes.
package struct ServiceProcess: Sendable {
    /// The process's logger; services derive theirs from it.
    package let logger: Logger
    /// What `/metrics` shows.
    package let metrics: PrometheusRegistry
    /// What `/readyz` shows.
    package let readiness = Readiness()
    private let shutdownSeconds: Double

    /// Sets up logs and metrics from `BUS_LOG_LEVEL`, `BUS_LOG_FORMAT` and `BUS_WORKER_SHUTDOWN_TIMEOUT`.
    ///
    /// Call it once in a process: log and metrics back ends are global there.
    package init(label: String, settings: inout SettingsReader) {
        let level = settings.choice("BUS_LOG_LEVEL", default: Logger.Level.info)
        let isTerminal = isatty(STDERR_FILENO) == 1
        let format = settings.choice("BUS_LOG_FORMAT", default: isTerminal ? JSONLogHandler.Format.text : .json)
        let shutdown = settings.duration(
            "BUS_WORKER_SHUTDOWN_TIMEOUT", default: "10s", in: .seconds(0)...Duration.seconds(600))
        shutdownSeconds = shutdown.inSeconds
        metrics = PrometheusRegistry()
        MetricsSystem.bootstrap(metrics)
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: level, format: format) }
        logger = Logger(label: label)
        // Who sets it wants the runtime's own report, and says what may be in it.
        if settings.variable("SWIFT_BACKTRACE") == nil { CrashReports.leaveToSystem() }
        // A peer that goes away while we write is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
    }

    /// Runs services in order until one ends or a signal arrives; storage comes first and stops last.
    package func run(_ services: [any Service]) async throws {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = .seconds(shutdownSeconds)
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            tasks.addTask { try await exitOnSecondSignal() }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// The first signal starts the graceful stop; whoever sends another one later does not want to wait.
    ///
    /// Signals within a tenth of a second are one: a terminal or `timeout` signals the group and the process at once.
    private func exitOnSecondSignal() async throws {
        var first: ContinuousClock.Instant?
        for await _ in await UnixSignalsSequence(trapping: .sigterm, .sigint) {
            let now = ContinuousClock.now
            guard let start = first else {
                first = now
                continue
            }
            if now - start > .milliseconds(100) {
                logger.notice("second signal, stopping at once")
                exit(130)
            }
        }
        // The sequence ends when the group has stopped and this task was cancelled.
        try Task.checkCancellation()
    }

    /// Runs a program's main work and turns what it throws into a diagnostic and an exit code.
    package static func main(_ work: () async throws -> Void) async {
        do {
            try await work()
        } catch let faults as SettingsFaults {
            for message in faults.messages { report(message) }
            exit(2)
        } catch let failure as ProcessFailure {
            report(failure.description)
            exit(failure.exitCode)
        } catch is CancellationError {
            exit(0)
        } catch let error as BusError {
            report(error.message)
            exit(1)
        } catch {
            report("\(error)")
            exit(1)
        }
    }

    /// Settings and servers put their own words into messages: they stay on one line and show no credential.
    private static func report(_ message: String) {
        Terminal.error(Redaction.redact(message).onOneLine)
    }
}

extension SettingsReader {
    /// Effective settings as `NAME=value` lines, secrets redacted, for `--check-config`.
    package var effectiveText: String {
        effective.map { "\($0.name)=\(Redaction.redact($0.value).onOneLine)" }.joined(separator: "\n")
    }
}
