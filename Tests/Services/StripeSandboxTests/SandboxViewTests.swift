import BusCore
import BusRuntime
import SandboxWorld
import TestSupport
import Testing

@testable import StripeSandbox

/// What the live page is told of an offline Stripe.
struct SandboxViewTests {
    private static let account = StripeFixture.accountID

    // MARK: The clock

    @Test func aLongWayOfTheClockIsOneMove() {
        let start = Timestamp(clampingSeconds: 1_785_600_000)
        var moves = ClockMoves()
        moves.add(secondsAhead: 0, at: start)
        #expect(moves.all.isEmpty, "nothing was moved")
        for day in 1...31 as ClosedRange<Int64> {
            moves.add(
                secondsAhead: day * 86_400, at: Timestamp(clampingNanoseconds: start.nanoseconds + day * 900_000_000))
        }
        let later = start.advanced(bySeconds: 600)
        moves.add(secondsAhead: 31 * 86_400 + 3_600, at: later)
        let month: Int64 = 31 * 86_400
        #expect(moves.all.map(\.after) == [month, month + 3_600])
        #expect(moves.worldTime(at: start) == start)
        #expect(moves.worldTime(at: start.advanced(bySeconds: 60)) == start.advanced(bySeconds: month + 60))
        #expect(moves.worldTime(at: later) == later.advanced(bySeconds: month + 3_600))
        #expect(moves.move(over: start.advanced(bySeconds: 86_400)) == moves.all.first)
        #expect(moves.move(over: start.advanced(bySeconds: -1)) == nil)
    }

    @Test func movesAndLinksSurviveARestart() throws {
        let folder = try TemporaryFolder()
        let first = try Self.home("\(folder.path)/journal")
        first.link("cs_local_1", to: "cs_test_1")
        _ = first.advance(bySeconds: 31 * 86_400)
        first.link("cs_local_1", to: "cs_test_2")
        let (before, after) = (Self.view(first), Self.view(try Self.home("\(folder.path)/journal")))
        #expect(before.moves.all.map(\.after) == [31 * 86_400])
        #expect(after.moves.all.map(\.after) == [31 * 86_400])
        let moved = try #require(before.moves.all.first?.at.nanoseconds)
        #expect(abs(moved - (after.moves.all.first?.at.nanoseconds ?? 0)) < 1_000_000_000)
        #expect(after.links.map(\.sessionID) == ["cs_test_1", "cs_test_2"], "each led there in its time")
        #expect(before.links.map(\.sessionID) == after.links.map(\.sessionID))
    }

    // MARK: Payments

    @Test func aPaymentIsItsSessionAndThenItsSubscription() throws {
        let home = try Self.home(nil)
        func id(_ path: String, _ form: String) throws -> String {
            let reply = home.handle(WorldCall(.post, path, ParameterTree(encoded: form)), host: nil)
            return try #require(try JSONValue(parsing: reply.body)["id"]?.text, "\(path)")
        }
        let product = try id("/v1/products", "name=Pro")
        let price = try id(
            "/v1/prices",
            "product=\(product)&currency=eur&unit_amount=1000&recurring[interval]=month&lookup_key=pro_month")
        func session(of account: String) throws -> String {
            try id(
                "/v1/checkout/sessions",
                "mode=subscription&client_reference_id=\(account)&success_url=https://a.example"
                    + "&line_items[0][price]=\(price)&line_items[0][quantity]=1")
        }
        let own = try session(of: Self.account)
        _ = try session(of: "somebody else")
        let open = Self.view(home).payments
        #expect(open.map(\.session) == [own] && open.first?.status == "open" && open.first?.subscription == nil)
        #expect(open.first?.name == "Pro" && open.first?.lookupKeys == ["pro_month"])
        _ = try home.act(.pay(email: "a@b.example"), onCheckout: own)
        let paid = try #require(Self.view(home).payments.first)
        #expect(paid.session == own && paid.subscription?.hasPrefix("sub_") == true && paid.status == "active")
        #expect(paid.price.replacing("\u{00A0}", with: " ") == "10.00 EUR per month")
    }

    // MARK: Webhooks

    @Test(
        arguments: [
            ([.status(200)], .delivered), ([.status(503), .status(200)], .delivered), ([.status(400)], .refused),
            ([.status(503)], .waiting), ([.failure("reset")], .waiting), ([], .waiting),
            (Array(repeating: .status(503), count: Limits.sandboxWebhookAttemptsMax), .failed),
            (Array(repeating: .status(400), count: Limits.sandboxWebhookAttemptsMax), .refused),
        ] as [([WebhookOutbox.Answer], SandboxView.Outcome)])
    func anAnswerDecidesTheOutcome(_ answers: [WebhookOutbox.Answer], _ outcome: SandboxView.Outcome) throws {
        let home = try Self.home(nil, forwardTo: "http://127.0.0.1:1/hook")
        _ = home.trigger(SampleEvent("customer.created"))
        var now = ContinuousClock.now
        for answer in answers {
            now += .seconds(1_000)
            let job = try #require(home.takeDue(at: now))
            let attempt = WebhookOutbox.Attempt(sentAt: .now, answeredAt: .now, answer: answer)
            home.finish(job, attempt, at: now)
        }
        let view = Self.view(home)
        #expect(view.counts == [outcome: 1] && view.webhooks.first?.outcome == outcome)
        #expect(view.webhooks.first?.attempts.count == answers.count)
    }

    @Test func whatADialKeepsBackIsDropped() throws {
        let home = try Self.home(nil, forwardTo: "http://127.0.0.1:1/hook")
        var dials = FaultDials()
        dials.webhooks.dropPercent = 100
        home.dials = dials
        _ = home.trigger(SampleEvent("customer.created"))
        #expect(Self.view(home).counts == [.dropped: 1])
    }

    private static func view(_ home: SandboxHome) -> SandboxView {
        home.look { SandboxView($0, of: account, payments: 10, webhooks: 100) }
    }

    private static func home(_ journal: String?, forwardTo target: String? = nil) throws -> SandboxHome {
        var environment = ["BUS_STRIPE_WEBHOOK_SECRET": "whsec_x"]
        environment["BUS_STRIPE_SANDBOX_FORWARD_TO"] = target
        var reader = SettingsReader(environment: environment)
        let settings = SandboxSettings(&reader)
        try reader.check()
        let home = SandboxHome(settings)
        if let journal { try home.resume(journalPath: journal, seed: settings.seed) }
        return home
    }
}
