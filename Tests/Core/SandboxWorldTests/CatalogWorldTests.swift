import BusCore
import TestSupport
import Testing

@testable import SandboxWorld

/// Products, prices, meters, and the rules that a catalog sync runs into.
@Suite struct CatalogWorldTests {
    @Test func lookupKeysAreUniqueOverArchivedPricesToo() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        try hand.call(.post, "/v1/prices/\(plan.base)", "active=false")
        let terms = "product=pro&currency=eur&unit_amount=1&lookup_key=base"
        let error = try hand.refusal(.post, "/v1/prices", terms)
        #expect(error["param"] == "lookup_key" && error["message"]?.text?.contains(plan.base) == true)
        let new = try hand.call(.post, "/v1/prices", terms + "&transfer_lookup_key=true")
        #expect(new["lookup_key"] == "base")
        let old = try hand.call(.get, "/v1/prices/\(plan.base)")
        #expect(old["lookup_key"] == nil && old["active"] == false)
        let found = try hand.call(.get, "/v1/prices", "lookup_keys[]=base&lookup_keys[]=tokens")
        #expect(found["data"]?.elements?.count == 2)
    }

    @Test func defaultPricesAreNotArchived() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        try hand.call(.post, "/v1/products/pro", "default_price=\(plan.base)")
        #expect(try hand.refusal(.post, "/v1/prices/\(plan.base)", "active=false")["param"] == "active")
        try hand.call(.post, "/v1/products/pro", "default_price=")
        try hand.call(.post, "/v1/prices/\(plan.base)", "active=false")
        #expect(try hand.refusal(.post, "/v1/products", "id=pro&name=x")["code"] == "resource_already_exists")
        #expect(try hand.refusal(.delete, "/v1/products/pro")["message"] != nil)
    }

    @Test func archivedPricesAreNotSold() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        try hand.call(.post, "/v1/prices/\(plan.base)", "active=false")
        let error = try hand.refusal(
            .post, "/v1/checkout/sessions",
            "mode=subscription&success_url=https://a.example&line_items[0][price]=\(plan.base)&line_items[0][quantity]=1"
        )
        #expect(error["param"] == "line_items[0][price]")
    }

    @Test func meteredLinesHaveNoQuantity() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let start = "mode=subscription&success_url=https://a.example&line_items[0][price]="
        let metered = try hand.refusal(
            .post, "/v1/checkout/sessions", start + "\(plan.tokens)&line_items[0][quantity]=1")
        #expect(metered["message"]?.text?.hasPrefix("Quantity should not be specified") == true)
        let licensed = try hand.refusal(.post, "/v1/checkout/sessions", start + plan.base)
        #expect(licensed["message"]?.text?.hasPrefix("Quantity is required") == true)
    }

    @Test func amountsKeepTheirFractions() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let price = try hand.call(.get, "/v1/prices/\(plan.tokens)")
        #expect(price["unit_amount"] == nil && price["unit_amount_decimal"] == "0.5")
        for (text, kept) in [("2000.0", "2000"), ("0.000000000001", "0.000000000001"), ("1.10", "1.1")] {
            #expect(ExactAmount(text)?.text == kept)
        }
        for wrong in ["", ".5", "1.", "-1", "1e3", "0.0000000000001", "1234567890123456"] {
            #expect(ExactAmount(wrong) == nil, "\(wrong)")
        }
    }

    @Test func tiersAndGroupsCostWhatTheySay() throws {
        var hand = WorldHand()
        try hand.call(.post, "/v1/products", "id=p&name=P")
        let tiers =
            "&billing_scheme=tiered&tiers[0][up_to]=10&tiers[0][unit_amount]=5&tiers[1][up_to]=inf&tiers[1][unit_amount]=3"
        for (mode, cost) in [("graduated", 10 * 5 + 5 * 3), ("volume", 15 * 3)] {
            let id = try hand.call(.post, "/v1/prices", "product=p&currency=eur&tiers_mode=\(mode)\(tiers)")["id"]?.text
            let session = try hand.call(
                .post, "/v1/checkout/sessions",
                "mode=payment&success_url=https://a.example&line_items[0][price]=\(id ?? "")&line_items[0][quantity]=15"
            )
            #expect(session["amount_total"]?.integer == Int64(cost), "\(mode)")
        }
        let grouped = try hand.call(
            .post, "/v1/prices",
            "product=p&currency=eur&unit_amount=7&transform_quantity[divide_by]=10&transform_quantity[round]=up")["id"]?
            .text
        let session = try hand.call(
            .post, "/v1/checkout/sessions",
            "mode=payment&success_url=https://a.example&line_items[0][price]=\(grouped ?? "")&line_items[0][quantity]=15"
        )
        #expect(session["amount_total"]?.integer == 14)
    }

    @Test func meterNamesAreUniqueWhileActive() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let again = "display_name=b&event_name=tokens&default_aggregation[formula]=sum"
        #expect(try hand.refusal(.post, "/v1/billing/meters", again)["param"] == "event_name")
        try hand.call(.post, "/v1/billing/meters/\(plan.meter)/deactivate")
        try hand.call(.post, "/v1/billing/meters", again)
        #expect(try hand.refusal(.post, "/v1/billing/meters/\(plan.meter)/reactivate")["param"] == "event_name")
        #expect(
            try hand.call(.get, "/v1/billing/meters", "status=inactive")["data"]?.elements?.map { $0["id"]?.text } == [
                plan.meter
            ])
    }

    // MARK: Usage

    @Test func usageIsCountedOnce() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        let customer = try hand.call(.post, "/v1/customers")["id"]?.text ?? ""
        let usage = "event_name=tokens&payload[stripe_customer_id]=\(customer)&payload[value]=7&identifier=u1"
        let first = try hand.reply(.post, "/v1/billing/meter_events", usage, key: "k1")
        #expect(first.status == 200 && first.body["identifier"] == "u1")
        let again = try hand.reply(.post, "/v1/billing/meter_events", usage, key: "k2")
        #expect(again.status == 400 && again.headers["Stripe-Should-Retry"] == "false")
        #expect(
            again.body["error"]?["message"] == "An event already exists with identifier u1."
                && again.body["error"]?["code"] == nil)
        func total() throws -> Int64? {
            try hand.call(
                .get, "/v1/billing/meters/\(plan.meter)/event_summaries",
                "customer=\(customer)&start_time=1785600000&end_time=1785686400")["data"]?.elements?[0][
                    "aggregated_value"]?.integer
        }
        #expect(try total() == 7)
        try hand.call(
            .post, "/v1/billing/meter_event_adjustments", "event_name=tokens&type=cancel&cancel[identifier]=u1")
        #expect(try total() == 0)
        for time in [hand.now.seconds - 36 * 86_400, hand.now.seconds + 400] {
            #expect(
                try hand.refusal(.post, "/v1/billing/meter_events", usage + "2&timestamp=\(time)")["param"]
                    == "timestamp")
        }
    }

    @Test func wrongUsageIsReportedLater() throws {
        var hand = WorldHand()
        let plan = try hand.sellPlan()
        _ = hand.takeTypes()
        for (name, customer, value) in [
            ("tokens", "cus_gone", "1"), ("tokens", "cus_gone", "2"), ("none", "cus_x", "1"),
        ] {
            let (status, _, _) = try hand.reply(
                .post, "/v1/billing/meter_events",
                "event_name=\(name)&payload[stripe_customer_id]=\(customer)&payload[value]=\(value)&identifier=\(name)\(value)"
            )
            #expect(status == 200, "accepted, not counted")
        }
        #expect(hand.events.isEmpty)
        hand.advance(seconds: 120)
        #expect(
            Set(hand.events.map(\.type)) == [
                "v1.billing.meter.error_report_triggered", "v1.billing.meter.no_meter_found",
            ])
        let report = try hand.event("v1.billing.meter.error_report_triggered")
        #expect(report["object"] == "v2.core.event" && report["data"] == nil)
        #expect(report["related_object"]?["id"]?.text == plan.meter)
        let details = try hand.call(.get, "/v2/core/events/\(report["id"]?.text ?? "")")
        let kinds = details["data"]?["reason"]?["error_types"]?.elements
        #expect(kinds?.first?["code"] == "meter_event_customer_not_found" && kinds?.first?["error_count"]?.integer == 2)
        #expect(kinds?.first?["sample_errors"]?.elements?.first?["request"]?["identifier"] == "tokens1")
    }

    // MARK: Portal

    @Test func portalIsRefusedWhileUnconfigured() throws {
        var hand = WorldHand()
        let customer = try hand.call(.post, "/v1/customers")["id"]?.text ?? ""
        let form = "customer=\(customer)&return_url=https://a.example/"
        hand.world.dials.isPortalUnconfigured = true
        let error = try hand.refusal(.post, "/v1/billing_portal/sessions", form)
        #expect(error["message"]?.text?.hasPrefix("No configuration provided") == true)
        let own =
            try hand.call(
                .post, "/v1/billing_portal/configurations", "features[invoice_history][enabled]=true")["id"]?.text ?? ""
        try hand.call(.post, "/v1/billing_portal/sessions", form + "&configuration=\(own)")
        hand.world.dials.isPortalUnconfigured = false
        #expect(
            try hand.call(.post, "/v1/billing_portal/sessions", form)["url"]?.text?.contains("/portal/bps_") == true)
        #expect(try hand.refusal(.post, "/v1/billing_portal/sessions", "customer=cus_x")["param"] == "customer")
    }
}
