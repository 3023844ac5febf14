import BusCore
import BusRuntime
import UnixSignals

extension CommandSession {
    /// Runs `work`; when the time is over or a signal asks to stop, it is cancelled and its end awaited.
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

/// The signals that ask a command to stop.
private enum StopSignal {
    /// Waits for the next one and gives its name.
    static func next() async throws -> String {
        for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
            return signal == .sigint ? "SIGINT" : "SIGTERM"
        }
        // The sequence ends when its task is cancelled.
        throw CancellationError()
    }
}
