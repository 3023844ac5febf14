import BusContract
import BusCore
import BusRuntime
import DequeModule
import ServiceLifecycle

/// Gathers concurrent changes into shared transactions, so that one sync to storage carries many of them.
///
/// A change that comes while nothing runs is committed at once. Changes that come during a commit form the next one.
package actor GroupCommit: Service {
    private struct Job: Sendable {
        let events: Int
        let bytes: Int
        /// Does the work and returns how to answer after the commit; alone, a failure of its own undoes only itself.
        let run: @Sendable (_ connection: any SQLConnection, _ alone: Bool) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    private let database: any SQLDatabase
    private let signal = Signal()
    private var queue: Deque<Job> = []
    /// The events that wait for a transaction.
    package private(set) var queuedEvents = 0
    private var queuedBytes = 0
    /// True from a failed commit to the next one that succeeds.
    package private(set) var isFailing = false

    /// A queue in front of a database; nothing is committed before `run()`.
    package init(database: any SQLDatabase) {
        self.database = database
    }

    /// Runs `body` in a shared transaction and returns after its commit.
    ///
    /// An error from `body` undoes and fails this change alone. Only a fault of the database itself fails the whole
    /// transaction. When another change of the transaction fails, `body` runs again on what it found the first time.
    package func perform<T: Sendable>(
        events: Int = 1, bytes: Int = 0,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T
    ) async throws -> T {
        guard !signal.isClosed else {
            throw BusError(.backendUnavailable, "the service is shutting down; repeat the request shortly")
        }
        guard queuedEvents + events <= Limits.appendQueueEventsMax, queuedBytes + bytes <= Limits.appendQueueBytesMax
        else {
            throw BusError(.backendUnavailable, "too many changes wait to be stored; repeat the request shortly")
        }
        return try await withCheckedThrowingContinuation { continuation in
            let job = Job(
                events: events, bytes: bytes,
                run: { connection, alone in
                    do {
                        let value = try alone ? connection.savepoint { try body(connection) } : body(connection)
                        return { continuation.resume(returning: value) }
                    } catch let fault as SQLFault where fault.isOfTheDatabase {
                        throw fault
                    } catch {
                        if !alone { throw FailedAlone() }
                        let failure = GroupCommit.failure(of: error)
                        return { continuation.resume(throwing: failure) }
                    }
                },
                fail: { continuation.resume(throwing: $0) })
            queue.append(job)
            queuedEvents += events
            queuedBytes += bytes
            signal.ring()
        }
    }

    /// Tries an empty commit after a failed one: no publish reaches an unready server, so none could show that it works.
    package func tryAgain() {
        guard isFailing, queue.isEmpty, !signal.isClosed else { return }
        queue.append(
            Job(
                events: 1, bytes: 0,
                run: { connection, _ in
                    try connection.tryWriting()
                    return {}
                }, fail: { _ in }))
        queuedEvents += 1
        signal.ring()
    }

    /// Commits until shutdown, and then the changes that still wait.
    package func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            while true {
                let jobs = takeNext()
                if !jobs.isEmpty {
                    await commit(jobs)
                } else if signal.isClosed {
                    return
                } else {
                    await signal.wait()
                }
            }
        } onCancelOrGracefulShutdown: { [signal] in
            signal.close()
        }
    }

    private func takeNext() -> [Job] {
        var jobs: [Job] = []
        var events = 0
        while let job = queue.first, jobs.isEmpty || events + job.events <= Limits.appendCommitEventsMax {
            queue.removeFirst()
            events += job.events
            queuedBytes -= job.bytes
            jobs.append(job)
        }
        queuedEvents -= events
        return jobs
    }

    /// Commits all changes at once; when one of them fails, all are done again with a savepoint around each.
    private func commit(_ jobs: [Job]) async {
        do {
            let answers: [@Sendable () -> Void]
            do {
                answers = try await write(jobs, alone: false)
            } catch is FailedAlone {
                answers = try await write(jobs, alone: true)
            }
            isFailing = false
            for answer in answers { answer() }
        } catch {
            isFailing = true
            let failure = GroupCommit.failure(of: error)
            for job in jobs { job.fail(failure) }
        }
    }

    private func write(_ jobs: [Job], alone: Bool) async throws -> [@Sendable () -> Void] {
        try await database.write { connection in try jobs.map { try $0.run(connection, alone) } }
    }

    private static func failure(of error: any Error) -> BusError {
        if let error = error as? BusError { return error }
        guard error is SQLFault else {
            return BusError(.internalError, "the change failed; see the service's log", cause: error)
        }
        return BusError(.backendUnavailable, "the store did not take the change; repeat the request", cause: error)
    }
}

/// A change failed by itself, and its neighbours with it until they are done again.
private struct FailedAlone: Error {}
