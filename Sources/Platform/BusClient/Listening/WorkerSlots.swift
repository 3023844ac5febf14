import DequeModule
import Synchronization

/// At most `count` holders at once; the others wait in line.
final class WorkerSlots: Sendable {
    fileprivate struct State {
        var free: Int
        var isClosed = false
        var waiting: Deque<Waiter> = []
    }

    fileprivate struct Waiter {
        let leavesWhenClosed: Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    private let state: Mutex<State>

    init(count: Int) {
        state = Mutex(State(free: count))
    }

    /// Waits for a slot; false when the slots are closed and `leavingWhenClosed` is set.
    func acquire(leavingWhenClosed: Bool = false) async -> Bool {
        if let answer = state.withLock({ $0.take(leavingWhenClosed) }) { return answer }
        return await withCheckedContinuation { continuation in
            let answer = state.withLock { state in
                let answer = state.take(leavingWhenClosed)
                if answer == nil {
                    state.waiting.append(Waiter(leavesWhenClosed: leavingWhenClosed, continuation: continuation))
                }
                return answer
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    func release() {
        let next = state.withLock { state in
            let next = state.waiting.popFirst()
            if next == nil { state.free += 1 }
            return next
        }
        next?.continuation.resume(returning: true)
    }

    /// Sends away those who leave, now and from now on.
    func close() {
        let leaving = state.withLock { state in
            state.isClosed = true
            let leaving = state.waiting.filter(\.leavesWhenClosed)
            state.waiting.removeAll(where: \.leavesWhenClosed)
            return leaving
        }
        for waiter in leaving { waiter.continuation.resume(returning: false) }
    }
}

extension WorkerSlots.State {
    /// A slot, a refusal, or nil when one has to wait.
    fileprivate mutating func take(_ leavesWhenClosed: Bool) -> Bool? {
        if isClosed, leavesWhenClosed { return false }
        guard free > 0 else { return nil }
        free -= 1
        return true
    }
}
