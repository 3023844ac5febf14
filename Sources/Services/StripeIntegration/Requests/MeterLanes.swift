import BusCore
import StripeCore
import Synchronization

/// Lets one meter event at a time through per customer and meter, in the order of arrival.
final class MeterLanes: Sendable {
    /// What Stripe allows one call in flight for.
    struct Lane: Hashable {
        let customerID: String
        let meter: String
    }

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
        case .full:
            throw StripeFault(noAnswer: "too many meter events wait for Stripe; send fewer at once", mayRetry: false)
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
            guard state.waiterCount < Limits.meterEventsWaitingMax else { return .full }
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
