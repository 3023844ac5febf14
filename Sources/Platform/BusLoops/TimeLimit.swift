/// Runs `work` and throws `late` when it takes longer than the limit.
///
/// It bounds a whole answer: the HTTP library's own deadline ends at the head.
package func inTime<Value: Sendable>(
    _ limit: Duration, late: any Error, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask { try await work() }
        group.addTask {
            try await LoopTimer.sleep(for: limit)
            throw late
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
