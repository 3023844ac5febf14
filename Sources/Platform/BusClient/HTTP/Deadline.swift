import AsyncHTTPClient
import BusLoops

/// Bounds a whole answer: the HTTP library's own deadline ends at the head.
func inTime<Value: Sendable>(
    _ timeout: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await LoopTimer.sleep(for: timeout)
            throw HTTPClientError.deadlineExceeded
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
