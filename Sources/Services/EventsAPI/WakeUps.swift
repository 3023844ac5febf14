import BusCore
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

/// Tells streams that there is something to read, so that nobody polls.
package final class WakeUps: Sendable {
    /// What a stream waits for.
    package enum Topic: Hashable, Sendable {
        /// An event of this name was appended.
        case appended(EventName)
        /// Any event was appended.
        case appendedAny
        /// A delivery of this group was acknowledged, given back or replayed.
        case group(DeliveryGroup)
    }

    private struct State {
        var signals: [Topic: [Int: Signal]] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Nobody waits yet.
    package init() {}

    /// Rings for the topics from now on, as long as the subscription is kept.
    package func subscribe(_ topics: [Topic]) -> Subscription {
        let signal = Signal()
        let number = state.withLock { state in
            state.next += 1
            for topic in topics { state.signals[topic, default: [:]][state.next] = signal }
            if state.isClosed { signal.close() }
            return state.next
        }
        return Subscription(wakeUps: self, topics: topics, number: number, signal: signal)
    }

    /// Wakes everybody who waits for one of the topics.
    package func ring(_ topics: some Sequence<Topic>) {
        let signals = state.withLock { state in
            topics.flatMap { topic in state.signals[topic].map { Array($0.values) } ?? [] }
        }
        for signal in signals { signal.ring() }
    }

    /// Ends every wait, for shutdown.
    package func close() {
        let signals = state.withLock { state in
            state.isClosed = true
            return state.signals.values.flatMap { Array($0.values) }
        }
        for signal in signals { signal.close() }
    }

    fileprivate func remove(_ number: Int, from topics: [Topic]) {
        state.withLock { state in
            for topic in topics {
                state.signals[topic]?[number] = nil
                if state.signals[topic]?.isEmpty == true { state.signals[topic] = nil }
            }
        }
    }

    /// One stream's interest; it ends with this value.
    package final class Subscription: Sendable {
        private let wakeUps: WakeUps
        private let topics: [Topic]
        private let number: Int
        /// Rung when one of the topics was.
        package let signal: Signal

        fileprivate init(wakeUps: WakeUps, topics: [Topic], number: Int, signal: Signal) {
            self.wakeUps = wakeUps
            self.topics = topics
            self.number = number
            self.signal = signal
        }

        deinit { wakeUps.remove(number, from: topics) }
    }
}
