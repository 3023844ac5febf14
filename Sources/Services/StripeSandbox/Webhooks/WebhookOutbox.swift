import BusCore
import BusRuntime
import SandboxWorld

/// Webhooks that wait, that are under way, and that came to an end.
struct WebhookOutbox: Sendable {
    /// Where a webhook goes and how it is made.
    struct Target: Sendable {
        let url: String
        let secret: Secret
        let version: APIVersion
    }

    /// One webhook on its way.
    struct Job: Sendable {
        let delivery: Int
        let event: WorldEvent
        let target: Target
    }

    /// What an attempt led to.
    enum Answer: Sendable, Hashable {
        case status(Int)
        case failure(String)

        var isSuccess: Bool { if case .status(200..<300) = self { true } else { false } }
    }

    /// One attempt, by the machine's clock.
    struct Attempt: Sendable, Hashable {
        let sentAt: Timestamp
        let answeredAt: Timestamp
        let answer: Answer
    }

    /// An event and an address, from the first attempt to the last.
    struct Delivery: Sendable {
        enum State: String, Sendable {
            case waiting, sending, delivered, failed, dropped
        }

        let number: Int
        let event: WorldEvent
        let target: Target
        /// When it was planned, by the machine's clock.
        let plannedAt: Timestamp
        /// The first webhook of its event there; one that somebody sends again is none.
        fileprivate(set) var isFirst = false
        fileprivate(set) var state: State
        fileprivate(set) var attempts: [Attempt] = []

        var answers: [Answer] { attempts.map(\.answer) }
    }

    private struct Due: Sendable {
        let time: ContinuousClock.Instant
        let number: Int
    }

    private let forward: Target?
    private var numbers: SeededNumbers
    private var deliveries: [Int: Delivery] = [:]
    private var first = 0
    private var next = 0
    /// Sorted by time from `firstDue` on, the earliest first.
    private var due: [Due] = []
    private var firstDue = 0
    private var openCount = 0
    private var mark = SentMark()

    init(forwardTo: String?, secret: Secret?, seed: UInt64) {
        numbers = SeededNumbers(seed: seed ^ 0x0B0C)
        if let forwardTo, let secret {
            forward = Target(url: forwardTo, secret: secret, version: .current)
        } else {
            forward = nil
        }
    }

    // MARK: Adding

    /// Plans the webhooks of an event that has just happened, with the faults that are dialled.
    mutating func add(
        _ event: WorldEvent, endpoints: [WorldEndpoint], version: APIVersion, dials: FaultDials.Webhooks
    ) {
        mark.add(
            event.id, webhooks: plan(event, endpoints: endpoints, version: version, dials: dials, isFirst: true))
    }

    /// Plans the webhooks of an event once more.
    mutating func addAgain(_ event: WorldEvent, endpoints: [WorldEndpoint], version: APIVersion) {
        _ = plan(event, endpoints: endpoints, version: version, dials: FaultDials.Webhooks(), isFirst: false)
    }

    /// How many webhooks are to be sent.
    private mutating func plan(
        _ event: WorldEvent, endpoints: [WorldEndpoint], version: APIVersion, dials: FaultDials.Webhooks, isFirst: Bool
    ) -> Int {
        let before = next
        var dropped = 0
        defer { for number in before..<next { deliveries[number]?.isFirst = isFirst } }
        var targets = [forward].compactMap(\.self)
        for endpoint in endpoints {
            targets.append(
                Target(url: endpoint.url, secret: Secret(endpoint.secret), version: endpoint.version ?? version))
        }
        for target in targets {
            guard BaseURL(target.url)?.address.isNearby == true,
                due.count - firstDue < Limits.sandboxWebhooksWaitingMax,
                !meets(dials.dropPercent)
            else {
                keep(event, target, .dropped)
                dropped += 1
                continue
            }
            for _ in 0..<(meets(dials.duplicatePercent) ? 2 : 1) {
                var wait: Duration = .zero
                if dials.delayMilliseconds > 0 {
                    wait += .milliseconds(Int64(numbers.next() % UInt64(dials.delayMilliseconds + 1)))
                }
                if meets(dials.reorderPercent) { wait += .milliseconds(Int64(100 + numbers.next() % 400)) }
                schedule(keep(event, target, .waiting), at: .now + wait)
            }
        }
        return next - before - dropped
    }

    /// Plans an event's webhook signed as another endpoint's would be, once.
    mutating func addForged(_ event: WorldEvent) {
        guard let forward else { return }
        let target = Target(url: forward.url, secret: Secret(SandboxScenario.anotherSecret), version: forward.version)
        schedule(keep(event, target, .waiting), at: .now)
    }

    /// Draws only where a dial is set, so that a world without faults draws nothing.
    private mutating func meets(_ percent: Int) -> Bool {
        percent > 0 && (percent >= 100 || Int(numbers.next() % 100) < percent)
    }

    @discardableResult
    private mutating func keep(_ event: WorldEvent, _ target: Target, _ state: Delivery.State) -> Int {
        let number = next
        next += 1
        deliveries[number] = Delivery(
            number: number, event: event, target: target, plannedAt: .now, state: state)
        while deliveries.count > Limits.sandboxDeliveriesKept, first < number {
            if let old = deliveries[first]?.state, old == .waiting || old == .sending { break }
            deliveries[first] = nil
            first += 1
        }
        return number
    }

    private mutating func schedule(_ number: Int, at time: ContinuousClock.Instant) {
        var place = due.count
        // Mostly the latest of all, so the search begins at the end.
        while place > firstDue, (due[place - 1].time, due[place - 1].number) > (time, number) { place -= 1 }
        due.insert(Due(time: time, number: number), at: place)
    }

    // MARK: Sending

    var nextDue: ContinuousClock.Instant? {
        openCount < Limits.sandboxWebhooksOpenMax && firstDue < due.count ? due[firstDue].time : nil
    }

    mutating func takeDue(at now: ContinuousClock.Instant) -> Job? {
        guard let time = nextDue, time <= now else { return nil }
        let number = due[firstDue].number
        firstDue += 1
        if firstDue > 1_024, firstDue * 2 > due.count {
            due.removeSubrange(..<firstDue)
            firstDue = 0
        }
        guard let delivery = deliveries[number] else { return nil }
        deliveries[number]?.state = .sending
        openCount += 1
        return Job(delivery: number, event: delivery.event, target: delivery.target)
    }

    /// Notes an answer; what failed is sent again later, five times longer each time.
    mutating func finish(_ job: Job, _ attempt: Attempt, at now: ContinuousClock.Instant) {
        openCount -= 1
        guard var delivery = deliveries[job.delivery] else { return }
        delivery.attempts.append(attempt)
        if attempt.answer.isSuccess {
            delivery.state = .delivered
        } else if delivery.attempts.count >= Limits.sandboxWebhookAttemptsMax {
            delivery.state = .failed
        } else {
            delivery.state = .waiting
            var pause = Limits.sandboxWebhookPauseSecondsMin
            for _ in 1..<delivery.attempts.count { pause *= 5 }
            schedule(job.delivery, at: now + .seconds(pause))
        }
        deliveries[job.delivery] = delivery
        if delivery.isFirst, delivery.state != .waiting { mark.end(delivery.event.id) }
    }

    /// The event up to which all webhooks have ended, whenever that is worth noting.
    mutating func takeMark() -> String? { mark.take(every: Limits.sandboxMarkEvents) }

    /// Events that wait for an address, or that it never acknowledged; as far back as deliveries are kept.
    var unacknowledged: Set<String> {
        var open: [String: Set<String>] = [:]
        for delivery in deliveries.values where delivery.state != .delivered {
            open[delivery.event.id, default: []].insert(delivery.target.url)
        }
        for delivery in deliveries.values where delivery.state == .delivered {
            open[delivery.event.id]?.remove(delivery.target.url)
        }
        return Set(open.filter { !$0.value.isEmpty }.keys)
    }

    func newest(_ count: Int) -> [Delivery] {
        var found: [Delivery] = []
        var number = next - 1
        while number >= first, found.count < count {
            if let delivery = deliveries[number] { found.append(delivery) }
            number -= 1
        }
        return found
    }
}
