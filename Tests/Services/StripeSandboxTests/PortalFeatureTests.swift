import BusCore
import TestSupport
import Testing

/// Every feature of a portal configuration is honoured: the page has no form for what is off, and takes none.
@Suite(.timeLimit(.minutes(2))) struct PortalFeatureTests {
    /// Everything on, as a configuration spells it.
    private static let everything = [
        "customer_update": "[enabled]=true&[allowed_updates][0]=email&[allowed_updates][1]=name",
        "invoice_history": "[enabled]=true", "payment_method_update": "[enabled]=true",
        "subscription_cancel": "[enabled]=true&[mode]=immediately",
        "subscription_update":
            "[enabled]=true&[default_allowed_updates][0]=price&[default_allowed_updates][1]=quantity"
            + "&[products][0][product]=pro&[products][0][prices][0]=BIG",
    ]

    @Test(
        "a feature that is off has no form, and its form is refused with a page",
        arguments: [
            ("subscription_cancel", "[enabled]=false", ["cancel-now", "cancel-at-period-end", "resume"]),
            ("subscription_cancel", "[enabled]=true&[mode]=immediately", ["cancel-at-period-end"]),
            ("subscription_cancel", "[enabled]=true&[mode]=at_period_end", ["cancel-now"]),
            ("subscription_cancel", "[enabled]=true", ["cancel-now"]),
            ("subscription_update", "[enabled]=false", ["change-plan&price=BIG", "change-quantity&quantity=2"]),
            (
                "subscription_update",
                "[enabled]=true&[default_allowed_updates][0]=quantity&[products][0][product]=pro&[products][0][prices][0]=BIG",
                ["change-plan&price=BIG"]
            ),
            (
                "subscription_update",
                "[enabled]=true&[default_allowed_updates][0]=price&[products][0][product]=pro&[products][0][prices][0]=BIG",
                ["change-quantity&quantity=2"]
            ),
            ("payment_method_update", "[enabled]=false", ["new-card"]),
            ("customer_update", "[enabled]=false", ["change-details&email=b@b.example"]),
            (
                "customer_update", "[enabled]=true&[allowed_updates][0]=email",
                ["change-details&email=b@b.example&name=B"]
            ),
        ])
    func off(_ feature: String, _ terms: String, _ refused: [String]) async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let visit = try await PortalVisit(bench, Self.everything.merging([feature: terms]) { $1 })
            let page = try await bench.client.get(visit.path)
            #expect(page.status == 200 && Markup.faults(in: page.text) == [])
            let subscription = try await bench.list("/v1/subscriptions")
            let customer = try await bench.list("/v1/customers")
            for form in refused {
                let action = form.prefix { $0 != "&" }
                if action != "change-details" { #expect(!page.text.contains("value=\"\(action)\""), "\(form)") }
                let answer = try await visit.press(form)
                #expect(answer.status == 409, "\(form)")
                #expect(answer.text.contains("This portal does not offer that. Nothing was changed."), "\(form)")
            }
            #expect(try await bench.list("/v1/subscriptions") == subscription)
            #expect(try await bench.list("/v1/customers") == customer)
        }
    }

    @Test("what is on works: quantity, plan, card, details, and the reason of the end")
    func on() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            var features = Self.everything
            features["subscription_cancel"]? +=
                "&[cancellation_reason][enabled]=true&[cancellation_reason][options][0]=unused"
            let visit = try await PortalVisit(
                bench, features,
                "&business_profile[headline]=Welcome&business_profile[terms_of_service_url]=https://a.example/terms")
            let page = try await bench.client.get(visit.path).text
            for text in ["Welcome", "https://a.example/terms", "I do not use it", "Use a new card", "Invoices"] {
                #expect(page.contains(text), "\(text)")
            }
            #expect(!page.contains("It is too complex") && !page.contains("name=\"phone\""))
            let card = try await bench.list("/v1/customers").first?["invoice_settings"]
            for form in ["change-quantity&quantity=3", "change-plan&price=BIG", "new-card"] {
                #expect(try await visit.press(form).status == 303, "\(form)")
            }
            let item = try await bench.list("/v1/subscriptions").first?["items"]?["data"]?.elements?.first
            #expect(item?["quantity"]?.integer == 3 && item?["price"]?["unit_amount"]?.integer == 9_000)
            #expect(try await bench.list("/v1/customers").first?["invoice_settings"] != card)
            for wrong in ["change-quantity&quantity=0", "change-quantity", "change-details&email=nobody"] {
                #expect(try await visit.press(wrong).status == 409, "\(wrong)")
            }
            #expect(try await visit.press("change-details&email=b@b.example&name=B").status == 303)
            let customer = try await bench.list("/v1/customers").first
            #expect(customer?["email"] == "b@b.example" && customer?["name"] == "B")
            #expect(try await visit.press("cancel-now&reason=too_complex").status == 409, "it was not asked")
            #expect(try await visit.press("cancel-now&reason=unused").status == 303)
            let ended = try await bench.client.get("/v1/subscriptions/\(visit.subscription)", headers: Self.bearer).json
            #expect(ended?["cancellation_details"]?["feedback"] == "unused")
        }
    }

    @Test("invoices are listed where the configuration has them")
    func history() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let off = ["invoice_history": "[enabled]=false"]
            let visit = try await PortalVisit(bench, Self.everything.merging(off) { $1 })
            let page = try await bench.client.get(visit.path).text
            #expect(!page.contains("Invoices") && !page.contains("/local/stripe/invoice/"))
        }
    }

    @Test("a configuration says what it was set to, and refuses what the offline portal cannot do")
    func configuration() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let visit = try await PortalVisit(bench, Self.everything)
            let path = "/v1/billing_portal/configurations/\(visit.configuration)"
            let shown = try await bench.post(path, "features[subscription_cancel][enabled]=false")["features"]
            #expect(shown?["subscription_cancel"]?["enabled"] == false)
            #expect(shown?["subscription_cancel"]?["mode"] == "immediately", "the rest stays")
            #expect(shown?["subscription_update"]?["default_allowed_updates"]?.elements?.count == 2)
            #expect(shown?["customer_update"]?["allowed_updates"]?.elements?.count == 2)
            #expect(try await !bench.client.get(visit.path).text.contains("Cancel now"), "an open session sees it too")
            for wrong in [
                "login_page[enabled]=true", "features[customer_update][allowed_updates][0]=tax_id",
                "features[subscription_update][default_allowed_updates][0]=promotion_code",
                "features[subscription_cancel][cancellation_reason][options][0]=bored",
                "features[subscription_pause][enabled]=true",
            ] {
                let answer = try await bench.client.post(
                    path, Array(wrong.utf8),
                    headers: Self.bearer.merging(["Content-Type": "application/x-www-form-urlencoded"]) { $1 })
                #expect(answer.status == 400, "\(wrong)")
            }
        }
    }

    @Test("a session with a flow shows that part alone, and leads back when it is done")
    func flows() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let visit = try await PortalVisit(bench, Self.everything)
            let flow =
                "&flow_data[type]=subscription_cancel"
                + "&flow_data[subscription_cancel][subscription]=\(visit.subscription)"
                + "&flow_data[after_completion][type]=redirect"
                + "&flow_data[after_completion][redirect][return_url]=https://a.example/gone"
            let path = try await bench.portal(of: visit.customer, "&configuration=\(visit.configuration)\(flow)")
            let page = try await bench.client.get(path)
            #expect(page.text.contains("Cancel now") && !page.text.contains("Use a new card"))
            #expect(!page.text.contains("Change the plan") && !page.text.contains("Invoices"))
            #expect(try await bench.submit(path, "action=new-card") == 409)
            let done = try await bench.client.submit(path, "action=cancel-now&subscription=\(visit.subscription)")
            #expect(done.status == 303 && done.header("location") == "https://a.example/gone")
            // A flow whose feature is off is refused at once.
            let setup = "/v1/billing_portal/configurations/\(visit.configuration)"
            try await bench.post(setup, "features[subscription_cancel][enabled]=false")
            let refused = try await bench.client.post(
                "/v1/billing_portal/sessions",
                Array("customer=\(visit.customer)&configuration=\(visit.configuration)\(flow)".utf8),
                headers: Self.bearer.merging(["Content-Type": "application/x-www-form-urlencoded"]) { $1 })
            #expect(refused.status == 400)
        }
    }

    private static let bearer = ["Authorization": "Bearer sk_test_bench"]
}

/// A customer with a subscription, in a portal of its own configuration.
private struct PortalVisit: Sendable {
    let bench: SandboxBench
    let path: String
    let configuration: String
    let subscription: String
    let customer: String
    private let big: String

    init(_ bench: SandboxBench, _ features: [String: String], _ more: String = "") async throws {
        self.bench = bench
        let shop = try await Shop(bench)
        let big =
            try await bench.post(
                "/v1/prices", "product=pro&currency=eur&unit_amount=9000&recurring[interval]=month")["id"]?.text ?? ""
        self.big = big
        let form = features.flatMap { name, terms in
            terms.split(separator: "&").map { "features[\(name)]\($0.replacing("BIG", with: big))" }
        }
        configuration =
            try await bench.post(
                "/v1/billing_portal/configurations",
                form.joined(separator: "&") + "&default_return_url=https://a.example\(more)")["id"]?.text ?? ""
        let own = try await shop.subscribe()
        (subscription, customer) = (own.id, own.customer)
        path = try await bench.portal(of: customer, "&configuration=\(configuration)")
    }

    /// Sends a form as the page would, were it there.
    func press(_ form: String) async throws -> LoopbackClient.Answer {
        let isAboutCustomer = form.hasPrefix("new-card") || form.hasPrefix("change-details")
        let rest = isAboutCustomer ? "" : "&subscription=\(subscription)"
        return try await bench.client.submit(path, "action=\(form.replacing("BIG", with: big))\(rest)")
    }
}
