import BusCore
import BusRuntime
import SandboxWorld
import Synchronization

/// The world, its clock and what is to be sent, behind one lock.
///
/// Everything that happens is put into the outbox under the lock in which it happened, so webhooks start in that order.
final class SandboxHome: Sendable {
    struct State {
        var world: StripeWorld
        var outbox: WebhookOutbox
        /// The world's time is the machine's and this long later, unless it stands still.
        var offsetSeconds: Int64 = 0
        /// How that came about.
        var moves = ClockMoves()
        /// Where the clock stands; nil when it runs.
        var stands: Timestamp?
        /// Sessions by the ids of local mode that lead to them.
        var links: [String: String] = [:]
        /// The same, oldest first, with those that another one followed.
        var linked: [SandboxView.Link] = []
        /// Keeps what changes the world; nil when nothing is kept.
        var journal: WorldJournal?

        var now: Timestamp {
            (stands ?? Timestamp.now).advanced(bySeconds: stands == nil ? offsetSeconds : 0)
        }

        /// Notes a change of the world; a journal that is full keeps the world as it is now.
        mutating func keep(_ change: JournalEntry.Change) {
            if let journal, !journal.append(JournalEntry(time: now, change: change)) { self.journal = nil }
        }

        /// Moves the clock; how much happened on the way.
        mutating func move(bySeconds seconds: Int64) -> Int {
            if let stands {
                self.stands = stands.advanced(bySeconds: seconds)
            } else {
                offsetSeconds += seconds
                moves.add(secondsAhead: offsetSeconds, at: .now)
                keep(.clock(offsetSeconds: offsetSeconds))
            }
            let events = world.advance(to: now)
            post(events)
            return events.count
        }

        /// Puts what happened into the outbox.
        mutating func post(_ events: [WorldEvent]) {
            for event in events {
                let endpoints = world.endpoints(for: event)
                outbox.add(event, endpoints: endpoints, version: world.version, dials: world.dials.webhooks)
            }
            keepMark()
        }

        /// Notes how far the webhooks have come, so that the next start sends the others.
        mutating func keepMark() {
            if let event = outbox.takeMark() { keep(.sent(event: event)) }
        }
    }

    /// Rings when there may be something to send.
    let bell = Signal()
    /// Rings when something may look different, for the one who shows it.
    let changes = Signal()
    private let state: Mutex<State>

    init(_ settings: SandboxSettings) {
        let outbox = WebhookOutbox(forwardTo: settings.forwardTo, secret: settings.webhookSecret, seed: settings.seed)
        let world = StripeWorld(WorldSettings(seed: settings.seed), at: settings.start ?? Timestamp.now)
        state = Mutex(State(world: world, outbox: outbox, stands: settings.start))
    }

    func withState<Result: Sendable>(_ body: (inout State) throws -> Result) rethrows -> Result {
        defer {
            bell.ring()
            changes.ring()
        }
        return try state.withLock { state in try body(&state) }
    }

    // MARK: The world

    /// Answers a call; hosted pages are where the caller found us.
    func handle(_ call: WorldCall, host: String?) -> WorldReply {
        withState { state in
            if let host { state.world.pagesURL = "http://\(host)/local/stripe" }
            if call.parameters?["delivery_success"] != nil {
                state.world.note(unacknowledged: state.outbox.unacknowledged)
            }
            let (reply, events) = state.world.handle(call, at: state.now)
            // A refused call leaves no trace.
            if call.method != .get, 200..<300 ~= reply.status { state.keep(.call(call)) }
            state.post(events)
            return reply
        }
    }

    /// What a Checkout page shows now; nil for an unknown session.
    func checkoutPage(_ session: String) -> (page: CheckoutPage, now: Timestamp)? {
        withState { state in
            state.post(state.world.advance(to: state.now))
            return state.world.checkoutPage(session).map { ($0, state.world.now) }
        }
    }

    /// What a portal page shows now; nil for an unknown session.
    func portalPage(_ session: String) -> (page: PortalPage, now: Timestamp)? {
        withState { state in
            state.post(state.world.advance(to: state.now))
            return state.world.portalPage(session).map { ($0, state.world.now) }
        }
    }

    /// What an invoice's page shows now; nil for an unknown one.
    func invoicePage(_ key: String) -> (page: InvoicePage, now: Timestamp)? {
        withState { state in
            state.post(state.world.advance(to: state.now))
            return state.world.invoicePage(key).map { ($0, state.world.now) }
        }
    }

    func act(_ intent: CheckoutIntent, onCheckout session: String) throws(PageFault) -> PageOutcome {
        try acting(.checkout(session, intent)) { world, now throws(PageFault) in
            try world.act(intent, onCheckout: session, at: now)
        }
    }

    func act(_ intent: PortalIntent, onPortal session: String) throws(PageFault) -> PageOutcome {
        try acting(.portal(session, intent)) { world, now throws(PageFault) in
            try world.act(intent, onPortal: session, at: now)
        }
    }

    /// Pays an open invoice on its page.
    func pay(invoicePage key: String) throws(PageFault) -> PageOutcome {
        try acting(.invoice(page: key)) { world, now throws(PageFault) in
            try world.pay(invoicePage: key, at: now)
        }
    }

    private func acting(
        _ change: JournalEntry.Change,
        _ act: (inout StripeWorld, Timestamp) throws(PageFault) -> (outcome: PageOutcome, events: [WorldEvent])
    ) throws(PageFault) -> PageOutcome {
        let result = withState { state -> Result<PageOutcome, PageFault> in
            let now = state.now
            // What was due before is told also where the act is refused.
            state.post(state.world.advance(to: now))
            do throws(PageFault) {
                let (outcome, events) = try act(&state.world, now)
                state.keep(change)
                state.post(events)
                return .success(outcome)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Makes an event of a type; returns its id after those of what was due.
    func trigger(_ sample: SampleEvent) -> [String] {
        withState { state in
            let events = state.world.trigger(sample, at: state.now)
            state.keep(.sample(sample))
            state.post(events)
            return events.map(\.id)
        }
    }

    // MARK: The clock

    /// The world's time, and whether it stands still.
    var clock: (now: Timestamp, stands: Bool) {
        state.withLock { ($0.now, $0.stands != nil) }
    }

    /// Moves the clock day by day; how much happened on the way.
    ///
    /// So a year of many subscriptions is posted in parts, and calls get their turn between them.
    func advance(bySeconds seconds: Int64) -> (now: Timestamp, events: Int) {
        var left = seconds
        var count = 0
        while left > 0 {
            let step = min(left, 86_400)
            count += withState { $0.move(bySeconds: step) }
            left -= step
        }
        return (clock.now, count)
    }

    /// Lets happen what is due by now.
    func tick() {
        state.withLock { state in
            let events = state.world.advance(to: state.now)
            state.post(events)
        }
    }

    // MARK: Faults

    var dials: FaultDials {
        get { state.withLock { $0.world.dials } }
        set { state.withLock { $0.world.dials = newValue } }
    }

    // MARK: Looking

    /// Looks at everything at once; looking changes nothing, so it rings no bell.
    func look<Result: Sendable>(_ body: (State) -> Result) -> Result { state.withLock { body($0) } }

    // MARK: Webhooks

    /// The next webhook that is to be sent now; nil when none is, or when enough are under way.
    func takeDue(at now: ContinuousClock.Instant) -> WebhookOutbox.Job? {
        state.withLock { $0.outbox.takeDue(at: now) }
    }

    /// Notes what became of a webhook.
    func finish(_ job: WebhookOutbox.Job, _ attempt: WebhookOutbox.Attempt, at now: ContinuousClock.Instant) {
        withState { state in
            state.outbox.finish(job, attempt, at: now)
            state.keepMark()
        }
    }

    /// When the next webhook is due.
    var nextDue: ContinuousClock.Instant? { state.withLock { $0.outbox.nextDue } }

    /// What was sent, newest first.
    func deliveries(count: Int) -> [WebhookOutbox.Delivery] { state.withLock { $0.outbox.newest(count) } }

    /// Sends an event once more; false when it is not known.
    func resend(_ id: String) -> Bool {
        withState { state in
            guard let event = state.world.event(id) else { return false }
            state.outbox.addAgain(
                event, endpoints: state.world.endpoints(for: event), version: state.world.version)
            return true
        }
    }
}
