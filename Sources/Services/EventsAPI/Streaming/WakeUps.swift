import BusCore
import BusLoops
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

    /// What the other nodes on the same database hear of.
    enum News: Hashable, Sendable {
        /// An event of this name was appended.
        case appended(EventName)
        /// A delivery of an event of this name in this group waits again, was parked or replayed.
        case delivery(DeliveryGroup, name: String)
        /// A stream holds one delivery less.
        case room(holder: String)
        /// A stream is to be ended.
        case end(holder: String)
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
        /// Tells the other nodes on the same database.
        var tell: (@Sendable ([News]) -> Void)?
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
                if let next { await timer.waitOnLoop(atMost: next - now) } else { await timer.wait() }
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

    /// Wakes everybody who waits for one of the topics, here and on other nodes.
    func ring(_ topics: some Sequence<Topic>) {
        let topics = Array(topics)
        wake(topics)
        tell(topics.compactMap(\.news))
    }

    private func wake(_ topics: [Topic]) {
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

    /// Rings those of the holders that wait for room; those that are not here may be on another node.
    func ringRoom(_ holders: Set<String>) {
        wakeForRoom(holders)
        tell(elsewhere(holders).map { .room(holder: $0) })
    }

    private func wakeForRoom(_ holders: Set<String>) {
        let waiting = state.withLock { state in holders.filter { state.full.remove($0) != nil } }
        wake(waiting.map { .holder($0) })
    }

    /// Ends the stream of a holder, here or on another node.
    func end(_ holder: String) {
        endHere(holder)
        tell(elsewhere([holder]).map { .end(holder: $0) })
    }

    private func endHere(_ holder: String) {
        let signals = state.withLock { $0.signals[.holder(holder)].map { Array($0.values) } ?? [] }
        for signal in signals { signal.close() }
    }

    private func elsewhere(_ holders: Set<String>) -> Set<String> {
        state.withLock { state in holders.filter { state.signals[.holder($0)] == nil } }
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

// MARK: Nodes

extension WakeUps {
    /// Passes on what this node does.
    func tellOthers(_ tell: @escaping @Sendable ([News]) -> Void) {
        state.withLock { $0.tell = tell }
    }

    private func tell(_ news: [News]) {
        if !news.isEmpty { state.withLock { $0.tell }?(news) }
    }

    /// Does here what another node did there.
    func hear(_ news: [News]) {
        for item in news {
            switch item {
            case .appended(let name): wake([.appended(name), .appendedAny])
            case .delivery(let group, let name): wake([.delivery(group, name: name)])
            case .room(let holder): wakeForRoom([holder])
            case .end(let holder): endHere(holder)
            }
        }
    }

    /// Wakes everybody who waits for deliveries or for room, because news may have been lost.
    func ringDeliveries() {
        let topics = state.withLock { state in
            defer { state.full = [] }
            return state.signals.keys.filter { if case .delivery = $0 { true } else { false } }
                + state.full.map { .holder($0) }
        }
        wake(topics)
    }
}

extension WakeUps.Topic {
    fileprivate var news: WakeUps.News? {
        switch self {
        case .appended(let name): .appended(name)
        case .delivery(let group, let name): .delivery(group, name: name)
        case .appendedAny, .holder: nil
        }
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
