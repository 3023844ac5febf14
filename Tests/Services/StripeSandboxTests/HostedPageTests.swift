import BusCore
import NIOHTTP1
import TestSupport
import Testing

@testable import StripeSandbox

/// The hosted pages at a real socket: what they show, and every way in which they refuse.
@Suite(.timeLimit(.minutes(2))) struct HostedPageTests {
    private static let form = ["Content-Type": "application/x-www-form-urlencoded"]

    // MARK: Checkout

    @Test("a session shows what is bought, for how much and how often, and leads to the shop with its id")
    func checkout() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let shop = try await Shop(bench)
            let session = try await shop.session(
                "&subscription_data[trial_period_days]=14", lines: [shop.base, shop.use])
            let page = try await bench.page(session)
            #expect(page.status == 200 && page.header("content-type") == "text/html; charset=utf-8")
            for text in [
                "Subscribe to Pro", "20.00\u{00A0}EUR", "per month", "0.005\u{00A0}EUR per token",
                "15\u{00A0}August 2026",
                "0.00\u{00A0}EUR", "Start the free trial", "Go back to a.example without paying", "not Stripe",
                "1\u{00A0}August 2026, 00:00\u{00A0}UTC",
            ] {
                #expect(page.text.contains(text), "\(text)")
            }
            #expect(!page.text.contains("bank debit"), "nothing is due, so nothing can be debited")
            let paid = try await bench.client.submit(
                "/local/stripe/checkout/\(session)", "action=pay&email=a@b.example")
            #expect(paid.status == 303 && paid.header("location") == "https://a.example/ok?s=\(session)")
        }
    }

    @Test("a declined card charges nothing, and the same page pays afterwards, once")
    func declinedThenPaidOnce() async throws {
        try await SandboxBench.run { bench in
            let shop = try await Shop(bench)
            let session = try await shop.session()
            let path = "/local/stripe/checkout/\(session)"
            // The same page in two tabs.
            let token = try await bench.page(session).token
            let declined = try await bench.client.submit(path, "action=decline")
            #expect(declined.status == 303 && declined.header("location") == "\(path)?result=declined")
            let again = try await bench.client.get("\(path)?result=declined")
            #expect(again.status == 200 && again.text.contains("The card was declined. Nothing was charged."))
            #expect(try await bench.list("/v1/subscriptions").isEmpty)

            #expect(try await bench.click(session, "action=pay") == 303)
            let other = try await bench.client.post(path, Array("action=pay&token=\(token)".utf8), headers: Self.form)
            #expect(other.status == 409 && other.text.contains("Nothing was charged again"))
            #expect(try await bench.list("/v1/subscriptions").count == 1)
            #expect(try await bench.list("/v1/invoices").count == 1)
            let over = try await bench.page(session)
            #expect(over.status == 200 && over.text.contains("It charges nothing again"))
            #expect(!over.text.contains("<form") && over.text.contains("https://a.example/ok?s=\(session)"))
        }
    }

    @Test("a bank debit settles or fails three days later, and the page says so")
    func debits() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let shop = try await Shop(bench)
            let (settles, fails) = (try await shop.session(), try await shop.session())
            #expect(try await bench.click(settles, "action=pay-later") == 303)
            #expect(try await bench.click(fails, "action=pay-later-fails") == 303)
            #expect(try await bench.page(settles).text.contains("The bank says on 4\u{00A0}August 2026"))
            try await bench.control("POST", "/sandbox/clock", ["advance": "73h"])
            #expect(try await bench.page(settles).text.contains("<h1>Paid</h1>"))
            #expect(try await bench.page(fails).text.contains("The bank returned the debit"))
        }
    }

    @Test("unknown, expired and left sessions")
    func otherSessions() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let shop = try await Shop(bench)
            for path in ["checkout/cs_test_none", "portal/bps_none"] {
                for answer in [
                    try await bench.client.get("/local/stripe/\(path)"),
                    try await bench.client.submit("/local/stripe/\(path)", "action=pay"),
                ] {
                    #expect(answer.status == 404 && answer.text.contains("Ask the shop for a new link"))
                }
            }
            let session = try await shop.session()
            #expect(try await bench.click(session, "action=cancel") == 303)
            let token = try await bench.page(session).token
            // Nobody has to look for the session to expire.
            try await bench.control("POST", "/sandbox/clock", ["advance": "25h"])
            let expired = try await bench.page(session)
            #expect(expired.status == 410 && expired.text.contains("This session has expired"))
            let late = try await bench.client.post(
                "/local/stripe/checkout/\(session)", Array("action=pay&token=\(token)".utf8), headers: Self.form)
            #expect(late.status == 410 && !late.text.contains("<form"))
            #expect(try await bench.list("/v1/subscriptions").isEmpty)
        }
    }

    // MARK: Forms that are refused

    @Test("forms of other sites and sessions, changed forms, other bodies and methods change nothing")
    func refusedForms() async throws {
        try await SandboxBench.run { bench in
            let shop = try await Shop(bench)
            let (session, other) = (try await shop.session(), try await shop.session())
            let token = try await bench.page(session).token
            let strange = try await bench.page(other).token
            #expect(token != strange && token.count == 64)
            let pay = "action=pay&token=\(token)"
            let cases: [(form: String, headers: [String: String], status: Int)] = [
                (pay, ["Origin": "https://evil.example"], 403), (pay, ["Origin": "null"], 403),
                (pay, ["Origin": bench.url + ".evil.example"], 403),
                (pay, ["Sec-Fetch-Site": "cross-site"], 403), (pay, ["Sec-Fetch-Site": "same-site"], 403),
                ("action=pay", [:], 403), ("action=pay&token=", [:], 403), ("action=pay&token=\(strange)", [:], 403),
                ("action=pay&token=\(token.uppercased())", [:], 403), ("action=pay&token[]=\(token)", [:], 403),
                ("\(pay)&amount=1", [:], 400), ("\(pay)&line_items[0][price]=price_1", [:], 400),
                ("\(pay)&settles=true", [:], 400), ("token=\(token)", [:], 400),
                ("action=steal&token=\(token)", [:], 400), ("action=%zz&token=\(token)", [:], 400),
                ("action=%ff&token=\(token)", [:], 400), ("action[x=1", [:], 400),
                ("{}", ["Content-Type": "application/json"], 415), (pay, ["Content-Type": "text/plain"], 415),
                (pay + "&email=nobody", [:], 422), (pay + "&email=a@b%0d%0ac", [:], 422),
                (pay + "&email=a@b@c", [:], 422),
            ]
            for (form, headers, status) in cases {
                let answer = try await bench.client.post(
                    "/local/stripe/checkout/\(session)", Array(form.utf8),
                    headers: Self.form.merging(headers) { $1 })
                #expect(answer.status == status, "\(form.prefix(90)) \(headers)")
                #expect(answer.header("content-type") == "text/html; charset=utf-8", "\(form.prefix(90))")
                #expect(Markup.faults(in: answer.text) == [], "\(form.prefix(90))")
            }
            // Its answer comes before it is sent whole, which HTTP clients take in different ways.
            let large = try await RawConnection.open(String(bench.url.dropFirst("http://".count)))
            let head =
                "POST /local/stripe/checkout/\(session) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000\r\n"
                + "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
            try await large.send(Array(head.utf8) + Array(repeating: UInt8(ascii: "a"), count: 20_000))
            #expect(try await large.answers(1).map(\.status) == [413])
            await large.close()
            for method: HTTPMethod in [.PUT, .PATCH, .DELETE, .OPTIONS] {
                let answer = try await bench.client.send(method, "/local/stripe/checkout/\(session)", body: nil)
                #expect(answer.status == 405 && answer.header("allow") == "GET, HEAD, POST", "\(method)")
                #expect(answer.header("content-type") == "text/html; charset=utf-8")
            }
            // The bench has no HTTP grammar, which keeps bodies out of these answers.
            let asked = try await RawConnection.open(String(bench.url.dropFirst("http://".count)))
            try await asked.send("HEAD /local/stripe/checkout/\(session) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            #expect(try await asked.answers(1).map(\.status) == [200])
            await asked.close()
            for path in ["/v1/subscriptions", "/v1/customers"] { #expect(try await bench.list(path).isEmpty) }
            // What a browser sends from the page itself.
            let own = try await bench.client.post(
                "/local/stripe/checkout/\(session)", Array(pay.utf8),
                headers: Self.form.merging(["Origin": bench.url, "Sec-Fetch-Site": "same-origin"]) { $1 })
            #expect(own.status == 303)
        }
    }

    // MARK: The portal

    @Test("the portal shows and changes only what is its customer's, and offers what its configuration lists")
    func portal() async throws {
        try await SandboxBench.run(start: "2026-08-01T00:00:00Z") { bench in
            let shop = try await Shop(bench)
            let big =
                try await bench.post(
                    "/v1/prices", "product=pro&currency=eur&unit_amount=20000&recurring[interval]=year")["id"]?.text
                ?? ""
            let hidden =
                try await bench.post(
                    "/v1/prices", "product=pro&currency=eur&unit_amount=1&recurring[interval]=month")["id"]?.text ?? ""
            let setup =
                try await bench.post(
                    "/v1/billing_portal/configurations",
                    "features[invoice_history][enabled]=true&features[subscription_cancel][enabled]=true"
                        + "&features[subscription_update][enabled]=true&features[subscription_update][products][0][product]=pro"
                        + "&features[subscription_update][products][0][prices][0]=\(big)")["id"]?.text ?? ""
            let own = try await shop.subscribe()
            let strange = try await shop.subscribe()
            let visit =
                try await bench.post(
                    "/v1/billing_portal/sessions",
                    "customer=\(own.customer)&return_url=https://a.example/account&configuration=\(setup)")["id"]?.text
                ?? ""
            let path = "/local/stripe/portal/\(visit)"
            let shown = try await bench.client.get(path)
            let page = shown.text
            for text in [
                "Active", "20.00\u{00A0}EUR per month", "1\u{00A0}September 2026", "200.00\u{00A0}EUR per year", "Paid",
                "Go back to a.example",
            ] {
                #expect(page.contains(text), "\(text)")
            }
            #expect(!page.contains(hidden) && !page.contains(strange.id))

            for (form, status) in [
                ("action=change-plan&price=\(hidden)&subscription=\(own.id)", 409),
                ("action=change-plan&subscription=\(own.id)", 409),
                ("action=cancel-at-period-end&subscription=\(strange.id)", 409),
                ("action=cancel-at-period-end", 409), ("action=cancel-now&subscription=\(own.id)&price=\(big)", 400),
                ("action=pay&subscription=\(own.id)", 400),
                ("action=fail-next-payment&subscription=\(own.id)&attempts=5", 400),
            ] {
                let answer = try await bench.client.submit(path, form)
                #expect(answer.status == status, "\(form)")
                #expect(answer.text.contains("Nothing was changed"), "\(form)")
                #expect(Markup.faults(in: answer.text) == [], "\(form)")
            }
            for (form, after) in [
                ("fail-next-payment", "Will fail"), ("let-payments-succeed", "Payments succeed again"),
                ("cancel-at-period-end", "Ends soon"), ("resume", "Renews"), ("change-plan&price=\(big)", "per year"),
                ("cancel-now", "Ended"),
            ] {
                if form == "cancel-now" {
                    try await bench.post(
                        "/v1/billing_portal/configurations/\(setup)",
                        "features[subscription_cancel][enabled]=true&features[subscription_cancel][mode]=immediately")
                }
                let answer = try await bench.client.submit(path, "action=\(form)&subscription=\(own.id)")
                #expect(answer.status == 303, "\(form)")
                let next = try await bench.client.get(answer.header("location") ?? "")
                #expect(next.status == 200 && next.text.contains(after), "\(form)")
            }
            // A tab that was open all the time.
            let late = try await bench.client.post(
                path, Array("action=resume&subscription=\(own.id)&token=\(shown.token)".utf8), headers: Self.form)
            #expect(late.status == 409 && late.text.contains("This subscription has ended. Nothing was changed."))
            #expect(try await bench.client.get("\(path)?done=%3Cscript%3E").text.contains("notice") == false)
        }
    }

    // MARK: Every page

    @Test(
        "names, addresses and metadata are text on every page, and the pages are well-formed and carry strict headers")
    func escaping() async throws {
        try await SandboxBench.run { bench in
            let shop = try await Shop(bench, name: Shop.hostile)
            let session = try await shop.session(
                "&customer_email=%22onfocus=x%27%3Cb%3E@a.b&client_reference_id=\(Shop.hostileForm)")
            let own = try await shop.subscribe(email: "a%22%27%3Ci%3E@a.example")
            let visit =
                try await bench.post(
                    "/v1/billing_portal/sessions",
                    "customer=\(own.customer)&return_url=https://a.example/%22%3E%3Ci%3E")["id"]?.text ?? ""
            for path in ["checkout/\(session)", "checkout/\(own.session)", "checkout/%3Ci%3E", "portal/\(visit)"] {
                let page = try await bench.client.get("/local/stripe/\(path)")
                #expect(Markup.faults(in: page.text) == [], "\(path)")
                #expect(!page.text.contains("<i>") && !page.text.contains("<script") && !page.text.contains("<b>"))
                let policy = page.header("content-security-policy") ?? ""
                #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
                #expect(!policy.contains("unsafe") && !policy.contains("script-src"))
                #expect(
                    page.header("x-content-type-options") == "nosniff" && page.header("cache-control") == "no-store")
                #expect(page.header("referrer-policy") == "same-origin")
            }
            for asset in ["style.css", "icon.svg"] {
                #expect(try await bench.client.get("/local/stripe/\(asset)").status == 200)
            }
        }
    }

    @Test(arguments: [
        ("javascript:alert(1)", String?.none), ("data:text/html,x", nil), ("//a.example", nil), ("/ok", nil),
        (" https://a.example", nil), ("https://", nil), ("https://user:secret@a.example:8/x?y", "a.example:8"),
        ("http://[::1]:8080/ok", "[::1]:8080"), ("https://a.example\\@b.example", "a.example"),
    ])
    func onlyWebAddressesAreLinks(_ url: String, _ site: String?) {
        #expect(PageWords.site(url) == site)
    }
}
