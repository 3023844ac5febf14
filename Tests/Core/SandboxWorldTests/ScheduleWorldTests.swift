import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// What a subscription schedule does to its subscription, phase by phase.
@Suite(.timeLimit(.minutes(5))) struct ScheduleWorldTests {
    /// 2026-08-01 plus a month.
    static let periodEnd: Int64 = 1_788_278_400
    static let path = "/v1/subscription_schedules"

    /// A paid subscription of 20.00 a month under a schedule, and a price of 90.00.
    struct Begun {
        let id: String
        let customer: String
        let schedule: String
        let base: String
        let big: String

        var path: String { "\(ScheduleWorldTests.path)/\(schedule)" }

        /// The phase that runs, then one that begins with the next period.
        func phases(_ more: String = "") -> String {
            "phases[0][start_date]=\(WorldHand.start.seconds)&phases[0][end_date]=\(ScheduleWorldTests.periodEnd)"
                + "&phases[0][items][0][price]=\(base)&phases[1][items][0][price]=\(big)\(more)"
        }
    }

    static func begin(_ hand: inout WorldHand) throws -> Begun {
        let base = try hand.sellPlan().base
        let big =
            try hand.call(
                .post, "/v1/prices",
                "product=pro&currency=eur&unit_amount=9000&recurring[interval]=month&lookup_key=big")["id"]?.text ?? ""
        let (id, customer) = try hand.subscribe(base)
        _ = hand.takeTypes()
        let schedule = try hand.call(.post, path, "from_subscription=\(id)")["id"]?.text ?? ""
        return Begun(id: id, customer: customer, schedule: schedule, base: base, big: big)
    }

    @Test("a schedule of a subscription has one phase, the period that it is in")
    func adopts() throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        #expect(hand.events.map(\.type) == ["subscription_schedule.created", "customer.subscription.updated"])
        let updated = try hand.event("customer.subscription.updated")["data"]
        #expect(updated?["object"]?["schedule"]?.text == begun.schedule)
        #expect(updated?["previous_attributes"] == ["schedule": .null])
        let schedule = try hand.call(.get, begun.path, "expand[]=subscription&expand[]=phases.items.price")
        #expect(schedule["status"] == "active" && schedule["end_behavior"] == "release")
        #expect(schedule["subscription"]?["id"]?.text == begun.id)
        let phases = try #require(schedule["phases"]?.elements)
        #expect(phases.count == 1 && phases[0]["items"]?.elements?.first?["price"]?["lookup_key"] == "base")
        #expect(phases[0]["start_date"]?.integer == WorldHand.start.seconds)
        #expect(phases[0]["end_date"]?.integer == Self.periodEnd)
        let shown = try hand.call(.get, "/v1/subscriptions/\(begun.id)", "expand[]=schedule")
        #expect(shown["schedule"]?["object"] == "subscription_schedule")
        // With its period it is done, and the subscription goes on.
        _ = hand.takeTypes()
        hand.advance(days: 32)
        #expect(
            hand.events.map(\.type).prefix(2) == ["subscription_schedule.expiring", "customer.subscription.updated"])
        let completed = try hand.event("subscription_schedule.completed")["data"]?["object"]
        #expect(completed?["completed_at"]?.integer == Self.periodEnd && completed?["subscription"] == nil)
        #expect(completed?["released_subscription"]?.text == begun.id && completed?["current_phase"] == nil)
        let after = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(after["status"] == "active" && after["schedule"] == nil)
    }

    @Test("a phase replaces the items, merges its metadata, and is charged with the renewal; one event tells it")
    func entersAPhase() throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        try hand.call(.post, "/v1/subscriptions/\(begun.id)", "metadata[note]=a&metadata[old]=b")
        let changed = try hand.call(
            .post, begun.path,
            begun.phases(
                "&phases[1][metadata][bus_account_id]=&phases[1][metadata][old]=c&phases[1][metadata][new]=d"
                    + "&metadata[by]=test"))
        #expect(changed["phases"]?.elements?.count == 2 && changed["metadata"] == ["by": "test"])
        #expect(changed["phases"]?.elements?[1]["metadata"]?["bus_account_id"] == "", "shown as it was given")
        #expect(try hand.event("subscription_schedule.updated")["data"]?["previous_attributes"]?["phases"] != nil)
        let before = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(before["items"]?["data"]?.elements?.first?["price"]?["id"]?.text == begun.base, "not entered yet")
        _ = hand.takeTypes()
        hand.advance(days: 31)
        hand.advance(seconds: 7_200)
        #expect(
            hand.events.map(\.type) == [
                "customer.subscription.updated", "invoice.created", "subscription_schedule.updated",
                "invoice.finalized", "invoice.paid", "invoice.payment_succeeded",
            ])
        let updated = try hand.event("customer.subscription.updated")["data"]
        let items = updated?["object"]?["items"]?["data"]?.elements
        #expect(items?.compactMap { $0["price"]?["id"]?.text } == [begun.big])
        #expect(items?.first?["current_period_start"]?.integer == Self.periodEnd)
        #expect(updated?["object"]?["metadata"] == ["new": "d", "note": "a", "old": "c"], "keys without a word stay")
        let previous = updated?["previous_attributes"]
        #expect(previous?["items"]?["data"]?.elements?.first?["price"]?["id"]?.text == begun.base)
        #expect(
            previous?["metadata"]
                == ["bus_account_id": .string(WorldHand.account), "old": "b", "new": .null])
        #expect(try hand.event("invoice.paid")["data"]?["object"]?["total"]?.integer == 9_000, "no prorations")
        let schedule = try hand.event("subscription_schedule.updated")["data"]
        #expect(schedule?["object"]?["current_phase"]?["start_date"]?.integer == Self.periodEnd)
        #expect(
            schedule?["previous_attributes"]?["current_phase"]?["start_date"]?.integer == WorldHand.start.seconds)
    }

    @Test("a phase that begins within a period is prorated as it says", arguments: ["create_prorations", "none"])
    func entersWithinAPeriod(_ behavior: String) throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        let start = WorldHand.start.seconds
        try hand.call(
            .post, begun.path,
            "phases[0][start_date]=\(start)&phases[0][duration][interval]=day&phases[0][duration][interval_count]=10"
                + "&phases[0][items][0][price]=\(begun.base)&phases[1][items][0][price]=\(begun.big)"
                + "&phases[1][items][0][quantity]=2&phases[1][proration_behavior]=\(behavior)"
                + "&phases[1][metadata][a]=b")
        _ = hand.takeTypes()
        hand.advance(days: 11)
        let waiting = try hand.call(.get, "/v1/invoiceitems", "pending=true")["data"]?.elements
        // 21 of 31 days of 20.00, and of twice 90.00.
        #expect(waiting?.map { $0["amount"]?.integer } == (behavior == "none" ? [] : [12_194, -1_355]))
        #expect(hand.events.count { $0.type == "customer.subscription.updated" } == 1)
        let updated = try hand.event("customer.subscription.updated")["data"]
        #expect(updated?["object"]?["items"]?["data"]?.elements?.first?["quantity"]?.integer == 2)
        #expect(updated?["previous_attributes"]?["metadata"] == ["a": .null])
    }

    @Test("a phase with another interval starts a period of that length")
    func changesTheInterval() throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        let yearly =
            try hand.call(
                .post, "/v1/prices", "product=pro&currency=eur&unit_amount=20000&recurring[interval]=year")["id"]?.text
            ?? ""
        try hand.call(
            .post, begun.path, begun.phases().replacing(begun.big, with: yearly) + "&end_behavior=cancel")
        hand.advance(days: 32)
        let object = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        let item = object["items"]?["data"]?.elements?.first
        #expect(item?["current_period_start"]?.integer == Self.periodEnd)
        #expect(item?["current_period_end"]?.integer == Self.periodEnd + 365 * 86_400)
        #expect(try hand.event("invoice.paid")["data"]?["object"]?["total"]?.integer == 20_000)
    }

    @Test("a phase can be a trial, and is charged when it is over")
    func trials() throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        try hand.call(
            .post, begun.path,
            begun.phases("&phases[1][trial]=true&phases[2][items][0][price]=\(begun.big)"))
        hand.advance(days: 32)
        #expect(try hand.status(begun.id) == "trialing")
        let trial = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(trial["trial_start"]?.integer == Self.periodEnd)
        #expect(trial["trial_end"]?.integer == Self.periodEnd + 30 * 86_400)
        _ = hand.takeTypes()
        hand.advance(days: 30)
        #expect(try hand.status(begun.id) == "active")
        #expect(try hand.event("invoice.paid")["data"]?["object"]?["total"]?.integer == 9_000)
        #expect(hand.events.contains { $0.type == "customer.subscription.trial_will_end" })
    }

    @Test("the phase that runs can be changed at once, and ended at once")
    func changesTheCurrentPhase() throws {
        var hand = WorldHand()
        let begun = try Self.begin(&hand)
        hand.advance(days: 10)
        let start = WorldHand.start.seconds
        try hand.call(
            .post, begun.path,
            "phases[0][start_date]=\(start)&phases[0][end_date]=\(Self.periodEnd)&phases[0][metadata][a]=b"
                + "&phases[0][items][0][price]=\(begun.big)&proration_behavior=always_invoice")
        let object = try hand.call(.get, "/v1/subscriptions/\(begun.id)", "expand[]=latest_invoice")
        #expect(object["metadata"]?["a"] == "b" && object["metadata"]?["bus_account_id"] != nil)
        #expect(object["latest_invoice"]?["total"]?.integer == 4_742, "60.97 less 13.55")
        try hand.call(
            .post, begun.path,
            "phases[0][start_date]=\(start)&phases[0][end_date]=now&phases[0][items][0][price]=\(begun.big)"
                + "&phases[1][items][0][price]=\(begun.base)&proration_behavior=none")
        let schedule = try hand.call(.get, begun.path)
        #expect(schedule["current_phase"]?["start_date"]?.integer == hand.now.seconds)
        let after = try hand.call(.get, "/v1/subscriptions/\(begun.id)")
        #expect(after["items"]?["data"]?.elements?.first?["price"]?["id"]?.text == begun.base)
        // The phase that has passed stays, and may be left out.
        let next = "phases[0][start_date]=\(hand.now.seconds)&phases[0][items][0][price]=\(begun.big)"
        #expect(try hand.call(.post, begun.path, next)["phases"]?.elements?.count == 2)
    }
}
