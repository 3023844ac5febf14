import BusCore
import TestSupport
import Testing

/// The hosted page of an invoice at a real socket.
@Suite(.timeLimit(.minutes(2))) struct InvoicePageTests {
    @Test("an open invoice can be paid on its page, once; the subscription is active again")
    func openInvoice() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let portal = try await portalOfFailingCard(bench)
            try await bench.control("POST", "/sandbox/clock", ["advance": "32d"])
            #expect(try await bench.list("/v1/subscriptions").first?["status"] == "past_due")

            let invoice = try #require(try await bench.list("/v1/invoices").first)
            let path = try #require(invoice["hosted_invoice_url"]?.text).replacing(bench.url, with: "")
            #expect(!path.contains(invoice["id"]?.text ?? "?"), "the id alone leads nowhere")
            #expect(try await bench.client.get(portal).text.contains(path), "the portal leads there")
            let page = try await bench.client.get(path)
            #expect(page.status == 200 && Markup.faults(in: page.text) == [])
            for text in [
                invoice["number"]?.text ?? "?", "Pro", "20.00\u{00A0}EUR", "Open", "a@a.example",
                "1\u{00A0}September 2026 to 1\u{00A0}October 2026", "The last charge failed.",
                "The next attempt is on 4\u{00A0}September 2026", "Pay 20.00\u{00A0}EUR",
            ] {
                #expect(page.text.contains(text), "\(text)")
            }
            let paid = try await bench.client.submit(path, "action=pay")
            #expect(paid.status == 303 && paid.header("location") == "\(path)?done=pay")
            let after = try await bench.client.get("\(path)?done=pay")
            #expect(after.text.contains("The payment went through.") && after.text.contains("Paid"))
            #expect(!after.text.contains("<form"))
            #expect(try await bench.list("/v1/subscriptions").first?["status"] == "active")
            let again = try await bench.client.post(
                path, Array("action=pay&token=\(page.token)".utf8),
                headers: ["Content-Type": "application/x-www-form-urlencoded"])
            #expect(again.status == 409 && again.text.contains("This invoice is paid. Nothing was charged."))
        }
    }

    @Test("void and unknown invoices are clear pages, and a draft is none")
    func otherInvoices() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let portal = try await portalOfFailingCard(bench)
            try await bench.control("POST", "/sandbox/clock", ["advance": "31d"])
            #expect(try await bench.list("/v1/invoices").first?["status"] == "draft")
            #expect(try await bench.client.get(portal).text.count(of: "/local/stripe/invoice/") == 1, "no draft")
            try await bench.control("POST", "/sandbox/clock", ["advance": "1d"])
            let invoice = try #require(try await bench.list("/v1/invoices").first)
            let path = try #require(invoice["hosted_invoice_url"]?.text).replacing(bench.url, with: "")
            try await bench.post("/v1/invoices/\(invoice["id"]?.text ?? "")/void")
            let void = try await bench.client.get(path)
            #expect(void.status == 200 && void.text.contains("This invoice is void. Nobody has to pay it."))
            #expect(!void.text.contains("<form"))
            for key in ["test_nobody", invoice["id"]?.text ?? ""] {
                for answer in [
                    try await bench.client.get("/local/stripe/invoice/\(key)"),
                    try await bench.client.submit("/local/stripe/invoice/\(key)", "action=pay"),
                ] {
                    #expect(answer.status == 404 && answer.text.contains("There is no such invoice"))
                }
            }
        }
    }

    @Test("a bank debit under way is not paid a second time")
    func debit() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let shop = try await Shop(bench)
            #expect(try await bench.click(try await shop.session(), "action=pay-later-fails") == 303)
            let invoice = try #require(try await bench.list("/v1/invoices").first)
            let path = try #require(invoice["hosted_invoice_url"]?.text).replacing(bench.url, with: "")
            let waiting = try await bench.client.get(path)
            #expect(waiting.text.contains("The bank says on 4\u{00A0}August 2026") && !waiting.text.contains("<form"))
            try await bench.control("POST", "/sandbox/clock", ["advance": "73h"])
            #expect(try await bench.submit(path, "action=pay") == 303)
            // The account that failed is not charged again.
            try await bench.control("POST", "/sandbox/clock", ["advance": "60d"])
            #expect(try await bench.list("/v1/subscriptions").first?["status"] == "active")
        }
    }

    @Test("forms of other sites, of other pages and with other fields change nothing")
    func refusedForms() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let portal = try await portalOfFailingCard(bench)
            try await bench.control("POST", "/sandbox/clock", ["advance": "32d"])
            let invoice = try #require(try await bench.list("/v1/invoices").first)
            let path = try #require(invoice["hosted_invoice_url"]?.text).replacing(bench.url, with: "")
            let token = try await bench.client.get(path).token
            let strange = try await bench.client.get(portal).token
            let cases: [(String, [String: String], Int)] = [
                ("action=pay", [:], 403), ("action=pay&token=\(strange)", [:], 403),
                ("action=pay&token=\(token)", ["Origin": "https://evil.example"], 403),
                ("action=pay&token=\(token)&amount=1", [:], 400), ("action=void&token=\(token)", [:], 400),
            ]
            for (form, headers, status) in cases {
                let fields = ["Content-Type": "application/x-www-form-urlencoded"].merging(headers) { $1 }
                let answer = try await bench.client.post(path, Array(form.utf8), headers: fields)
                #expect(answer.status == status, "\(form)")
                #expect(Markup.faults(in: answer.text) == [], "\(form)")
            }
            #expect(try await bench.list("/v1/invoices").first?["status"] == "open")
        }
    }

    @Test("sessions and invoices of a connected account have pages")
    func connectedAccounts() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let connected = ["Stripe-Account": "acct_connected"]
            try await bench.post("/v1/products", "id=pro&name=Connected", headers: connected)
            let price =
                try await bench.post(
                    "/v1/prices", "product=pro&currency=eur&unit_amount=2000&recurring[interval]=month",
                    headers: connected)["id"]?.text ?? ""
            let session = try await bench.post(
                "/v1/checkout/sessions",
                "mode=subscription&success_url=https://a.example&line_items[0][price]=\(price)&line_items[0][quantity]=1",
                headers: connected)
            let url = try #require(session["url"]?.text)
            #expect(url.hasPrefix("\(bench.url)/local/stripe/checkout/"))
            let id = session["id"]?.text ?? ""
            #expect(try await bench.page(id).text.contains("Subscribe to Connected"))
            // There is no way back where the seller gave none.
            let left = try await bench.client.submit("/local/stripe/checkout/\(id)", "action=cancel")
            #expect(left.status == 409 && left.text.contains("This session has no address to go back to."))
            #expect(try await bench.click(id, "action=pay") == 303)
            let invoice = try #require(try await bench.list("/v1/invoices", headers: connected).first)
            let path = try #require(invoice["hosted_invoice_url"]?.text).replacing(bench.url, with: "")
            #expect(try await bench.client.get(path).text.contains("Connected"))
            let visit = try await bench.post(
                "/v1/billing_portal/sessions",
                "customer=\(invoice["customer"]?.text ?? "")&return_url=https://a.example", headers: connected)
            let portal = "/local/stripe/portal/\(visit["id"]?.text ?? "")"
            #expect(try await bench.client.get(portal).text.contains(path))
            let subscription = try await bench.list("/v1/subscriptions", headers: connected).first?["id"]?.text ?? ""
            #expect(try await bench.submit(portal, "action=cancel-now&subscription=\(subscription)") == 303)
            #expect(try await bench.list("/v1/events").isEmpty, "nothing happened in the account of the key")
        }
    }

    /// The portal of a subscriber whose next payment fails.
    private func portalOfFailingCard(_ bench: SandboxBench) async throws -> String {
        let own = try await Shop(bench).subscribe()
        let portal = try await bench.portal(of: own.customer)
        #expect(try await bench.submit(portal, "action=fail-next-payment&subscription=\(own.id)") == 303)
        return portal
    }
}

extension SandboxBench {
    /// The page of a new portal session.
    func portal(of customer: String, _ more: String = "") async throws -> String {
        let visit = try await post(
            "/v1/billing_portal/sessions", "customer=\(customer)&return_url=https://a.example/account\(more)")
        return "/local/stripe/portal/\(visit["id"]?.text ?? "")"
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}
