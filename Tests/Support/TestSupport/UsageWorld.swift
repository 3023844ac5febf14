import BillingCore
import BusContract
import BusCore

/// A ledger as its workers use it: each call is one transaction.
package protocol UsageLedger {
    /// A request for a usage; `event` is its event id.
    mutating func begin(_ request: UsageExportRequest, event: String, at now: Timestamp) async throws -> UsageLedgerStep
    /// Takes rows that are due.
    mutating func beginDue(at now: Timestamp) async throws -> [UsageSending]
    /// Writes down what became of a telling; `event` is that of the request which it was for.
    mutating func end(_ sending: UsageSending, _ outcome: UsageOutcome, event: String?, at now: Timestamp) async throws
    /// The payment company reports that it does not count what it had taken under a key.
    mutating func disown(_ providerKey: String, at now: Timestamp) async throws
    /// Every row.
    func rows() async throws -> [UsageExport]
    /// Everything that counts against quotas.
    func counted() async throws -> Int64
    /// The key at the payment company; a right ledger takes the row's.
    func identifier(for sending: UsageSending) -> String
}

/// What a ledger does about a request.
package enum UsageLedgerStep: Sendable {
    case answered
    case send(UsageSending)
    case busy
}

/// Two billing workers, one Stripe worker, Stripe and callers, in an order that chance decides, with every fault there
/// is; afterwards all is mended, and each usage must come to its end.
package struct UsageWorld<Ledger: UsageLedger> {
    private struct Event {
        let request: UsageExportRequest
        var isDone = false
    }

    /// A worker on its way from one transaction to the next.
    private struct Task {
        let worker: Int
        let event: Int?
        let sending: UsageSending
        var message: Int?
    }

    private struct Message {
        let request: MeterEventRequest
        let identifier: String
        var answer: UsageOutcome?
        var isFirst = true
        var isWaiting = true
    }

    /// What went wrong; nothing should.
    package private(set) var faults: [String] = []
    package private(set) var ledger: Ledger
    package private(set) var stripe: UsageStripe
    private var random: SeededGenerator
    private var now = Timestamp(clampingSeconds: 1_785_600_000)
    private let start: Timestamp
    private var events: [Event] = []
    private var tasks: [Task] = []
    private var messages: [Message] = []
    private var reports: [String] = []
    private var accepted: Set<UsageKey> = []
    private let skew: Int64

    /// A world before anything was used.
    package init(_ ledger: Ledger, seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        self.ledger = ledger
        stripe = UsageStripe(looksForIdentifierFirst: random.chance(50))
        skew = Int64.random(in: -Limits.usageClockSkewSeconds...Limits.usageClockSkewSeconds, using: &random)
        self.random = random
        start = now
    }

    /// Lives for so many steps, mends everything, and checks the books.
    package mutating func run(steps: Int) async throws {
        for _ in 0..<steps { try await step() }
        let isCalm = now < start.advanced(bySeconds: 20 * 3_600)
        try await mend()
        try await check(isCalm: isCalm)
    }

    // MARK: Steps

    private mutating func step() async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<14: ask()
        case 14..<34: try await handleEvent()
        case 34..<44: try await round(worker: random.chance(50) ? 0 : 1)
        case 44..<66: try await advanceTask()
        case 66..<82: handleMessage(faults: (0..<3).map { _ in fault() })
        case 82..<92: now = now.advanced(bySeconds: pause())
        case 92..<94:
            let worker = random.chance(50) ? 0 : 1
            tasks.removeAll { $0.worker == worker }
        case 94..<96: stripe.takesKey.toggle()
        case 96..<98: stripe.isAway.toggle()
        case 98: stripe.knowsLaterMeter = true
        default:
            if let identifier = stripe.disown(&random) { reports.append(identifier) }
            if random.chance(50) { try await deliverReports() }
        }
    }

    /// Only Stripe's own report leads out of `accepted`.
    private mutating func deliverReports() async throws {
        for identifier in reports { try await ledger.disown(identifier, at: now) }
        reports = []
        accepted = Set(try await ledger.rows().filter(\.state.isAccepted).map(\.key))
    }

    private mutating func fault() -> UsageStripe.Fault? {
        random.chance(55) ? nil : UsageStripe.Fault.allCases.randomElement(using: &random)
    }

    private mutating func pause() -> Int64 {
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8: Int64.random(in: 1...20, using: &random)
        case 8..<14: Int64.random(in: 20...200, using: &random)
        case 14..<18: Int64.random(in: 200...8_000, using: &random)
        case 18: Int64.random(in: 8_000...80_000, using: &random)
        default: 25 * 3_600
        }
    }

    /// Two accounts use the same keys on two meters; a repetition may say something else.
    private mutating func ask() {
        var request = UsageExportRequest()
        request.accountID = "00000000-0000-4000-8000-00000000000\(Int.random(in: 1...2, using: &random))"
        request.feature = "llm:proxy"
        request.meterEventName = random.chance(60) ? "tokens" : UsageStripe.laterMeter
        request.eventID = "use-\(Int.random(in: 1...3, using: &random))"
        request.quantity = random.chance(60) ? 10 : Int64.random(in: 5...16, using: &random)
        if random.chance(30) {
            request.occurredAt = now.advanced(bySeconds: -Int64.random(in: 0...9_000, using: &random))
        }
        events.append(Event(request: request))
    }

    private mutating func handleEvent() async throws {
        let open = events.indices.filter { index in !events[index].isDone && !tasks.contains { $0.event == index } }
        guard let index = open.randomElement(using: &random) else { return }
        try await handle(index, worker: random.chance(50) ? 0 : 1)
    }

    private mutating func handle(_ index: Int, worker: Int) async throws {
        switch try await ledger.begin(events[index].request, event: "event-\(index)", at: now) {
        case .answered: events[index].isDone = true
        case .busy: break
        case .send(let sending): start(sending, worker, event: index)
        }
        try await remember()
    }

    private mutating func round(worker: Int) async throws {
        for sending in try await ledger.beginDue(at: now) { start(sending, worker, event: nil) }
    }

    private mutating func start(_ sending: UsageSending, _ worker: Int, event: Int?) {
        // A usage that was disowned is told again under another key, whatever is on its way under the old one.
        let others = tasks.filter { $0.sending.export.providerKey == sending.export.providerKey }
        if others.contains(where: { $0.sending.export.isLeased(at: now) }) {
            faults.append("two workers tell \(sending.export.key.text) at once")
        }
        tasks.append(Task(worker: worker, event: event, sending: sending))
    }

    /// Tells, then hears the answer or waits no longer, then writes it down; a worker may be slow at each.
    private mutating func advanceTask() async throws {
        guard let index = tasks.indices.randomElement(using: &random) else { return }
        let task = tasks[index]
        guard let message = task.message else {
            tasks[index].message = messages.count
            messages.append(
                Message(request: task.sending.meterEvent, identifier: ledger.identifier(for: task.sending)))
            return
        }
        let isOver = task.sending.export.leasedUntil.map { $0 <= now } ?? true
        guard let outcome = messages[message].answer ?? (isOver ? .unknown(reason: "provider_timeout") : nil) else {
            return
        }
        tasks.remove(at: index)
        try await ledger.end(task.sending, outcome, event: task.event.map { "event-\($0)" }, at: now)
        if let event = task.event, random.chance(90) { events[event].isDone = true }
        try await remember()
    }

    /// The Stripe worker carries out a request; when it dies before it has acknowledged it, the request comes again.
    private mutating func handleMessage(faults: [UsageStripe.Fault?]) {
        guard let index = messages.indices.filter({ messages[$0].isWaiting }).randomElement(using: &random) else {
            return
        }
        let message = messages[index]
        let outcome = stripe.handle(
            message.request, identifier: message.identifier, isFirst: message.isFirst,
            clock: now.advanced(bySeconds: skew), faults: faults, at: now)
        messages[index].isFirst = false
        if random.chance(85) {
            if message.answer == nil { messages[index].answer = outcome }
            messages[index].isWaiting = random.chance(15)
        }
    }

    /// What was accepted stays accepted.
    private mutating func remember() async throws {
        let rows = try await ledger.rows()
        let present = Set(rows.filter(\.state.isAccepted).map(\.key))
        if !accepted.isSubset(of: present) { faults.append("what was accepted is accepted no more") }
        accepted = present
    }

    // MARK: The end

    /// Nothing fails any more, and nobody asks again; time passes until nothing is owed.
    private mutating func mend() async throws {
        (stripe.takesKey, stripe.isAway, stripe.knowsLaterMeter) = (true, false, true)
        for _ in 0..<4_000 {
            for _ in 0..<tasks.count { try await advanceTask() }
            while messages.contains(where: \.isWaiting) { handleMessage(faults: [nil, nil, nil]) }
            for index in events.indices where !events[index].isDone && !tasks.contains(where: { $0.event == index }) {
                try await handle(index, worker: 0)
            }
            try await round(worker: 1)
            try await deliverReports()
            let due = try await ledger.rows().compactMap(\.dueAt).min()
            if due == nil, tasks.isEmpty, events.allSatisfy(\.isDone) { return }
            now = tasks.isEmpty ? max(now.advanced(bySeconds: 1), due ?? now) : now.advanced(bySeconds: 1)
        }
        faults.append("a usage has no end")
    }

    private mutating func check(isCalm: Bool) async throws {
        var (sum, sumAtStripe) = (Int64(0), stripe.counted.values.joined().reduce(0, +))
        for row in try await ledger.rows() {
            let counted = stripe.counted(under: row.providerKey)
            switch row.state {
            case .accepted:
                sum += row.request.quantity
                if counted != [row.request.quantity] {
                    faults.append("\(row.key.text) is accepted, counted \(counted)")
                }
            case .refused(let reason):
                if !counted.isEmpty { faults.append("\(row.key.text) is refused, counted \(counted)") }
                if isCalm, reason == UsageReason.tooOld { faults.append("\(row.key.text) is too old in a day") }
            case .unanswered:
                sumAtStripe -= counted.reduce(0, +)
                if counted.count > 1 { faults.append("\(row.key.text) is unanswered, counted \(counted)") }
                if isCalm { faults.append("\(row.key.text) is unanswered in a day") }
            case .queued, .sent: faults.append("\(row.key.text) has no end")
            }
        }
        if sum != sumAtStripe { faults.append("accepted \(sum), Stripe counted \(sumAtStripe)") }
        let quota = try await ledger.counted()
        if quota != sum { faults.append("accepted \(sum), quotas counted \(quota)") }
    }
}
