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
                for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm) {
                    let name = signal == .sigint ? "SIGINT" : "SIGTERM"
                    throw ProcessFailure(exitCode: 1, "stopped by \(name); run it again to go on")
                }
                // The sequence ends when its task is cancelled.
                throw CancellationError()
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
