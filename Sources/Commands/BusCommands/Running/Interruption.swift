import BusCore
import BusRuntime
import UnixSignals

extension CommandSession {
    /// Runs `work` until it ends, the time is over or somebody sends a signal to stop; then `work` is cancelled first.
    func interruptibly<Value: Sendable>(
        limit: Duration?, _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            if let limit {
                group.addTask {
                    try await ContinuousClock().sleep(for: limit)
                    throw ProcessFailure(
                        exitCode: 1, "not done within \(limit.goText); run it again, or raise --timeout")
                }
            }
            group.addTask {
                let signal = try await StopSignal.next()
                throw ProcessFailure(exitCode: 1, "stopped by \(signal); run it again to go on")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}

/// Waits for somebody to stop the command in good order.
private enum StopSignal {
    /// The name of the next signal.
    static func next() async throws -> String {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            return signal == .sigint ? "SIGINT" : "SIGTERM"
        }
        // The sequence ends when its task is cancelled.
        throw CancellationError()
    }
}
