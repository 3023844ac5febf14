import BusCore
import BusRuntime
import ServiceLifecycle
import Synchronization

/// Tells streams when there is something to read, so that they do not poll.
///
/// One timer serves the times that all of them wait for.
final class WakeUps: Service {
    /// What a stream waits for.
    enum Topic: Hashable, Sendable {
        /// An event of this name was appended.
        case appended(EventName)
        /// Any event was appended.
        case appendedAny
        /// A delivery of an event of this name in this group waits again, was parked or replayed.
        case delivery(DeliveryGroup, name: String)
        /// The stream itself: it has room again, or is to be ended.
        case holder(String)
    }

    fileprivate struct State {
        var signals: [Topic: [Int: Signal]] = [:]
        /// Holders that may claim nothing before one of their deliveries is over.
        var full: Set<String> = []
        /// The times that waiting streams want to be woken at.
        var times: [Int: (at: ContinuousClock.Instant, signal: Signal)] = [:]
        /// What the timer is set to.
        var timerAt: ContinuousClock.Instant?
        var next = 0
        var isClosed = false
    }

    private let state = Mutex(State())
    private let timer = Signal()

    /// Wakes streams at the times they wait for, until shutdown.
    func run() async throws {
        await withTaskCancellationOrGracefulShutdownHandler {
            while !timer.isClosed {
                let now = ContinuousClock.now
                let (due, next) = state.withLock { $0.takeDue(at: now) }
                for signal in due { signal.ring() }
                if let next { _ = await timer.wait(atMost: next - now) } else { await timer.wait() }
            }
        } onCancelOrGracefulShutdown: { [timer] in
            timer.close()
        }
    }

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

    /// Wakes everybody who waits for new events of these names.
    func ring(appended names: Set<EventName>) {
        if !names.isEmpty { ring([.appendedAny] + names.map { .appended($0) }) }
    }

    /// Lets the next delivery that is over ring its holder; asked for before looking for room once more.
    func expectRoom(_ holder: String) {
        state.withLock { _ = $0.full.insert(holder) }
    }

    /// Rings those of the holders that wait for room.
    func ringRoom(_ holders: Set<String>) {
        let waiting = state.withLock { state in holders.filter { state.full.remove($0) != nil } }
        if !waiting.isEmpty { ring(waiting.map { .holder($0) }) }
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
                if case .holder(let holder) = topic { state.full.remove(holder) }
            }
        }
    }

    fileprivate func ring(_ number: Int, _ signal: Signal, at time: ContinuousClock.Instant) {
        let isSoonest = state.withLock { state in
            state.times[number] = (time, signal)
            guard state.timerAt.map({ time < $0 }) ?? true else { return false }
            state.timerAt = time
            return true
        }
        if isSoonest { timer.ring() }
    }

    fileprivate func forgetTime(_ number: Int) {
        state.withLock { _ = $0.times.removeValue(forKey: number) }
    }

    /// One stream's subscription; it ends when this value is released.
    final class Subscription: Sendable {
        private let wakeUps: WakeUps
        private let topics: [Topic]
        private let number: Int
        /// Rings with each of the topics.
        let signal: Signal

        /// Waits for a ring, at most for so long; true when the time is over.
        func wait(atMost limit: Duration?) async -> Bool {
            guard let limit else {
                await signal.wait()
                return false
            }
            let end = ContinuousClock.now + limit
            wakeUps.ring(number, signal, at: end)
            await signal.wait()
            wakeUps.forgetTime(number)
            return .now >= end
        }

        fileprivate init(wakeUps: WakeUps, topics: [Topic], number: Int, signal: Signal) {
            self.wakeUps = wakeUps
            self.topics = topics
            self.number = number
            self.signal = signal
        }

        deinit { wakeUps.remove(number, from: topics) }
    }
}

extension WakeUps.State {
    /// Takes the signals whose time has come, and sets the timer to the next one.
    ///
    /// Times that are close share one look, because each look goes through all of them.
    fileprivate mutating func takeDue(
        at now: ContinuousClock.Instant
    ) -> (due: [Signal], next: ContinuousClock.Instant?) {
        var due: [Signal] = []
        timerAt = nil
        for (number, time) in times {
            if time.at <= now {
                due.append(time.signal)
                times[number] = nil
            } else {
                timerAt = min(timerAt ?? time.at, time.at)
            }
        }
        timerAt = timerAt.map { max($0, now + .milliseconds(Limits.wakeUpsApartMilliseconds)) }
        return (due, timerAt)
    }
}
