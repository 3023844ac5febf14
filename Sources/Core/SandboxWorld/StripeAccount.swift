import BusCore

/// One account of Stripe in test mode: its objects, its clock and what happened.
struct StripeAccount: Sendable {
    var settings: WorldSettings
    /// `acct_…`.
    let id: String
    /// A connected account; its events carry its id.
    let isConnected: Bool
    var ids: SeededIDs
    /// Seconds since 1970; it never goes back.
    private(set) var now: Int64
    var due = DueQueue()

    var products = Shelf<SandboxProduct>()
    var prices = Shelf<SandboxPrice>()
    /// Which price has a lookup key, archived ones too.
    var lookupKeys: [String: String] = [:]
    var meters = MeterBook()
    var customers = Shelf<SandboxCustomer>()
    var checkouts = Shelf<SandboxCheckout>()
    var portals = Shelf<PortalSession>()
    var configurations = Shelf<PortalSetup>()
    var subscriptions = Shelf<SandboxSubscription>()
    /// Subscriptions of a customer, oldest first.
    var subscriptionsOf: [String: [String]] = [:]
    var schedules = Shelf<SandboxSchedule>()
    var invoices = Shelf<SandboxInvoice>()
    /// Invoices by the key of their hosted page.
    var invoiceOfPage: [String: String] = [:]
    var invoiceItems = Shelf<ProrationItem>()
    /// Invoice items that wait, by subscription.
    var pendingItems: [String: [String]] = [:]
    var endpoints = Shelf<WorldEndpoint>()
    var events = EventRecord()
    /// Events that not every endpoint has acknowledged.
    var unacknowledged: Set<String> = []
    /// The call that is being worked on.
    var cause: WorldEvent.Request?
    /// What a search does not find yet.
    var searchLag: Int64 = 0
    /// The default configuration of the portal does not count.
    var isPortalUnconfigured = false

    init(settings: WorldSettings, id: String, isConnected: Bool, seed: UInt64, now: Int64) {
        self.settings = settings
        self.id = id
        self.isConnected = isConnected
        self.now = now
        ids = SeededIDs(seed: seed)
        addDefaultPortal()
    }

    // MARK: Time

    /// Lets everything happen that is due until `time`, in its order.
    mutating func advance(to time: Int64) {
        while let (work, moment) = due.take(dueAt: time) {
            now = max(now, moment)
            carryOut(work)
        }
        now = max(now, time)
        events.forget(at: now)
    }

    private mutating func carryOut(_ work: DueQueue.Work) {
        switch work {
        case .session(let id): expireIfDue(checkout: id)
        case .debit(let session): settleDebit(ofCheckout: session)
        case .subscription(let id): carryOutDue(subscription: id)
        case .schedule(let id): carryOutDue(schedule: id)
        case .invoice(let id): carryOutDue(invoice: id)
        case .meterErrors(let meter): reportErrors(ofMeter: meter)
        }
    }

    // MARK: What happened

    /// Notes that something happened; the object is kept as it is now.
    mutating func emit(_ type: String, _ object: WorldJSON, previous: WorldJSON? = nil) {
        events.add(
            WorldEvent(
                id: ids.next("evt_"), type: type, created: now, object: object, previous: previous, request: cause,
                account: isConnected ? id : nil, thinObject: nil))
    }

    /// Notes an update, unless nothing that shows has changed.
    mutating func emitUpdate(_ type: String, from old: WorldJSON, to new: WorldJSON) {
        let previous = new.changes(since: old)
        if previous.members?.isEmpty == false { emit(type, new, previous: previous) }
    }

    /// Notes something in a thin event.
    mutating func emitThin(_ type: String, about object: String?, details: WorldJSON) {
        events.add(
            WorldEvent(
                id: ids.next("evt_test_"), type: type, created: now, object: details, previous: nil, request: nil,
                account: isConnected ? id : nil, thinObject: .init(id: object)))
    }

    /// Merges metadata as Stripe does: an empty text removes a key, an empty field all of them.
    static func merge(_ form: ParameterTree, _ field: String, into metadata: inout [String: String]) {
        if form.given(field) == "" { metadata = [:] }
        for (key, value) in form.map(field) ?? [:] {
            guard case .text(let text) = value else { continue }
            metadata[key] = text.nonEmpty
        }
    }
}
