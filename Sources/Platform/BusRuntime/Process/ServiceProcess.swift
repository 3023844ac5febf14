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
    /// Where it listens.
    package let listeners = Listeners()
    /// Who started it and wants to know how it is; nil outside a service manager.
    package let supervisor: Supervisor?
    private let shutdownTimeout: Duration

    /// Sets up logs and metrics, and logs what the settings warned of.
    ///
    /// Call it once in a process: log and metrics back ends are global there.
    package init(
        label: String, settings: ProcessSettings, warnings: [String] = [], supervisor: Supervisor? = nil
    ) {
        shutdownTimeout = settings.shutdownTimeout
        self.supervisor = supervisor
        metrics = PrometheusRegistry()
        MetricsSystem.bootstrap(metrics)
        LoggingSystem.bootstrap { JSONLogHandler(label: $0, level: settings.logLevel, format: settings.logFormat) }
        logger = Logger(label: label)
        // A peer that goes away while we write is an error of that write, not the end of the process.
        signal(SIGPIPE, SIG_IGN)
        for warning in warnings { logger.warning("\(warning)") }
    }

    /// A process around services that run inside another one, which has set up logs, metrics and signals.
    package init(logger: Logger) {
        shutdownTimeout = .seconds(10)
        supervisor = nil
        metrics = PrometheusRegistry()
        self.logger = logger
    }

    /// Logs the effective settings once, at the start; secrets show only whether they are set.
    package func logSettings(of reader: SettingsReader) {
        let settings = reader.effective.map { name, value in
            (name, Logger.MetadataValue.string(Redaction.redact(value)))
        }
        logger.info("settings", metadata: Dictionary(settings) { $1 })
    }

    /// Watches the file that a secret came from, if it came from one.
    package func watch(_ secret: SecretOfFile?) -> WatchedSecretFile? {
        secret.map { WatchedSecretFile($0.path, holding: $0.secret, logger: logger) }
    }

    /// Runs services in order until one ends or a signal arrives; storage comes first and stops last.
    ///
    /// - Parameter executor: Runs their tasks; nil leaves these to Swift's own threads.
    package func run(_ services: [any Service], on executor: (any TaskExecutor)? = nil) async throws {
        let all = services + (supervisor == nil ? [] : [StopNotice(process: self)])
        var configuration = ServiceGroupConfiguration(
            services: all.map {
                // One that fails ends the others, which still answer whoever waits for them.
                .init(
                    service: $0, successTerminationBehavior: .gracefullyShutdownGroup,
                    failureTerminationBehavior: .gracefullyShutdownGroup)
            },
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        configuration.maximumGracefulShutdownDuration = shutdownTimeout
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask(executorPreference: executor) { try await group.run() }
            tasks.addTask { try await exitOnSecondSignal() }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    /// Tells the service manager, if there is one.
    package func tellSupervisor(_ message: Supervisor.Message) {
        guard let supervisor, !supervisor.tell(message) else { return }
        logger.warning("the service manager was not told", metadata: ["notice": "\(message.rawValue)"])
    }

    /// The start waits for this listener.
    package func expectListening(name: String) {
        readiness.set(name, false)
        listeners.expect(name)
    }

    /// Logs that a listener is up, with the port really bound, and marks it ready.
    package func announceListening(name: String, host: String, port: Int) {
        readiness.set(name, true)
        logger.notice(
            "listening",
            metadata: ["listener": "\(name)", "address": "\(host.contains(":") ? "[\(host)]" : host):\(port)"])
        if listeners.isUp(name, host: host, port: port) { tellSupervisor(.ready) }
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
}

/// Stops first, and says so.
private struct StopNotice: Service {
    let process: ServiceProcess

    func run() async throws {
        try await gracefulShutdown()
        process.tellSupervisor(.stopping)
    }
}

extension SettingsReader {
    /// Effective settings as `NAME=value` lines, secrets redacted, for `--check-config`.
    package var effectiveText: String {
        effective.map { "\($0.name)=\(Redaction.redact($0.value).onOneLine)" }.joined(separator: "\n")
    }
}
