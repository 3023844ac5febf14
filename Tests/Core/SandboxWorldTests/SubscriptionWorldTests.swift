import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// What becomes of a subscription from the page it is bought on to its end.
@Suite struct SubscriptionWorldTests {
    @Test func payingStartsASubscription() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let session = try hand.openCheckout(plan.base, "&line_items[1][price]=\(plan.tokens)")
        _ = hand.takeTypes()
        let outcome = try hand.act(.pay(email: "a@example.com"), on: session)
        #expect(outcome == .leave(url: "https://a.example/ok?s=\(session)"))
        #expect(
            hand.events.map(\.type) == [
                "customer.created", "payment_method.attached", "customer.subscription.created", "invoice.created",
                "invoice.finalized", "invoice.paid", "invoice.payment_succeeded", "checkout.session.completed",
            ])
        let completed = try hand.event("checkout.session.completed")["data"]?["object"]
        #expect(completed?["payment_status"] == "paid" && completed?["amount_total"]?.integer == 2_000)
        #expect(completed?["url"] == nil && completed?["line_items"] == nil)
        let created = try hand.event("customer.subscription.created")["data"]?["object"]
        #expect(created?["status"] == "active")
        #expect(created?["metadata"]?["bus_account_id"]?.text == WorldHand.account)
        let items = try #require(created?["items"]?["data"]?.elements)
        #expect(items.map { $0["quantity"]?.integer } == [1, nil])
        #expect(items[0]["current_period_end"]?.integer == 1_788_278_400, "2026-08-01 plus a month")
        // Paying twice, or after the end, charges nobody.
        #expect(throws: PageFault.notOpen(status: "complete")) { try hand.act(.pay(email: nil), on: session) }
        #expect(throws: PageFault.unknownSession) { try hand.act(.pay(email: nil), on: "cs_test_none") }
    }

    @Test func decliningKeepsThePageOpen() throws {
        var hand = WorldHand()
        let session = try hand.openCheckout(try hand.sellPlan().base)
        _ = hand.takeTypes()
        guard case .stay = try hand.act(.decline, on: session) else { return #expect(Bool(false), "it left") }
        #expect(hand.takeTypes().isEmpty)
        try hand.act(.pay(email: nil), on: session)
        #expect(hand.takeTypes().last == "checkout.session.completed")
    }

    @Test func sessionsExpire() throws {
        var hand = WorldHand()
        let session = try hand.openCheckout(try hand.sellPlan().base)
        _ = hand.takeTypes()
        hand.advance(days: 2)
        #expect(hand.takeTypes() == ["checkout.session.expired"])
        #expect(throws: PageFault.notOpen(status: "expired")) { try hand.act(.pay(email: nil), on: session) }
    }

    @Test func renewalsChargeTheUsageOfTheMonthBefore() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let (id, customer) = try hand.subscribe(plan.base, "&line_items[1][price]=\(plan.tokens)")
        for (number, value) in [(1, 100), (2, 43)] {
            hand.advance(days: 1)
            try hand.call(
                .post, "/v1/billing/meter_events",
                "event_name=tokens&payload[stripe_customer_id]=\(customer)&payload[value]=\(value)&identifier=u\(number)"
            )
        }
        _ = hand.takeTypes()
        hand.advance(days: 29)
        #expect(
            hand.events.map(\.type) == [
                "customer.subscription.updated", "invoice.created",
            ] || hand.events.map(\.type).last == "invoice.payment_succeeded")
        hand.advance(days: 1)
        let paid = try hand.event("invoice.paid")["data"]?["object"]
        // 143 tokens of half a cent are 71.5 cents, which is charged as 72.
        #expect(paid?["total"]?.integer == 2_072 && paid?["billing_reason"] == "subscription_cycle")
        let updated = try hand.event("customer.subscription.updated")
        #expect(
            updated["data"]?["previous_attributes"]?["items"]?["data"]?.elements?[0]["current_period_end"]?.integer
                == 1_788_278_400)
        #expect(try hand.status(id) == "active")
    }

    @Test(arguments: [1, 4]) func dunningRecoversOrEnds(_ failures: Int) throws {
        var hand = WorldHand()
        let (id, customer) = try hand.subscribe(try hand.sellPlan().base)
        let portal = try hand.openPortal(customer)
        try hand.act(.failNextPayment(subscription: id, attempts: failures), on: portal)
        hand.advance(days: 32)
        #expect(try hand.status(id) == "past_due")
        let failed = try hand.event("invoice.payment_failed")["data"]?["object"]
        #expect(failed?["attempt_count"]?.integer == 1 && failed?["next_payment_attempt"]?.integer != nil)
        _ = hand.takeTypes()
        hand.advance(days: 16)
        #expect(try hand.status(id) == (failures == 1 ? "active" : "canceled"))
        #expect(hand.events.contains { $0.type == "customer.subscription.deleted" } == (failures == 4))
        if failures == 4 {
            let deleted = try hand.event("customer.subscription.deleted")["data"]?["object"]
            #expect(deleted?["cancellation_details"]?["reason"] == "payment_failed")
        }
    }

    @Test func dunningMayLeaveItUnpaid() throws {
        var hand = WorldHand { $0.dunningEnd = .unpaid }
        let (id, customer) = try hand.subscribe(try hand.sellPlan().base)
        let portal = try hand.openPortal(customer)
        try hand.act(.failNextPayment(subscription: id, attempts: 4), on: portal)
        hand.advance(days: 50)
        #expect(try hand.status(id) == "unpaid")
        // Paying what is open makes it active again.
        let invoice = try hand.call(.get, "/v1/subscriptions/\(id)")["latest_invoice"]?.text ?? ""
        try hand.call(.post, "/v1/invoices/\(invoice)/pay")
        #expect(try hand.status(id) == "active")
    }

    @Test func trialsWarnAndEnd() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let session = try hand.openCheckout(plan.base, "&subscription_data[trial_period_days]=14")
        try hand.act(.pay(email: nil), on: session)
        let completed = try hand.event("checkout.session.completed")["data"]?["object"]
        #expect(completed?["payment_status"] == "no_payment_required")
        let id = completed?["subscription"]?.text ?? ""
        #expect(try hand.status(id) == "trialing")
        _ = hand.takeTypes()
        hand.advance(days: 12)
        #expect(hand.takeTypes() == ["customer.subscription.trial_will_end"])
        hand.advance(days: 3)
        #expect(
            hand.takeTypes() == [
                "customer.subscription.updated", "invoice.created", "invoice.finalized", "invoice.paid",
                "invoice.payment_succeeded",
            ])
        #expect(try hand.status(id) == "active")
    }

    @Test func trialsEndAtOnceWhenAsked() throws {
        var hand = WorldHand()
        let (id, _) = try hand.subscribe(try hand.sellPlan().base, "&subscription_data[trial_period_days]=14")
        #expect(try hand.status(id) == "trialing")
        #expect(try hand.call(.post, "/v1/subscriptions/\(id)", "trial_end=now")["status"] == "active")
        #expect(hand.events.contains { $0.type == "invoice.created" })
    }

    @Test(arguments: ["cancel", "pause"]) func trialsWithoutAMethodEndAsAsked(_ ending: String) throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let customer = try hand.call(.post, "/v1/customers")["id"]?.text ?? ""
        let id =
            try hand.call(
                .post, "/v1/subscriptions",
                "customer=\(customer)&items[0][price]=\(plan.base)&trial_period_days=7"
                    + "&trial_settings[end_behavior][missing_payment_method]=\(ending)")["id"]?.text ?? ""
        _ = hand.takeTypes()
        hand.advance(days: 8)
        #expect(try hand.status(id) == (ending == "cancel" ? "canceled" : "paused"))
        #expect(hand.events.last?.type == "customer.subscription.\(ending == "cancel" ? "deleted" : "paused")")
        guard ending == "pause" else { return }
        try hand.call(.post, "/v1/customers/\(customer)", "invoice_settings[default_payment_method]=pm_card_visa")
        try hand.call(.post, "/v1/subscriptions/\(id)/resume")
        #expect(try hand.status(id) == "active")
        #expect(hand.events.contains { $0.type == "customer.subscription.resumed" })
    }

    @Test func portalChangesPlanAndEnds() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let big =
            try hand.call(
                .post, "/v1/prices", "product=pro&currency=eur&unit_amount=9000&recurring[interval]=month")["id"]?.text
            ?? ""
        let (id, customer) = try hand.subscribe(plan.base, "&line_items[1][price]=\(plan.tokens)")
        let portal = try hand.openPortal(customer)
        #expect(hand.world.portalPage(portal)?.subscriptions.first?.offers.map(\.price) == [big])
        try hand.act(.changePlan(subscription: id, price: big), on: portal)
        let updated = try hand.event("customer.subscription.updated")["data"]
        let prices = updated?["object"]?["items"]?["data"]?.elements?.compactMap { $0["price"]?["id"]?.text }
        #expect(prices == [big, plan.tokens], "the metered price stays")
        let before = updated?["previous_attributes"]?["items"]?["data"]?.elements
        #expect(before?.first?["price"]?["id"]?.text == plan.base)
        #expect(throws: PageFault.self) { try hand.act(.changePlan(subscription: id, price: "price_x"), on: portal) }

        try hand.act(.cancelAtPeriodEnd(subscription: id), on: portal)
        let scheduled = try hand.event("customer.subscription.updated")["data"]
        #expect(scheduled?["object"]?["cancel_at_period_end"] == false, "flexible billing shows the date alone")
        #expect(scheduled?["object"]?["cancel_at"]?.integer == 1_788_278_400)
        try hand.act(.resume(subscription: id), on: portal)
        #expect(try hand.event("customer.subscription.updated")["data"]?["object"]?["cancel_at"] == nil)
        try hand.act(.cancelAtPeriodEnd(subscription: id), on: portal)
        hand.advance(days: 32)
        #expect(try hand.status(id) == "canceled")
        #expect(throws: PageFault.self) { try hand.act(.cancelNow(subscription: id), on: portal) }
    }

    @Test(arguments: [true, false]) func debitsSettleOrFailLater(_ settles: Bool) throws {
        var hand = WorldHand()
        let session = try hand.openCheckout(try hand.sellPlan().base)
        try hand.act(.payByDebit(email: nil, settles: settles), on: session)
        let completed = try hand.event("checkout.session.completed")["data"]?["object"]
        #expect(completed?["payment_status"] == "unpaid")
        let id = completed?["subscription"]?.text ?? ""
        _ = hand.takeTypes()
        hand.advance(days: 4)
        #expect(hand.events.last?.type == "checkout.session.async_payment_\(settles ? "succeeded" : "failed")")
        #expect(try hand.status(id) == (settles ? "active" : "past_due"))
        hand.advance(days: 60)
        #expect(try hand.status(id) == (settles ? "active" : "canceled"))
    }

    @Test func pausedCollectionKeepsTheStatus() throws {
        var hand = WorldHand()
        let (id, _) = try hand.subscribe(try hand.sellPlan().base)
        try hand.call(.post, "/v1/subscriptions/\(id)", "pause_collection[behavior]=void")
        _ = hand.takeTypes()
        hand.advance(days: 32)
        #expect(try hand.status(id) == "active")
        #expect(hand.events.contains { $0.type == "invoice.voided" })
        try hand.call(.post, "/v1/subscriptions/\(id)", "pause_collection=")
        #expect(try hand.call(.get, "/v1/subscriptions/\(id)")["pause_collection"] == nil)
    }

    @Test func metadataMergesAndIsLost() throws {
        var hand = WorldHand()
        let (id, _) = try hand.subscribe(try hand.sellPlan().base)
        try hand.call(.post, "/v1/subscriptions/\(id)", "metadata[note]=a")
        #expect(try hand.call(.get, "/v1/subscriptions/\(id)")["metadata"]?["bus_account_id"] != nil)
        try hand.call(.post, "/v1/subscriptions/\(id)", "metadata=")
        let updated = try hand.event("customer.subscription.updated")["data"]
        #expect(updated?["object"]?["metadata"] == [:])
        #expect(updated?["previous_attributes"]?["metadata"]?["bus_account_id"]?.text == WorldHand.account)
    }

    @Test func deletingACustomerEndsEverything() throws {
        var hand = WorldHand()
        let (id, customer) = try hand.subscribe(try hand.sellPlan().base)
        _ = hand.takeTypes()
        try hand.call(.delete, "/v1/customers/\(customer)")
        #expect(hand.takeTypes() == ["customer.subscription.deleted", "customer.deleted"])
        #expect(try hand.status(id) == "canceled")
        #expect(try hand.call(.get, "/v1/customers/\(customer)")["deleted"] == true)
    }

    @Test func olderShapeHasThePeriodOnTheSubscription() throws {
        var hand = WorldHand()
        let (id, customer) = try hand.subscribe(try hand.sellPlan().base)
        let portal = try hand.openPortal(customer)
        try hand.act(.cancelAtPeriodEnd(subscription: id), on: portal)
        let old = try #require(APIVersion("2023-10-16"))
        let event = try hand.event("customer.subscription.updated", version: old)
        let object = event["data"]?["object"]
        #expect(event["api_version"] == "2023-10-16")
        #expect(object?["current_period_end"]?.integer == 1_788_278_400 && object?["cancel_at_period_end"] == true)
        #expect(object?["items"]?["data"]?.elements?[0]["current_period_end"] == nil)
        #expect(object?["plan"]?["amount"]?.integer == 2_000)
        #expect(event["data"]?["previous_attributes"]?["cancel_at_period_end"] == false)
        let invoice = try hand.event("invoice.paid", version: old)["data"]?["object"]
        #expect(invoice?["subscription"]?.text == id && invoice?["paid"] == true && invoice?["parent"] == nil)
        let read = try hand.reply(.get, "/v1/subscriptions/\(id)", version: "2023-10-16").body
        #expect(read["current_period_end"]?.integer == 1_788_278_400)
    }

    @Test func oldAccountsBeginIncomplete() throws {
        var hand = WorldHand { $0.version = APIVersion("2023-10-16") ?? .current }
        _ = try hand.subscribe(try hand.sellPlan().base)
        #expect(try hand.event("customer.subscription.created")["data"]?["object"]?["status"] == "incomplete")
        let updated = try hand.event("customer.subscription.updated")["data"]
        #expect(updated?["object"]?["status"] == "active")
        #expect(updated?["previous_attributes"] == ["status": "incomplete"])
    }

    @Test(
        "Checkout refuses an anchor that it would not keep", arguments: ["billing_cycle_anchor", "proration_behavior"])
    func checkoutAnchor(_ name: String) throws {
        var hand = WorldHand()
        let base = try hand.sellPlan().base
        let value = name == "billing_cycle_anchor" ? "1788278400" : "none"
        let refused = try hand.refusal(
            .post, "/v1/checkout/sessions",
            "mode=subscription&success_url=https://a.example/&line_items[0][price]=\(base)&line_items[0][quantity]=1"
                + "&subscription_data[\(name)]=\(value)")
        #expect(refused["param"]?.text == "subscription_data[\(name)]")
    }
}
