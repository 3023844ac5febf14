import NIOCore
import NIOPosix

/// Waits by the timer of an event loop, that of the calling task if it runs on one (docs/decisions/0037).
///
/// `Task.sleep` goes by way of two more threads, and one that was cancelled wakes them when its time comes all the same.
package enum LoopTimer {
    /// Returns after the time; throws `CancellationError` when the task is cancelled.
    package static func sleep(for time: Duration) async throws {
        let timer = after(time) {}
        try await withTaskCancellationHandler {
            do { try await timer.futureResult.get() } catch { throw CancellationError() }
        } onCancel: {
            timer.cancel()
        }
    }

    /// Runs `work` on the loop after the time, unless it is cancelled before.
    package static func after(_ time: Duration, _ work: @escaping @Sendable () -> Void) -> Scheduled<Void> {
        let loop = MultiThreadedEventLoopGroup.currentEventLoop ?? MultiThreadedEventLoopGroup.singleton.next()
        return loop.scheduleTask(in: TimeAmount(time), work)
    }
}
