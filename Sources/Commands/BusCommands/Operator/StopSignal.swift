import UnixSignals

/// Waits for somebody to stop the command in good order.
enum StopSignal {
    /// The name of the next signal.
    static func next() async throws -> String {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            return signal == .sigint ? "SIGINT" : "SIGTERM"
        }
        // The sequence ends when its task is cancelled.
        throw CancellationError()
    }
}
