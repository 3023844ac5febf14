import BusCore
import Foundation
import TestSupport
import Testing

/// What the live page makes of payments, refused webhooks, two clocks and wrong forms.
@Suite(.timeLimit(.minutes(5))) struct LivePageStories {
    /// The second payment of the same kind has the same local id and is told apart all the same.
    @Test func eachPaymentHasItsOwnStory() async throws {
        let folder = try TemporaryFolder()
        let stories = try await Laptop.run(in: folder) { laptop in
            try await laptop.buy()
            let portal = try await laptop.follow(try await laptop.bus("billing portal").standardOutput)
            let first = try #require(try await laptop.subscriptions().firstMatch(of: #/sub_\w+/#)?.output)
            #expect(try await laptop.form(portal, "action=cancel-now&subscription=\(first)").status < 400)
            try await laptop.becomes("canceled")
            try await laptop.buy()
            let created = "Webhook: a subscription was created"
            let stories = try await eventually("two stories with their ends") {
                let stories = try await laptop.stories()
                let isWhole = stories.count == 2 && stories.allSatisfy { $0.contains(created) }
                return isWhole && stories[1].contains("Access: canceled") ? stories : nil
            }
            #expect(stories[0].contains(">active</span></h3>") && stories[0].contains("open data-open"))
            #expect(stories[1].contains(">canceled</span></h3>") && !stories[1].contains("open data-open"))
            for story in stories {
                #expect(story.matches(of: #/>A page to pay on was asked for</#).count == 1)
                #expect(story.matches(of: #/>The Checkout page is open</#).count == 1)
                #expect(story.matches(of: #/Webhook: a subscription was created/#).count == 1)
            }
            #expect(!stories[0].contains("Access: canceled"))
            return stories.map { $0.prefix(60) }
        }
        // The log and the journal tell it again; deliveries are of this process alone.
        try await Laptop.run(in: folder) { laptop in
            _ = try await laptop.shows("Access: canceled")
            #expect(try await laptop.stories().map { $0.prefix(60) } == stories)
            #expect(try await laptop.client.get("/").text.contains("None was sent since this program started."))
        }
    }

    @Test func aRefusedWebhookSaysWhyInTheWordsOfTheCommand() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            try await laptop.buy()
            #expect(try await laptop.form("/live/scenario", "scenario=secret").status == 303)
            let known = try await laptop.shows("signed with the secret another-endpoint")
            #expect(known.contains(">refused</span> sent") && known.contains("answered 400 after"))
            #expect(known.contains("Why: another endpoint"))

            let body = Array(#"{"id":"evt_of_a_stranger","object":"event"}"#.utf8)
            let header = StripeSigner.header(body, at: unixNow(), secret: "whsec_nobodys")
            let answer = try await laptop.client.post(
                "/api/internal/stripe/webhook", body, headers: ["Stripe-Signature": header])
            #expect(answer.status == 400)
            _ = try laptop.person.folder.write(String(decoding: body, as: UTF8.self), to: "body.json")
            _ = try laptop.person.folder.write("whsec_local_not_secret", to: "secret")
            let line = "operator stripe webhook diagnose --body-file body.json --secret-file secret --header"
            let finding = try JSONValue(
                parsing: Array(try await laptop.bus("\(line) \(header)").standardOutput.utf8))["findings"]?.elements?
                .first
            let (fact, remedy) = (try #require(finding?["fact"]?.text), try #require(finding?["remedy"]?.text))
            let page = try await laptop.shows("evt_of_a_stranger")
            #expect(page.contains("A webhook was refused") && page.contains("\(fact); \(remedy)"))
            // The caller hears what one look tells, as before.
            #expect(!answer.text.contains("another") && !answer.text.contains("evt_of_a_stranger"))
        }
    }

    /// A month's quota follows this machine's clock, a period's Stripe's.
    @Test func theTwoClocksAreToldApart() async throws {
        let folder = try TemporaryFolder()
        try await Laptop.run(in: folder) { laptop in
            let catalog = try String(contentsOfFile: Repository.path("Examples/catalog.json"), encoding: .utf8)
                .replacing(#""window": "minute", "limit": 20000"#, with: #""window": "period", "limit": 2000000"#)
            let file = try laptop.person.folder.write(catalog, to: "periods.json")
            #expect(try await laptop.bus("operator billing catalog put --file \(file)").exit == .code(0))
            try await laptop.buy()
            try await laptop.use(400_000)
            let before = try await laptop.shows("400\u{202F}000 of 2\u{202F}000\u{202F}000")
            #expect(before.contains("by this machine's clock".escaped) && before.contains("with the next paid period"))
            #expect(!before.contains("class=\"band\""))

            #expect(try await laptop.form("/live/clock", "advance=31d").status == 303)
            let moved = try await laptop.shows("none counts here until then")
            #expect(moved.contains("0 of 2\u{202F}000\u{202F}000"), "the paid period is a new one")
            #expect(moved.contains("400\u{202F}000 of 1\u{202F}000\u{202F}000"), "the calendar's month is the same")
            #expect(moved.contains("31 days ahead") && moved.contains("class=\"band\""))
            #expect(moved.contains("class=\"mark\"") && moved.contains("The count began again at"))
            #expect(try await laptop.shows("Access as before").contains("the clock was moved past that time"))

            try await laptop.use(100_000)
            let used = try await laptop.shows("500\u{202F}000 of 1\u{202F}000\u{202F}000")
            #expect(used.contains(">0 of 2\u{202F}000\u{202F}000"), "usage carries this machine's time")
            _ = try await laptop.shows("1 of the reports counts in none of the paid periods")
        }
        try await Laptop.run(in: folder) { laptop in
            let page = try await laptop.shows("used in 2 reports")
            #expect(page.contains("class=\"band\"") && page.contains("The clock was moved 31 days on."))
        }
    }

    @Test func aWebhookIsSentAgainByAButton() async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            try await laptop.buy()
            let page = try await laptop.client.get("/").text
            let button = try #require(page.firstMatch(of: #/name="event" value="(evt_\w+)" aria-label="Send/#)?.1)
            #expect(try await laptop.form("/live/resend", "event=\(button)").status == 303)
            _ = try await laptop.shows("Sent 1 more time: nothing new")
            #expect(try await laptop.form("/live/resend", "event=evt_none").status == 404)
        }
    }

    /// People get a page with what to do, programs the error of all services.
    @Test(arguments: [
        ("POST", "/live/clock", "advance=99d", 400, "The clock moves by 1h, 24h or 31d"),
        ("POST", "/live/clock", "%zz", 400, "send it as a browser does"),
        ("POST", "/live/scenario", "scenario=none", 400, "press a button of the page"),
        ("POST", "/live/resend", "event=evt_none", 404, "choose another one"),
        ("GET", "/live/nothing", "", 404, "There is nothing at /live/nothing"),
        ("GET", "/live/clock", "", 405, "/live/clock takes POST"),
    ])
    func whatIsRefusedIsSaidAsAPage(
        _ method: String, _ path: String, _ body: String, _ status: Int, _ words: String
    ) async throws {
        try await Laptop.run(in: try TemporaryFolder()) { laptop in
            func answer(_ fields: [String: String]) async throws -> LoopbackClient.Answer {
                method == "POST"
                    ? try await laptop.client.post(path, Array(body.utf8), headers: fields)
                    : try await laptop.client.get(path, headers: fields)
            }
            let page = try await answer(["Accept": "text/html,application/xhtml+xml;q=0.9"])
            #expect(page.status == status && page.header("content-type") == "text/html; charset=utf-8")
            #expect(
                page.text.contains("<h1>") && page.text.contains("Nothing was changed.") && page.text.contains(words))
            #expect(page.text.contains("href=\"/\">Back to the live page"))
            let json = try await answer([:])
            #expect(json.status == status && json.errorType != nil)
            guard method == "POST" else { return }
            let foreign = try await answer(["Accept": "text/html", "Origin": "http://shop.example"])
            #expect(foreign.status == 403 && foreign.text.contains("This form came from another site"))
            #expect(foreign.text.contains("<h1>"))
        }
    }
}

extension Laptop {
    /// Each payment of the live page, the newest first.
    func stories() async throws -> [String] {
        try await client.get("/").text.split(separator: "<details class=\"story\" ").dropFirst().map { part in
            String(part.split(separator: "</section>").first ?? "")
        }
    }

    /// Reports usage as a service does.
    func use(_ quantity: Int) async throws {
        let payload =
            #"{"account_id":"\#(CommandWorld.account)","event_id":"use-\#(UInt64.random(in: 0 ... .max))","quantity":\#(quantity)}"#
        let sent = try await person.run(
            ["events", "send", "--name", "bus.billing.usage.export.request", "--payload", payload],
            with: ["BUS_API_TOKEN_FILE": "\(person.folder.path)/data/service.token"])
        #expect(sent.exit == .code(0), "\(sent.standardError)")
    }
}

extension String {
    /// As a page writes it.
    fileprivate var escaped: String { replacing("'", with: "&#39;") }
}
