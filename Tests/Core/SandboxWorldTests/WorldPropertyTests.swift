import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// Random histories: nothing crashes, what must hold holds, and one seed gives one history.
@Suite(.timeLimit(.minutes(5))) struct WorldPropertyTests {
    private static func seeds(_ count: Int) -> [UInt64] { (0..<UInt64(count)).map { PropertySettings.seed &+ $0 } }

    @Test(arguments: WorldPropertyTests.seeds(PropertySettings.rounds(20, proof: 2_000)))
    func randomHistoriesKeepTheRules(_ seed: UInt64) throws {
        var history = RandomHistory(seed: seed)
        for _ in 0..<400 { history.step() }
        try history.check()
    }

    @Test(arguments: WorldPropertyTests.seeds(3)) func oneSeedHasOneHistory(_ seed: UInt64) throws {
        func bytes() -> [UInt8] {
            var history = RandomHistory(seed: seed)
            for _ in 0..<300 { history.step() }
            return history.replies.flatMap(\.self)
                + history.events.flatMap {
                    $0.body(version: .current) + $0.body(version: APIVersion("2023-10-16") ?? .current)
                }
        }
        let first = bytes()
        #expect(first.count > 100_000)
        #expect(first == bytes(), "seed \(seed)")
    }

    @Test func readsShiftNoIDs() throws {
        var plain = WorldHand(seed: 4)
        var curious = WorldHand(seed: 4)
        for number in 0..<5 {
            for _ in 0..<number { _ = try curious.call(.get, "/v1/customers") }
            let id = try plain.call(.post, "/v1/customers")["id"]
            #expect(try curious.call(.post, "/v1/customers")["id"] == id)
        }
        #expect(plain.events.map(\.id) == curious.events.map(\.id))
        var other = WorldHand(seed: 5)
        #expect(
            try other.call(.post, "/v1/customers")["id"]
                != plain.call(.get, "/v1/customers")["data"]?.elements?.last?["id"])
    }

    @Test func aMonthOfAThousandSubscriptionsTakesSeconds() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        for _ in 0..<1_000 { _ = try hand.subscribe(plan.base) }
        _ = hand.takeTypes()
        let start = ContinuousClock.now
        hand.advance(days: 32)
        let took = ContinuousClock.now - start
        #expect(hand.events.count { $0.type == "invoice.paid" } == 1_000)
        #expect(took < .seconds(30), "\(took)")
        print("  a month of 1000 subscriptions \(took), \(hand.events.count) events")
    }
}

/// Calls, clicks and days that a seed chooses.
private struct RandomHistory {
    private var world: StripeWorld
    private var numbers: SeededNumbers
    private var now = WorldHand.start
    private var ids: [String: [String]] = [:]
    private(set) var events: [WorldEvent] = []
    private(set) var replies: [[UInt8]] = []

    init(seed: UInt64) {
        world = StripeWorld(WorldSettings(seed: seed), at: WorldHand.start)
        numbers = SeededNumbers(seed: seed)
    }

    private mutating func below(_ count: Int) -> Int { Int(numbers.next() % UInt64(count)) }

    private mutating func pick(_ kind: String) -> String {
        let known = ids[kind] ?? []
        return known.isEmpty || below(20) == 0 ? "\(kind)_none" : known[below(known.count)]
    }

    mutating func step() {
        switch below(22) {
        case 0: call(.post, "/v1/products", "name=p")
        case 1, 2:
            let metered = below(2) == 0 && ids["billing.meter"] != nil
            let terms = metered ? "&recurring[usage_type]=metered&recurring[meter]=\(pick("billing.meter"))" : ""
            call(
                .post, "/v1/prices",
                "product=\(pick("product"))&currency=eur&unit_amount=\(below(3_000))&recurring[interval]=month\(terms)"
                    + "&lookup_key=k\(below(4))&transfer_lookup_key=\(below(2) == 0)")
        case 3: call(.post, "/v1/prices/\(pick("price"))", "active=\(below(2) == 0)&lookup_key=k\(below(4))")
        case 4:
            call(.post, "/v1/billing/meters", "display_name=m&event_name=m\(below(3))&default_aggregation[formula]=sum")
        case 5: call(.post, "/v1/customers", "metadata[a]=\(below(3))")
        case 6 where below(6) == 0: call(.delete, "/v1/customers/\(pick("customer"))")
        case 7, 8, 9: checkout()
        case 10, 11, 12: click()
        case 13: clickInPortal()
        case 14:
            call(.post, "/v1/billing_portal/sessions", "customer=\(pick("customer"))&return_url=https://a.example/")
        case 15:
            call(
                .post, "/v1/billing/meter_events",
                "event_name=m\(below(3))&payload[stripe_customer_id]=\(pick("customer"))&payload[value]=\(below(99))"
                    + "&identifier=i\(below(50))")
        case 16: changeSubscription()
        case 18, 19: changeSchedule()
        case 17: call(.get, ["/v1/events", "/v1/prices", "/v1/subscriptions", "/v1/invoices"][below(4)], "limit=5")
        default:
            now = now.advanced(bySeconds: Int64(below(5 * 86_400)))
            events += world.advance(to: now)
        }
    }

    private mutating func checkout() {
        let line = below(3) == 0 ? "" : "&line_items[0][quantity]=\(1 + below(3))"
        let trial = below(4) == 0 ? "&subscription_data[trial_period_days]=\(1 + below(10))" : ""
        let customer = below(2) == 0 ? "&customer=\(pick("customer"))" : ""
        call(
            .post, "/v1/checkout/sessions",
            "mode=subscription&success_url=https://a.example/&line_items[0][price]=\(pick("price"))\(line)\(trial)\(customer)"
        )
    }

    private mutating func click() {
        let intents: [CheckoutIntent] = [
            .pay(email: nil), .pay(email: "a@example.com"), .payByDebit(email: nil, settles: below(2) == 0), .decline,
            .cancel,
        ]
        let intent = intents[below(intents.count)]
        if let (_, caused) = try? world.act(intent, onCheckout: pick("checkout.session"), at: now) { note(caused) }
    }

    private mutating func clickInPortal() {
        let id = pick("subscription")
        let intents: [PortalIntent] = [
            .cancelNow(subscription: id), .cancelAtPeriodEnd(subscription: id), .resume(subscription: id),
            .changePlan(subscription: id, price: pick("price")),
            .failNextPayment(subscription: id, attempts: below(5)),
        ]
        let intent = intents[below(intents.count)]
        if let (_, caused) = try? world.act(intent, onPortal: pick("billing_portal.session"), at: now) { note(caused) }
    }

    private mutating func changeSubscription() {
        let forms = [
            "metadata=", "metadata[b]=1", "cancel_at_period_end=\(below(2) == 0)",
            "pause_collection[behavior]=void", "pause_collection=", "trial_end=now",
            "items[0][price]=\(pick("price"))",
            "items[0][price]=\(pick("price"))&proration_behavior=always_invoice",
        ]
        call(.post, "/v1/subscriptions/\(pick("subscription"))", forms[below(forms.count)])
    }

    private mutating func changeSchedule() {
        let path = "/v1/subscription_schedules"
        let known = "\(path)/\(pick("subscription_schedule"))"
        let item = "[items][0][price]=\(pick("price"))"
        let ahead = now.seconds + Int64(below(20 * 86_400))
        switch below(7) {
        case 0, 1: call(.post, path, "from_subscription=\(pick("subscription"))")
        case 2:
            call(
                .post, path,
                "customer=\(pick("customer"))&start_date=\(ahead)&phases[0]\(item)&phases[0][duration][interval]=week")
        case 3: call(.post, "\(known)/\(["release", "cancel"][below(2)])")
        case 4: call(.post, known, "end_behavior=\(["release", "cancel"][below(2)])")
        default:
            let (reply, _) = world.handle(WorldCall(.get, known), at: now)
            let phase = (try? JSONValue(parsing: reply.body))?["current_phase"]
            let start = phase?["start_date"]?.integer ?? ahead
            let end = max(start, now.seconds) + Int64(1 + below(20 * 86_400))
            call(
                .post, known,
                "phases[0][start_date]=\(start)&phases[0][end_date]=\(end)&phases[0]\(item)&phases[1]\(item)"
                    + "&phases[1][metadata][a]=\(["", "1"][below(2)])&phases[1][trial]=\(below(4) == 0)")
        }
    }

    private mutating func call(_ method: WorldCall.Method, _ path: String, _ form: String = "") {
        let (reply, caused) = world.handle(WorldCall(method, path, ParameterTree(encoded: form)), at: now)
        replies.append(reply.body)
        note(caused)
        guard reply.status == 200, let body = try? JSONValue(parsing: reply.body), let id = body["id"]?.text else {
            return
        }
        remember(body["object"]?.text, id)
    }

    private mutating func note(_ caused: [WorldEvent]) {
        events += caused
        for event in caused { remember(event.object["object"]?.text, event.object["id"]?.text) }
    }

    private mutating func remember(_ kind: String?, _ id: String?) {
        guard let kind, let id, ids[kind]?.contains(id) != true else { return }
        ids[kind, default: []].append(id)
    }

    /// What holds after any history.
    mutating func check() throws {
        #expect(Set(events.map(\.id)).count == events.count, "every event has an id of its own")
        #expect(events.map(\.created) == events.map(\.created).sorted(), "events come in the order of time")
        var statuses: [String: String] = [:]
        for event in events where event.type.hasPrefix("customer.subscription.") {
            guard let id = event.object["id"]?.text, let status = event.object["status"]?.text else { continue }
            if let ended = statuses[id], ["canceled", "incomplete_expired"].contains(ended) {
                #expect(status == ended, "\(id) lives after its end: \(event.type)")
            }
            // What an update says was before is what the event before said.
            if let before = event.previous?["status"]?.text { #expect(statuses[id] == before, "\(id)") }
            statuses[id] = status
        }
        for (id, status) in statuses {
            let (reply, _) = world.handle(WorldCall(.get, "/v1/subscriptions/\(id)"), at: now)
            let now = try JSONValue(parsing: reply.body)
            #expect(now["status"]?.text == status, "\(id): the last event is the state")
        }
        try checkSchedules(of: Array(statuses.keys))
        var keys: Set<String> = []
        for id in ids["price"] ?? [] {
            let (reply, _) = world.handle(WorldCall(.get, "/v1/prices/\(id)"), at: now)
            guard let key = try JSONValue(parsing: reply.body)["lookup_key"]?.text else { continue }
            #expect(keys.insert(key).inserted, "two prices have the key \(key)")
        }
        for body in replies { _ = try JSONValue(parsing: body) }
    }

    /// A schedule that runs and its subscription name each other, and no other names either.
    private mutating func checkSchedules(of subscriptions: [String]) throws {
        func read(_ path: String) throws -> JSONValue {
            try JSONValue(parsing: world.handle(WorldCall(.get, path), at: now).reply.body)
        }
        var running: [String: String] = [:]
        for id in ids["subscription_schedule"] ?? [] {
            let schedule = try read("/v1/subscription_schedules/\(id)")
            let phases = schedule["phases"]?.elements ?? []
            for (phase, next) in zip(phases, phases.dropFirst()) {
                #expect(phase["end_date"] == next["start_date"], "\(id) has a gap")
            }
            if schedule["status"] == "active" { running[schedule["subscription"]?.text ?? ""] = id }
        }
        for id in subscriptions {
            #expect(try read("/v1/subscriptions/\(id)")["schedule"]?.text == running[id], "\(id)")
        }
    }
}
