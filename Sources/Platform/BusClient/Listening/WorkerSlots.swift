/// At most `count` holders at once; the others wait in line.
actor WorkerSlots {
    private var free: Int
    private var isClosed = false
    private var waiting: [Waiter] = []

    private struct Waiter {
        let leavesWhenClosed: Bool
        let continuation: CheckedContinuation<Bool, Never>
    }

    init(count: Int) {
        free = count
    }

    /// Waits for a slot; false when the slots are closed and `leavingWhenClosed` is set.
    func acquire(leavingWhenClosed: Bool = false) async -> Bool {
        if isClosed, leavingWhenClosed { return false }
        if free > 0 {
            free -= 1
            return true
        }
        return await withCheckedContinuation {
            waiting.append(Waiter(leavesWhenClosed: leavingWhenClosed, continuation: $0))
        }
    }

    func release() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().continuation.resume(returning: true)
        }
    }

    /// Sends away those who leave, now and from now on.
    func close() {
        isClosed = true
        let leaving = waiting.filter(\.leavesWhenClosed)
        waiting.removeAll(where: \.leavesWhenClosed)
        for waiter in leaving { waiter.continuation.resume(returning: false) }
    }
}
