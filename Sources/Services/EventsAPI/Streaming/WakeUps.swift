import BusCore
import BusRuntime
import Synchronization

/// Tells streams when there is something to read, so that they do not poll.
final class WakeUps: Sendable {
    /// What a stream waits for.
    enum Topic: Hashable, Sendable {
        /// An event of this name was appended.
        case appended(EventName)
        /// Any event was appended.
        case appendedAny
        /// A delivery of an event of this name in this group was acknowledged, given back or replayed.
        case delivery(DeliveryGroup, name: String)
        /// The stream itself, to be ended.
        case holder(String)
    }

    private struct State {
        var signals: [Topic: [Int: Signal]] = [:]
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Rings for the topics until the subscription is released.
    func subscribe(_ topics: [Topic]) -> Subscription {
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
    func ring(_ topics: some Sequence<Topic>) {
        let signals = state.withLock { state in
            topics.flatMap { topic in state.signals[topic].map { Array($0.values) } ?? [] }
        }
        for signal in signals { signal.ring() }
    }

    /// Ends the streams of one topic.
    func close(_ topic: Topic) {
        let signals = state.withLock { $0.signals[topic].map { Array($0.values) } ?? [] }
        for signal in signals { signal.close() }
    }

    /// Ends every wait, for shutdown.
    func close() {
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

    /// One stream's subscription; it ends when this value is released.
    final class Subscription: Sendable {
        private let wakeUps: WakeUps
        private let topics: [Topic]
        private let number: Int
        /// Rings with each of the topics.
        let signal: Signal

        fileprivate init(wakeUps: WakeUps, topics: [Topic], number: Int, signal: Signal) {
            self.wakeUps = wakeUps
            self.topics = topics
            self.number = number
            self.signal = signal
        }

        deinit { wakeUps.remove(number, from: topics) }
    }
}
