import Synchronization

/// A doorbell for one waiter: rings are remembered, so one that comes before the wait is not lost.
package final class Signal: Sendable {
    private struct State {
        var isRung = false
        var isClosed = false
        var waiter: CheckedContinuation<Void, Never>?

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            defer { waiter = nil }
            return waiter
        }
    }

    private let state = Mutex(State())

    /// A doorbell that was not rung.
    package init() {}

    /// Wakes the waiter, or the next one.
    package func ring() {
        let waiter = state.withLock { state in
            state.isRung = state.waiter == nil
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    /// Makes this and every later wait return at once.
    package func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    /// True after `close()`.
    package var isClosed: Bool { state.withLock { $0.isClosed } }

    /// Returns at the next ring, on close, or when the task is cancelled.
    package func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.isRung || state.isClosed || Task.isCancelled {
                        state.isRung = false
                        return true
                    }
                    state.waiter = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
    }

    /// Returns as `wait()` does, or after `limit`; true when the time ran out.
    package func wait(atMost limit: Duration) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                await self.wait()
                return false
            }
            group.addTask {
                do {
                    try await Task.sleep(for: limit)
                    return true
                } catch {
                    return false
                }
            }
            let isOver = await group.next() ?? false
            group.cancelAll()
            return isOver
        }
    }
}
