import ServiceLifecycle

/// Starts a service when a signal was given.
package struct StartLater: Service {
    private let service: any Service
    private let signal: Signal

    /// A service that waits until `signal` is closed.
    package init(_ service: any Service, after signal: Signal) {
        self.service = service
        self.signal = signal
    }

    /// Waits, then runs the service to its end.
    package func run() async throws {
        await cancelWhenGracefulShutdown { await signal.wait() }
        try await service.run()
    }
}
