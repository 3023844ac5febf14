import BusContract
import BusCore
import BusRuntime
import ServiceLifecycle
import Synchronization

/// Gathers concurrent changes into shared transactions, so that one sync to storage carries many of them.
///
/// A change that comes while nothing is written is committed at once. Changes that come during a commit form the next
/// one. The thread that writes takes them, commits, and answers who waits.
package final class GroupCommit: Service {
    private struct Change: Sendable {
        /// Begins the work; alone, it is done and a failure of its own undoes only itself.
        let run: @Sendable (_ connection: any SQLConnection, _ alone: Bool) throws -> Ending
        let fail: @Sendable (any Error) -> Void
    }

    private typealias Answer = @Sendable () -> Void
    /// Waits for the work and returns how to answer after the commit.
    private typealias Ending = () throws -> Answer

    private struct State {
        var queue = CommitQueue<Change>()
        /// Waits for the last commit.
        var end: CheckedContinuation<Void, Never>?
    }

    private let database: any SQLDatabase
    private let syncsAll: Bool
    private let begin: @Sendable (any SQLConnection) throws -> Void
    private let state = Mutex(State())

    /// A queue in front of a database; nothing is committed before `run()`.
    ///
    /// - Parameters:
    ///   - syncsAll: Syncs also the changes that need none.
    ///   - begin: Comes first in every transaction.
    package init(
        database: any SQLDatabase, syncsAll: Bool = false,
        begin: @escaping @Sendable (any SQLConnection) throws -> Void = { _ in }
    ) {
        self.database = database
        self.syncsAll = syncsAll
        self.begin = begin
    }

    /// The events that wait for a transaction.
    package var queuedEvents: Int { state.withLock { $0.queue.waitingEvents } }

    /// True from a failed commit to the next one that succeeds.
    package var isFailing: Bool { state.withLock { $0.queue.isFailing } }

    /// Runs `body` in a shared transaction and returns after its commit.
    ///
    /// An error from `body` undoes and fails this change alone. Only a fault of the database itself fails the whole
    /// transaction. When another change of the transaction fails, `body` runs again on what it found the first time.
    /// Changes keep their order whatever their durability; one that is synced makes its whole transaction so.
    ///
    /// `committed` hears of the commit before the caller does, on the thread that writes.
    package func perform<T: Sendable>(
        _ durability: Durability = .synced, events: Int = 1, bytes: Int = 0,
        _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        committed: @escaping @Sendable (T) -> Void = { _ in }
    ) async throws -> T {
        try await performTogether(
            durability, events: events, bytes: bytes,
            { connection in
                let value = try body(connection)
                return { value }
            }, committed: committed)
    }

    /// As `perform`, in two steps: `body` begins its statements, and what it returns reads their answers.
    ///
    /// The statements of all changes of a transaction travel together before the first answer is read.
    package func performTogether<T: Sendable>(
        _ durability: Durability = .synced, events: Int = 1, bytes: Int = 0,
        _ body: @escaping @Sendable (any SQLConnection) throws -> () throws -> T,
        committed: @escaping @Sendable (T) -> Void = { _ in }
    ) async throws -> T {
        @Sendable func answer(_ value: T, _ continuation: CheckedContinuation<T, any Error>) {
            committed(value)
            continuation.resume(returning: value)
        }
        return try await withCheckedThrowingContinuation { continuation in
            let change = Change(
                run: { connection, alone in
                    guard alone else {
                        let end = try GroupCommit.together { try body(connection) }
                        return {
                            let value = try GroupCommit.together(end)
                            return { answer(value, continuation) }
                        }
                    }
                    do {
                        let value = try connection.savepoint { try body(connection)() }
                        return { { answer(value, continuation) } }
                    } catch let fault as SQLFault where fault.isOfTheDatabase {
                        throw fault
                    } catch {
                        let failure = GroupCommit.failure(of: error)
                        return { { continuation.resume(throwing: failure) } }
                    }
                },
                fail: { continuation.resume(throwing: $0) })
            let durability = syncsAll ? .synced : durability
            switch state.withLock({ $0.queue.enqueue(change, durability, events: events, bytes: bytes) }) {
            case .waits: break
            case .starts: write(alone: false)
            case .closed:
                continuation.resume(
                    throwing: BusError(
                        .backendUnavailable, "the service is shutting down; repeat the request shortly"))
            case .full:
                continuation.resume(
                    throwing: BusError(
                        .backendUnavailable, "too many changes wait to be stored; repeat the request shortly"))
            }
        }
    }

    /// Tries an empty commit after a failed one: no publish reaches an unready server, so none could show that it works.
    package func tryAgain() {
        let trial = Change(
            run: { connection, _ in
                try connection.tryWriting()
                return { {} }
            }, fail: { _ in })
        if state.withLock({ $0.queue.enqueueTrial(trial) }) == .starts { write(alone: false) }
    }

    /// Commits until shutdown, and then the changes that still wait.
    package func run() async throws {
        if state.withLock({ $0.queue.open() }) { write(alone: false) }
        await withTaskCancellationOrGracefulShutdownHandler {
            await withCheckedContinuation { end in
                let hasEnded = state.withLock { state in
                    if !state.queue.hasEnded { state.end = end }
                    return state.queue.hasEnded
                }
                if hasEnded { end.resume() }
            }
        } onCancelOrGracefulShutdown: {
            let end = self.state.withLock { state in
                state.queue.close()
                return state.queue.hasEnded ? state.end.take() : nil
            }
            end?.resume()
        }
    }

    /// Commits all changes of a batch at once; when one of them fails, all are done again with a savepoint around each.
    ///
    /// The batch is taken when its transaction has begun, so that it carries whatever waits by then.
    private func write(alone: Bool) {
        database.write(state.withLock { $0.queue.durability }) { [self] connection in
            try begin(connection)
            let batch = state.withLock { alone ? $0.queue.batch : $0.queue.takeBatch() }
            let endings = try batch.map { try $0.run(connection, alone) }
            return try endings.map { try $0() }
        } then: { [self] result in
            switch result {
            case .success(let answers):
                _ = finish(failed: false)
                for answer in answers { answer() }
            case .failure(is FailedAlone): write(alone: true)
            case .failure(let error):
                let failure = GroupCommit.failure(of: error)
                for change in finish(failed: true) { change.fail(failure) }
            }
        }
    }

    /// One step of a change beside others: any fault but the database's own has them all done again, alone.
    private static func together<T>(_ step: () throws -> T) throws -> T {
        do {
            return try step()
        } catch let fault as SQLFault where fault.isOfTheDatabase {
            throw fault
        } catch {
            throw FailedAlone()
        }
    }

    /// Ends the batch and starts the next one; returns the changes of the one that ended.
    private func finish(failed: Bool) -> [Change] {
        let (changes, next, end) = state.withLock { state in
            let (changes, next) = state.queue.finish(failed: failed)
            return (changes, next, next == .end ? state.end.take() : nil)
        }
        if next == .batch { write(alone: false) }
        end?.resume()
        return changes
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
