import BusCore

/// Stripe as a state machine: calls, clicks and time go in; answers and events come out.
///
/// It reads no clock and draws no chance but from its seed. The same seed and the same inputs give the same bytes.
package struct StripeWorld: Sendable {
    /// Faults that somebody dialled.
    package var dials = FaultDials() {
        didSet { applyDials() }
    }
    private var own: StripeAccount
    /// Connected accounts by id, as calls named them.
    private var connected: [String: StripeAccount] = [:]
    private var kept = IdempotencyStore()
    private var chance: SeededNumbers
    private var requests: SeededIDs
    private let seed: UInt64

    /// An empty account at `start`.
    package init(_ settings: WorldSettings, at start: Timestamp) {
        seed = settings.seed
        chance = SeededNumbers(seed: settings.seed ^ 0x5EED)
        requests = SeededIDs(seed: settings.seed ^ 0x7E0)
        own = StripeAccount(
            settings: settings, id: "acct_sandbox", isConnected: false, seed: settings.seed, now: start.seconds)
    }

    /// The world's time.
    package var now: Timestamp { Timestamp(clampingSeconds: own.now) }

    /// Where hosted pages are; a shell that learns its port late sets it before the first call.
    package var pagesURL: String {
        get { own.settings.pagesURL }
        set {
            own.settings.pagesURL = newValue
            for id in connected.keys { connected[id]?.settings.pagesURL = newValue }
        }
    }

    /// The version of events for endpoints that name none.
    package var version: APIVersion { own.settings.version }

    // MARK: Time

    /// Moves the clock, which never goes back.
    ///
    /// Renewals, ends of trials and dunning happen on the way.
    package mutating func advance(to time: Timestamp) -> [WorldEvent] {
        own.advance(to: time.seconds)
        var events = own.events.takeFresh()
        for id in connected.keys.sorted() {
            connected[id]?.advance(to: time.seconds)
            events += connected[id]?.events.takeFresh() ?? []
        }
        kept.forget(at: own.now)
        return events
    }

    // MARK: Calls

    /// Answers a call at a time; the events are those of the clock, then those of the call.
    package mutating func handle(_ call: WorldCall, at time: Timestamp) -> (reply: WorldReply, events: [WorldEvent]) {
        var (reply, events) = answer(call, at: time)
        // An answer says the world's time, which a kept answer must not keep.
        reply.headers.append(("Date", now.httpText))
        return (reply, events)
    }

    private mutating func answer(_ call: WorldCall, at time: Timestamp) -> (WorldReply, [WorldEvent]) {
        let past = advance(to: time)
        let requestID = requests.next("req_", length: 14)
        let version = call.headers.version.map { APIVersion($0) } ?? own.settings.version
        do throws(WorldRefusal) {
            try WorldCaller.check(call.headers)
            guard let version else {
                throw WorldRefusal("Invalid Stripe API version: \(call.headers.version ?? "")")
            }
            var numbers = chance
            let fault = dials.meet(call, &numbers)
            chance = numbers
            if fault?.kind == .resetBefore {
                return (StripeWorld.reply(status: 200, nil, call, requestID, version, fault: .reset), past)
            }
            if fault?.kind != .stickyFailure { try fault?.refuse(call) }
            var (reply, events) = try keyed(call, requestID, version, fails: fault?.kind == .stickyFailure)
            switch fault?.kind {
            case .resetAfter: reply.fault = .reset
            case .slow: reply.fault = .slow(milliseconds: fault?.milliseconds ?? 0)
            case .brokenJSON: reply.fault = .brokenJSON
            default: break
            }
            return (reply, past + events)
        } catch {
            return (StripeWorld.reply(error, call, requestID, version ?? own.settings.version, at: own.now), past)
        }
    }

    /// The kept answer of a key, or the work and its answer, kept.
    private mutating func keyed(
        _ call: WorldCall, _ requestID: String, _ version: APIVersion, fails: Bool
    ) throws(WorldRefusal) -> (WorldReply, [WorldEvent]) {
        guard call.method == .post, let key = call.headers.idempotencyKey else {
            return fails
                ? (StripeWorld.reply(FaultDials.failure, call, requestID, version, at: own.now), [])
                : try work(call, requestID, version)
        }
        guard 1...255 ~= key.utf8.count else {
            throw WorldRefusal("Idempotency keys are 1 to 255 characters long.")
        }
        let scoped = "\(call.headers.account ?? "")\n\(key)"
        let fingerprint = IdempotencyStore.Fingerprint(
            method: call.method, path: call.path, parameters: call.parameters, version: call.headers.version)
        if let kept = kept[scoped] {
            guard kept.call == fingerprint else {
                throw WorldRefusal(
                    type: "idempotency_error",
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                        + "Try using a key other than '\(key)' if you meant to execute a different request.")
            }
            var reply = kept.reply
            reply.headers.removeAll { $0.name == "Request-Id" }
            reply.headers += [
                ("Request-Id", requestID), ("Original-Request", kept.requestID), ("Idempotent-Replayed", "true"),
            ]
            return (reply, [])
        }
        let answer =
            fails
            ? (StripeWorld.reply(FaultDials.failure, call, requestID, version, at: own.now), [])
            : try work(call, requestID, version)
        kept.keep(.init(call: fingerprint, reply: answer.0, requestID: requestID), under: scoped, at: own.now)
        return answer
    }

    private mutating func work(
        _ call: WorldCall, _ requestID: String, _ version: APIVersion
    ) throws(WorldRefusal) -> (WorldReply, [WorldEvent]) {
        guard let (route, ids) = CallRoute.find(call.method, call.path) else {
            throw WorldRefusal(
                status: 404,
                "Unrecognized request URL (\(call.method.rawValue): \(call.path)). "
                    + "If you are trying to list objects, remove the trailing slash.")
        }
        guard let parameters = call.parameters else {
            throw WorldRefusal("Invalid request: the parameters are not form-encoded.")
        }
        try ParameterShape.check(parameters, against: route.parameters)
        let routed = RoutedCall(ids: ids, form: parameters, version: version, path: call.path)
        let cause = WorldEvent.Request(id: requestID, key: call.headers.idempotencyKey)
        return try inAccount(call.headers.account) { account throws(WorldRefusal) in
            account.cause = cause
            defer { account.cause = nil }
            let object = try route.perform(&account, routed)
            let shown = try account.expanded(object, routed.form.texts("expand"), path: call.path)
            return (
                StripeWorld.reply(status: 200, version.shaped(shown), call, requestID, version),
                account.events.takeFresh()
            )
        }
    }

    private mutating func inAccount<Result>(
        _ id: String?, _ body: (inout StripeAccount) throws(WorldRefusal) -> Result
    ) throws(WorldRefusal) -> Result {
        guard let id, id != own.id else { return try body(&own) }
        guard id.hasPrefix("acct_"), connected[id] != nil || connected.count < Limits.sandboxAccountsMax else {
            throw WorldRefusal(
                status: 403, code: "account_invalid",
                "The provided key does not have access to account '\(id)' (or that account does not exist).")
        }
        var account = connected[id] ?? newAccount(id)
        connected[id] = nil
        defer { connected[id] = account }
        return try body(&account)
    }

    private func newAccount(_ id: String) -> StripeAccount {
        var number = seed
        for byte in id.utf8 { number = (number ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
        return StripeAccount(settings: own.settings, id: id, isConnected: true, seed: number, now: own.now)
    }

    // MARK: Pages

    /// Does what somebody does on a Checkout page.
    package mutating func act(
        _ intent: CheckoutIntent, onCheckout session: String, at time: Timestamp
    ) throws(PageFault) -> (outcome: PageOutcome, events: [WorldEvent]) {
        try act(at: time, inAccountWhere: { $0.checkouts[session] != nil }) { account throws(PageFault) in
            try account.act(intent, onCheckout: session)
        }
    }

    /// Does what somebody does in the Customer Portal.
    package mutating func act(
        _ intent: PortalIntent, onPortal session: String, at time: Timestamp
    ) throws(PageFault) -> (outcome: PageOutcome, events: [WorldEvent]) {
        try act(at: time, inAccountWhere: { $0.portals[session] != nil }) { account throws(PageFault) in
            try account.act(intent, onPortal: session)
        }
    }

    /// Pays an open invoice on its page, with a new card.
    package mutating func pay(
        invoicePage key: String, at time: Timestamp
    ) throws(PageFault) -> (outcome: PageOutcome, events: [WorldEvent]) {
        try act(at: time, inAccountWhere: { $0.invoiceOfPage[key] != nil }) { account throws(PageFault) in
            try account.pay(invoicePage: key)
        }
    }

    /// Acts in the account that has a page; connected accounts have pages as well.
    private mutating func act(
        at time: Timestamp, inAccountWhere hasPage: (StripeAccount) -> Bool,
        _ act: (inout StripeAccount) throws(PageFault) -> PageOutcome
    ) throws(PageFault) -> (outcome: PageOutcome, events: [WorldEvent]) {
        let past = advance(to: time)
        guard let id = connected.first(where: { hasPage($0.value) })?.key, var account = connected[id] else {
            let outcome = try act(&own)
            return (outcome, past + own.events.takeFresh())
        }
        connected[id] = nil
        defer { connected[id] = account }
        let outcome = try act(&account)
        return (outcome, past + account.events.takeFresh())
    }

    /// What a Checkout page shows; nil for an unknown session.
    package func checkoutPage(_ session: String) -> CheckoutPage? { page { $0.checkoutPage(session) } }

    /// What a portal page shows; nil for an unknown session.
    package func portalPage(_ session: String) -> PortalPage? { page { $0.portalPage(session) } }

    /// What an invoice's page shows; nil for an unknown key.
    package func invoicePage(_ key: String) -> InvoicePage? { page { $0.invoicePage(key) } }

    private func page<Page>(_ find: (StripeAccount) -> Page?) -> Page? {
        if let page = find(own) { return page }
        for account in connected.values { if let page = find(account) { return page } }
        return nil
    }

    /// What an account buys or has bought, newest first.
    package func payments(of accountID: String, count: Int) -> [WorldPayment] {
        own.payments(of: accountID, count: count)
    }

    // MARK: Events

    /// An event by its id.
    package func event(_ id: String) -> WorldEvent? {
        own.events[id] ?? connected.values.lazy.compactMap { $0.events[id] }.first
    }

    /// Notes the events that not every endpoint has acknowledged, for lists that ask for them.
    package mutating func note(unacknowledged ids: Set<String>) {
        own.unacknowledged = ids
        for id in connected.keys { connected[id]?.unacknowledged = ids }
    }

    /// Where an event's webhooks go, of the endpoints that were made by calls.
    package func endpoints(for event: WorldEvent) -> [WorldEndpoint] {
        own.endpoints.all.filter { $0.wants(event) }
    }

    /// An event of any type, as `stripe trigger` makes it, but with Bus metadata.
    package mutating func trigger(_ sample: SampleEvent, at time: Timestamp) -> [WorldEvent] {
        let past = advance(to: time)
        own.emit(sample)
        return past + own.events.takeFresh()
    }

    private mutating func applyDials() {
        own.isPortalUnconfigured = dials.isPortalUnconfigured
        own.searchLag = dials.searchLagSeconds
    }
}
