import NIOCore
import NIOPosix

/// Runs tasks on one event loop, next to the sockets that they read and write (docs/decisions/0037).
///
/// Left to Swift's own threads, a task changes threads whenever it waits for a socket. Code that runs here must not
/// wait for long: it would hold back every connection of the loop.
package final class EventLoopExecutor: TaskExecutor {
    /// Where a worker does its own work, and keeps its connections.
    package static let ofProcess = EventLoopExecutor(MultiThreadedEventLoopGroup.singleton.next())

    /// The loop; it has to outlive every task that runs on it.
    package let loop: any EventLoop

    /// Runs tasks on a loop.
    package init(_ loop: any EventLoop) {
        self.loop = loop
    }

    package func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
