import StripeCore
import Synchronization

/// Lets one call at a time through per lane, in the order of arrival.
final class Lanes<Lane: Hashable & Sendable>: Sendable {
    private enum Admission {
        case entered, full, cancelled
    }

    private struct Waiter {
        let id: Int
        let continuation: CheckedContinuation<Admission, Never>
    }

    private struct State {
        /// The lanes in use, each with those who wait for it.
        var waiting: [Lane: [Waiter]] = [:]
        var waiterCount = 0
        var nextID = 0
    }

    private let state = Mutex(State())
    private let waitersMax: Int
    private let fullMessage: String

    /// Lanes in which so many calls may wait in all; what comes on top fails with a text.
    init(waitersMax: Int, whenFull fullMessage: String) {
        self.waitersMax = waitersMax
        self.fullMessage = fullMessage
    }

    /// Runs `body` while nobody else is in the lane.
    func run<Value: Sendable>(_ lane: Lane, _ body: () async throws -> Value) async throws -> Value {
        try await enter(lane)
        defer { leave(lane) }
        return try await body()
    }

    private func enter(_ lane: Lane) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        let admission = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if let admission = admit(Waiter(id: id, continuation: continuation), to: lane) {
                    continuation.resume(returning: admission)
                }
            }
        } onCancel: {
            giveUp(id, in: lane)
        }
        switch admission {
        case .entered: return
        case .cancelled: throw CancellationError()
        case .full: throw StripeFault(noAnswer: fullMessage, mayRetry: false)
        }
    }

    /// Nil when the waiter has to wait.
    private func admit(_ waiter: Waiter, to lane: Lane) -> Admission? {
        state.withLock { state in
            // A cancellation that came first found nobody to wake, so it is looked for here, under the same lock.
            if Task.isCancelled { return .cancelled }
            guard state.waiting[lane] != nil else {
                state.waiting[lane] = []
                return .entered
            }
            guard state.waiterCount < waitersMax else { return .full }
            state.waiting[lane, default: []].append(waiter)
            state.waiterCount += 1
            return nil
        }
    }

    private func leave(_ lane: Lane) {
        let next: Waiter? = state.withLock { state in
            guard let waiters = state.waiting[lane], let next = waiters.first else {
                state.waiting[lane] = nil
                return nil
            }
            state.waiting[lane] = Array(waiters.dropFirst())
            state.waiterCount -= 1
            return next
        }
        next?.continuation.resume(returning: .entered)
    }

    private func giveUp(_ id: Int, in lane: Lane) {
        let waiter: Waiter? = state.withLock { state in
            guard let index = state.waiting[lane]?.firstIndex(where: { $0.id == id }) else { return nil }
            state.waiterCount -= 1
            return state.waiting[lane]?.remove(at: index)
        }
        waiter?.continuation.resume(returning: .cancelled)
    }
}
