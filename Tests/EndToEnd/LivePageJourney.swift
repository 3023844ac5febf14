import BusCore
import Foundation
import TestSupport
import Testing

/// The live page of `bus-local`: what it shows without anything, with one payment, with many steps, and when pressed.
@Suite(.timeLimit(.minutes(5))) struct LivePageJourney {
    @Test func thePageTellsAPaymentFromRequestToAccess() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            let empty = try await laptop.client.get("/")
            #expect(empty.status == 200 && empty.text.contains("Nothing yet."))
            #expect(
                empty.text.contains(">missing<") && empty.text.contains("None was sent since this program started."))
            #expect(empty.header("content-security-policy")?.contains("script-src 'self'") == true)

            try await laptop.buy()
            _ = try await laptop.shows("webhooks changed nothing")
            let page = try await laptop.shows("Access: active")
            var rest = page[...]
            for step in [
                ">LLM access <span class=\"badge good\">active</span>", "10.00\u{00A0}EUR per month", "sub_",
                "A page to pay on was asked for", "number\">+", "The Checkout page is open", "cs_local_",
                "Webhook: a subscription was created", ">delivered</span> sent", "answered 200 after",
                "Access: active", "webhooks changed nothing",
            ] {
                let found = try #require(rest.firstRange(of: step), "\(step) is missing, or out of order")
                rest = rest[found.upperBound...]
            }
            #expect(page.matches(of: #/<details class="story"/#).count == 1)
            for part in ["customer.subscription.created", "May use: llm:proxy", "0 of 1"] {
                #expect(page.contains(part), "\(part)")
            }
            for secret in try ["service", "billing", "operator"].map({
                try String(contentsOfFile: "\(folder.path)/data/\($0).token", encoding: .utf8)
            }) {
                #expect(!page.contains(secret.prefix(40)))
            }
            #expect(!page.contains("whsec_") && !page.contains("sk_test_"))
        }
        try await Laptop.run(in: folder) { laptop in
            _ = try await laptop.shows("Access: active")
        }
    }

    /// The page is there also when the billing database is not, and says so.
    @Test func aBrokenDatabaseIsSaid() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            #expect(try await !laptop.client.get("/").text.contains("does not answer"))
            let spoil =
                "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute("
                + "'ALTER TABLE bus_billing_catalog RENAME TO spoiled')"
            let spoiled = try await BusProcess.finish(
                Repository.judgePython, ["-c", spoil, "\(folder.path)/data/billing.sqlite"])
            #expect(spoiled.exit == .code(0), "\(spoiled.standardError)")
            let page = try await laptop.client.get("/")
            #expect(page.status == 200 && page.text.contains("The billing database does not answer."))
            #expect(page.text.contains("31 days on"))
        }
    }

    @Test func usageFillsTheGaugeAndThePlot() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            try await laptop.buy()
            for number in 1...50 {
                let payload = #"{"account_id":"\#(CommandWorld.account)","event_id":"u\#(number)","quantity":30000}"#
                let sent = try await laptop.person.run(
                    ["events", "send", "--name", "bus.billing.usage.export.request", "--payload", payload],
                    with: ["BUS_API_TOKEN_FILE": "\(folder.path)/data/service.token"])
                #expect(sent.exit == .code(0), "\(sent.standardError)")
            }
            let page = try await laptop.shows("used in 50 reports")
            #expect(page.contains("Used up.") && page.contains("earlier steps are not shown"))
            #expect(page.contains("<polyline") && page.contains("role=\"img\" aria-label="))
        }
    }

    @Test func everyScenarioCanBePressed() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            func press(_ scenario: String) async throws -> String {
                let answer = try await laptop.form("/live/scenario", "scenario=\(scenario)")
                #expect(answer.status == 303, "\(answer.text)")
                return try await laptop.client.get("/").text
            }
            #expect(try await press("upgrade").contains("The account pays for nothing yet"))
            #expect(try await press("storm").contains("No webhook was sent yet"))
            #expect(try await press("debit").contains("No Checkout page is open"))
            try await laptop.buy()
            #expect(try await press("upgrade").contains("has changed to another price"))
            try await eventually("the plan is larger") {
                try await laptop.status()["plan_id"]?.text == "llm-pro" ? true : nil
            }
            #expect(try await press("downgrade").contains("has changed to another price"))
            try await eventually("the plan is smaller") {
                try await laptop.status()["plan_id"]?.text == "llm-basic" ? true : nil
            }
            #expect(try await press("schedule").contains("The clock is 31 days on, and sub_sched_"))
            try await eventually("the plan is larger again") {
                try await laptop.status()["plan_id"]?.text == "llm-pro" ? true : nil
            }
            #expect(try await press("metadata").contains("has no metadata any more"))
            #expect(try await press("storm").contains("events are sent again, twice"))
            #expect(try await press("secret").contains("was signed with another endpoint"))
            _ = try await laptop.shows("another endpoint&#39;s secret signed it")
            #expect(try await laptop.status()["status"] == "active")
            #expect(try await press("decline").contains("failed."))
            try await laptop.becomes("past_due")
            #expect(try await press("deletion").contains("has ended, and nobody was told"))
            #expect(try await laptop.shows("never sent: kept back").contains("Stripe says canceled; Bus was last told"))
            #expect(try await laptop.form("/live/scenario", "scenario=none").status == 400)
        }
    }

    @Test func aFailedDebitOpensNothing() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            _ = try await laptop.bus("billing setup --feature llm:proxy")
            #expect(try await laptop.form("/live/scenario", "scenario=debit").status == 303)
            _ = try await laptop.shows("checkout.session.async_payment_failed")
            try await laptop.becomes("past_due")
            #expect(try await laptop.status()["features"] == [])
        }
    }

    @Test func clockAndFaultsAreSetByForms() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            #expect(try await laptop.form("/live/clock", "advance=31d").status == 303)
            let clock = try await laptop.client.get("/sandbox/clock").json
            #expect((clock?["unix"]?.integer ?? 0) >= unixNow() + 30 * 86_400)
            let faults = "kind=429&percent=50&delay=2&duplicates=10&reorder=3&drop=20"
            #expect(try await laptop.form("/live/faults", faults).status == 303)
            let dials = try await laptop.client.get("/sandbox/faults").json
            #expect(dials?["calls"] == [["fault": "429", "path": "/v1", "percent": 50]])
            #expect(dials?["webhooks"]?["drop_percent"] == 20 && dials?["webhooks"]?["delay"] == "2000ms")
            #expect(try await laptop.client.get("/").text.contains("<option value=\"429\" selected>"))
            #expect(try await laptop.form("/live/faults", "\(faults)&reset=yes").status == 303)
            #expect(try await laptop.client.get("/sandbox/faults").json?["calls"] == [])
            for wrong in ["drop=101", "kind=teapot", "delay=-1", "percent=x&kind=429"] {
                #expect(try await laptop.form("/live/faults", wrong).status == 400, "\(wrong)")
            }
            #expect(try await laptop.form("/live/clock", "advance=99d").status == 400)
        }
    }

    /// A form of another site, and a name that somebody points at this machine, change and show nothing.
    @Test(arguments: ["/live/clock", "/live/faults", "/live/scenario", "/sandbox/clock"])
    func formsFromOtherSitesAreRefused(_ path: String) async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            let before = try await laptop.client.get("/sandbox/clock").json?["unix"]?.integer ?? 0
            for fields in [["Origin": "http://shop.example"], ["Origin": "null"], ["Sec-Fetch-Site": "cross-site"]] {
                let answer = try await laptop.client.post(
                    path, Array("advance=31d&scenario=storm".utf8), headers: fields)
                #expect(answer.status == 403 && answer.errorType == "forbidden", "\(fields) \(answer.text)")
            }
            let after = try await laptop.client.get("/sandbox/clock").json?["unix"]?.integer ?? 0
            #expect(after - before < 3_600)
            let rebound = try await laptop.client.get("/", headers: ["Host": "shop.example"])
            #expect(rebound.status == 403)
        }
    }
}

extension Laptop {
    /// Buys the first plan, and waits until it counts.
    func buy() async throws {
        let page = try await follow(try await bus("billing setup --feature llm:proxy").standardOutput)
        let paid = try await form(page, "action=pay")
        #expect(paid.status == 303, "\(paid.text)")
        try await becomes("active")
    }

    /// The live page as soon as it shows something.
    func shows(_ text: String) async throws -> String {
        try await eventually("the page shows \(text)") {
            let page = try await client.get("/").text
            return page.contains(text) ? page : nil
        }
    }
}
