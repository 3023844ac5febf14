import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// How schedules end, and what is refused.
@Suite(.timeLimit(.minutes(5))) struct ScheduleEndTests {
    @Test("a schedule that cancels shows the end on the subscription, and keeps it")
    func cancelsAtItsEnd() throws {
        var hand = WorldHand()
        let begun = try ScheduleWorldTests.begin(&hand)
        try hand.call(.post, begun.path, "end_behavior=cancel")
        let updated = try hand.event("customer.subscription.updated")["data"]
        #expect(updated?["object"]?["cancel_at"]?.integer == ScheduleWorldTests.periodEnd)
        #expect(updated?["object"]?["cancel_at_period_end"] == false)
        _ = hand.takeTypes()
        hand.advance(days: 32)
        #expect(try hand.status(begun.id) == "canceled")
        #expect(
            hand.takeTypes() == [
                "subscription_schedule.expiring", "customer.subscription.deleted", "subscription_schedule.completed",
            ])
        #expect(try hand.call(.get, begun.path)["subscription"]?.text == begun.id)
    }

    @Test("a release leaves the subscription as it is", arguments: [true, false])
    func releases(_ keepsEnd: Bool) throws {
        var hand = WorldHand()
        let begun = try ScheduleWorldTests.begin(&hand)
        try hand.call(.post, begun.path, begun.phases("&end_behavior=cancel"))
        _ = hand.takeTypes()
        let released = try hand.call(.post, "\(begun.path)/release", "preserve_cancel_date=\(keepsEnd)")
        #expect(released["status"] == "released" && released["released_at"]?.integer == hand.now.seconds)
        #expect(released["subscription"] == nil && released["released_subscription"]?.text == begun.id)
        #expect(hand.takeTypes() == ["customer.subscription.updated", "subscription_schedule.released"])
        let object = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(object["schedule"] == nil && (object["cancel_at"] != nil) == keepsEnd)
        hand.advance(days: 32)
        let after = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(after["items"]?["data"]?.elements?.first?["price"]?["id"]?.text == begun.base, "no phase begins")
        // It is over, and the subscription can have another.
        for end in ["", "/release", "/cancel"] {
            let refused = try hand.refusal(.post, begun.path + end)
            #expect(refused["message"]?.text?.contains("`released`") == true)
        }
        try hand.call(.post, ScheduleWorldTests.path, "from_subscription=\(begun.id)")
    }

    @Test("a cancellation ends the subscription too, and credits what is left of the period")
    func cancels() throws {
        var hand = WorldHand()
        let begun = try ScheduleWorldTests.begin(&hand)
        hand.advance(days: 10)
        _ = hand.takeTypes()
        let canceled = try hand.call(.post, "\(begun.path)/cancel")
        #expect(canceled["status"] == "canceled" && canceled["canceled_at"]?.integer == hand.now.seconds)
        #expect(try hand.status(begun.id) == "canceled")
        #expect(try hand.event("customer.subscription.deleted")["data"]?["object"]?["schedule"] == nil)
        #expect(hand.events.contains { $0.type == "subscription_schedule.canceled" })
        #expect(try hand.call(.get, "/v1/customers/\(begun.customer)")["balance"]?.integer == -1_355)
    }

    @Test("the end of the subscription ends its schedule; dunning aborts it")
    func endsWithTheSubscription() throws {
        var hand = WorldHand()
        var begun = try ScheduleWorldTests.begin(&hand)
        try hand.call(.delete, "/v1/subscriptions/\(begun.id)")
        #expect(hand.events.last?.type == "subscription_schedule.canceled")
        #expect(try hand.call(.get, begun.path)["status"] == "canceled")

        hand = WorldHand()
        begun = try ScheduleWorldTests.begin(&hand)
        try hand.call(
            .post, begun.path, begun.phases("&phases[1][duration][interval]=year"))
        let portal = try hand.openPortal(begun.customer)
        try hand.act(.failNextPayment(subscription: begun.id, attempts: 4), on: portal)
        hand.advance(days: 60)
        #expect(try hand.status(begun.id) == "canceled")
        #expect(try hand.event("subscription_schedule.aborted")["data"]?["object"]?["status"] == "canceled")
    }

    @Test("a schedule for a customer starts the subscription at its time", arguments: [0, 5])
    func startsLater(_ days: Int64) throws {
        var hand = WorldHand()
        let base = try hand.sellPlan().base
        let customer =
            try hand.call(.post, "/v1/customers", "invoice_settings[default_payment_method]=pm_card_visa")["id"]?.text
            ?? ""
        let start = WorldHand.start.seconds + days * 86_400
        let schedule = try hand.call(
            .post, ScheduleWorldTests.path,
            "customer=\(customer)&start_date=\(days == 0 ? "now" : String(start))&phases[0][items][0][price]=\(base)"
                + "&phases[0][metadata][bus_account_id]=\(WorldHand.account)&phases[0][duration][interval]=month"
                + "&phases[0][duration][interval_count]=3")
        let path = "\(ScheduleWorldTests.path)/\(schedule["id"]?.text ?? "")"
        let coming = try hand.call(.get, ScheduleWorldTests.path, "scheduled=true&customer=\(customer)")
        #expect(coming["data"]?.elements?.count == (days == 0 ? 0 : 1))
        #expect(schedule["status"] == (days == 0 ? "active" : "not_started"))
        hand.advance(days: 6)
        let begun = try hand.call(.get, path, "expand[]=subscription")
        #expect(begun["status"] == "active" && begun["current_phase"]?["start_date"]?.integer == start)
        let subscription = begun["subscription"]
        #expect(subscription?["status"] == "active" && subscription?["start_date"]?.integer == start)
        #expect(subscription?["schedule"] == begun["id"])
        #expect(subscription?["metadata"] == ["bus_account_id": .string(WorldHand.account)])
        let created = try hand.event("customer.subscription.created")["data"]?["object"]
        #expect(created?["schedule"] == begun["id"])
        hand.advance(days: 100)
        #expect(try hand.call(.get, path)["status"] == "completed")
    }

    @Test("a customer that is gone starts nothing")
    func customerIsGone() throws {
        var hand = WorldHand()
        let base = try hand.sellPlan().base
        let customer = try hand.call(.post, "/v1/customers")["id"]?.text ?? ""
        let schedule =
            try hand.call(
                .post, ScheduleWorldTests.path,
                "customer=\(customer)&start_date=\(WorldHand.start.seconds + 86_400)&phases[0][items][0][price]=\(base)"
            )["id"]?.text ?? ""
        try hand.call(.delete, "/v1/customers/\(customer)")
        hand.advance(days: 2)
        #expect(try hand.call(.get, "\(ScheduleWorldTests.path)/\(schedule)")["status"] == "canceled")
        #expect(!hand.events.contains { $0.type == "customer.subscription.created" })
    }

    @Test("what cannot be is refused, and names its parameter")
    func refusals() throws {
        var hand = WorldHand()
        let begun = try ScheduleWorldTests.begin(&hand)
        let (free, _) = try hand.subscribe(begun.base)
        let start = WorldHand.start.seconds
        let item = "phases[0][items][0][price]=\(begun.base)"
        let first = "\(item)&phases[0][start_date]=\(start)"
        let making: [(form: String, param: String?)] = [
            ("from_subscription=sub_none", "from_subscription"),
            ("from_subscription=\(begun.id)", "from_subscription"),
            ("from_subscription=\(free)&end_behavior=cancel", "end_behavior"),
            ("from_subscription=\(free)&metadata[a]=b", "metadata"),
            ("from_subscription=\(free)&\(item)", "phases"),
            ("customer=cus_none&start_date=now&\(item)", "customer"),
            ("customer=\(begun.customer)&\(item)", "start_date"),
            ("customer=\(begun.customer)&start_date=\(start - 1)&\(item)", "start_date"),
            ("customer=\(begun.customer)&start_date=now", "phases"),
            ("customer=\(begun.customer)&start_date=now&\(item)&phases[0][iterations]=1", "phases[0][iterations]"),
        ]
        for (form, param) in making {
            let refused = try hand.refusal(.post, ScheduleWorldTests.path, form)
            #expect(refused["param"]?.text == param, "\(form)")
        }
        let changing: [(form: String, param: String?)] = [
            (item, "phases[0][start_date]"), ("\(item)&phases[0][start_date]=now", nil),
            ("\(item)&phases[0][start_date]=\(start + 60)", "phases[0][start_date]"),
            ("\(first)&phases[0][end_date]=\(start)", "phases[0][end_date]"),
            ("\(first)&phases[0][end_date]=\(start + 60)&phases[0][duration][interval]=day", "phases[0][duration]"),
            ("\(first)&phases[0][metadata]=", "phases[0][metadata]"),
            ("\(first)&phases[0][trial]=true&phases[0][trial_end]=\(start + 60)", "phases[0][trial_end]"),
            ("\(first)&phases[0][items][0][price]=price_none", "phases[0][items][0][price]"),
            ("\(first)&phases[1][items][0][price]=\(begun.big)&phases[1][start_date]=1", "phases[1][start_date]"),
            ("end_behavior=renew", "end_behavior"), ("from_subscription=\(free)", "from_subscription"),
        ]
        let before = try hand.call(.get, begun.path)
        hand.advance(seconds: 1)
        for (form, param) in changing {
            let refused = try hand.refusal(.post, begun.path, form)
            #expect(refused["param"]?.text == param ?? "phases[0][start_date]", "\(form)")
        }
        let past = "\(first)&phases[0][end_date]=\(start + 1)"
        hand.advance(seconds: 60)
        #expect(try hand.refusal(.post, begun.path, past)["param"] == "phases[0][end_date]")
        #expect(try hand.call(.get, begun.path) == before, "a refusal changes nothing")
        // Nobody else's.
        #expect(try hand.reply(.get, begun.path, account: "acct_other").status == 404)
        let foreign = try hand.reply(
            .post, ScheduleWorldTests.path, "from_subscription=\(free)", account: "acct_other")
        #expect(foreign.status == 400 && foreign.body["error"]?["code"] == "resource_missing")
        #expect(try hand.refusal(.get, "\(ScheduleWorldTests.path)/none", status: 404)["code"] == "resource_missing")
        try hand.call(.delete, "/v1/subscriptions/\(free)")
        let ended = try hand.refusal(.post, ScheduleWorldTests.path, "from_subscription=\(free)")
        #expect(ended["param"] == "from_subscription")
    }

    @Test("a subscription under a schedule takes other items until the next phase, and no end of its own")
    func directChanges() throws {
        var hand = WorldHand()
        let begun = try ScheduleWorldTests.begin(&hand)
        try hand.call(.post, begun.path, begun.phases())
        for form in ["cancel_at_period_end=true", "cancel_at_period_end=false", "cancel_at=", "cancel_at=1799999999"] {
            let refused = try hand.refusal(.post, "/v1/subscriptions/\(begun.id)", form)
            #expect(refused["message"]?.text?.contains("managed by the subscription schedule") == true)
        }
        let portal = try hand.openPortal(begun.customer)
        #expect(throws: PageFault.self) { try hand.act(.cancelAtPeriodEnd(subscription: begun.id), on: portal) }
        let item = try hand.call(.get, "/v1/subscriptions/\(begun.id)")["items"]?["data"]?.elements?.first?["id"]?.text
        let changed = try hand.call(
            .post, "/v1/subscriptions/\(begun.id)", "items[0][id]=\(item ?? "")&items[0][quantity]=5")
        #expect(changed["items"]?["data"]?.elements?.first?["quantity"]?.integer == 5)
        hand.advance(days: 32)
        let after = try hand.call(.get, "/v1/subscriptions/\(begun.id)")["items"]?["data"]?.elements
        #expect(after?.map { $0["price"]?["id"]?.text } == [begun.big] && after?.first?["quantity"]?.integer == 1)
        try hand.act(.cancelNow(subscription: begun.id), on: portal)
        #expect(hand.events.last?.type == "subscription_schedule.canceled")
    }

    @Test("what was to end already keeps its end under a schedule")
    func keepsAnEnd() throws {
        var hand = WorldHand()
        let (id, _) = try hand.subscribe(try hand.sellPlan().base)
        try hand.call(.post, "/v1/subscriptions/\(id)", "cancel_at_period_end=true")
        let schedule = try hand.call(.post, ScheduleWorldTests.path, "from_subscription=\(id)")
        #expect(schedule["end_behavior"] == "cancel")
        #expect(try hand.call(.get, "/v1/subscriptions/\(id)")["cancel_at"]?.integer == ScheduleWorldTests.periodEnd)
        hand.advance(days: 32)
        #expect(try hand.status(id) == "canceled")
    }
}
