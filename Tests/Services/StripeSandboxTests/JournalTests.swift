import BusCore
import BusRuntime
import SandboxWorld
import TestSupport
import Testing

@testable import StripeSandbox

/// A world is made again from its journal, with its ids, its clock and the links of local mode.
struct JournalTests {
    private static let taken = WebhookOutbox.Attempt(sentAt: .now, answeredAt: .now, answer: .status(200))

    @Test func theWorldOfAJournalIsTheOneThatWroteIt() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal"
        let first = try home(path)
        let ids = Buyer(home: first).buy()
        first.link("cs_local_1", to: ids.session)
        _ = first.advance(bySeconds: 40 * 86_400)
        _ = first.trigger(SampleEvent("customer.subscription.updated"))
        let portal = Buyer(home: first).portal(of: ids.customer)
        _ = try first.act(.cancelAtPeriodEnd(subscription: ids.subscription), onPortal: portal)
        // A call that was refused leaves no trace, and reading none either.
        _ = first.handle(WorldCall(.post, "/v1/prices"), host: nil)

        let second = try home(path)
        for list in ["subscriptions", "invoices", "customers", "checkout/sessions", "prices", "events"] {
            #expect(Buyer(home: second).list(list) == Buyer(home: first).list(list), "\(list)")
        }
        #expect(abs(second.clock.now.seconds - first.clock.now.seconds) < 60)
        #expect(second.session(behind: "cs_local_1") == ids.session)
        #expect(second.deliveries(count: 10).isEmpty, "there was nobody to send to")
        // Both go on alike.
        #expect(Buyer(home: second).id(.post, "/v1/customers") == Buyer(home: first).id(.post, "/v1/customers"))
    }

    private static let forwarding = [
        "BUS_STRIPE_SANDBOX_FORWARD_TO": "http://127.0.0.1:1/hook", "BUS_STRIPE_WEBHOOK_SECRET": "whsec_x",
    ]

    @Test func whatWasNotSentIsSentAfterTheNextStart() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal"
        let first = try home(path, Self.forwarding)
        let ids = Buyer(home: first).buy()
        #expect(!ids.subscription.isEmpty)
        let all = first.deliveries(count: 1_000).map(\.event.id)
        #expect(all.count > 8)
        // A stop before the first answer loses nothing.
        #expect(try home(path, Self.forwarding).deliveries(count: 1_000).map(\.event.id) == all)

        // Nothing is left, in whatever order it was answered.
        let later = ContinuousClock.now + .seconds(60)
        var count = 0
        while true {
            var jobs: [WebhookOutbox.Job] = []
            while let job = first.takeDue(at: later) { jobs.append(job) }
            if jobs.isEmpty { break }
            for job in jobs.reversed() { first.finish(job, Self.taken, at: .now) }
            count += jobs.count
        }
        #expect(count == all.count)
        #expect(try home(path, Self.forwarding).deliveries(count: 1_000).isEmpty)

        // Something sent again counts for nothing, and something new is owed.
        #expect(first.resend(all[0]))
        _ = first.advance(bySeconds: 40 * 86_400)
        let resent = try #require(first.takeDue(at: later))
        #expect(resent.event.id == all[0])
        first.finish(resent, Self.taken, at: .now)
        let owed = try home(path, Self.forwarding).deliveries(count: 1_000).map(\.event)
        #expect(owed.contains { $0.type == "invoice.paid" } && !owed.contains { all.contains($0.id) })
    }

    @Test func onlyWhatIsLeftOfManyIsSentAgain() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal"
        let first = try home(path, Self.forwarding)
        for _ in 0..<1_000 { _ = Buyer(home: first).id(.post, "/v1/customers") }
        let later = ContinuousClock.now + .seconds(60)
        for _ in 0..<950 {
            let job = try #require(first.takeDue(at: later))
            first.finish(job, Self.taken, at: .now)
        }
        let again = try home(path, Self.forwarding).deliveries(count: 2_000).count
        #expect(50..<150 ~= again, "\(again)")
    }

    @Test("what an earlier release wrote counts as sent, and so does what this one would tell otherwise")
    func unknownMarks() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal"
        for _ in 0..<3 { _ = Buyer(home: try home(path)).id(.post, "/v1/customers") }
        func rewrite(_ change: (JournalEntry) -> JournalEntry?) throws {
            let lines = WorldJournal.entries(path: path).compactMap(change).map {
                String(decoding: $0.json.serialized(), as: UTF8.self)
            }
            _ = try folder.write(lines.map { $0 + "\n" }.joined(), to: "journal")
        }
        try rewrite { entry in if case .sent = entry.change { nil } else { entry } }
        #expect(try home(path, Self.forwarding).deliveries(count: 10).isEmpty)
        let time = try #require(WorldJournal.entries(path: path).last?.time)
        let strange = JournalEntry(time: time, change: .sent(event: "evt_of_another_release"))
        _ = Buyer(home: try home(path)).id(.post, "/v1/customers")
        try rewrite { entry in if case .sent = entry.change { strange } else { entry } }
        #expect(try home(path, Self.forwarding).deliveries(count: 10).count <= 1)
    }

    @Test func whatHappenedKeepsItsTime() throws {
        let folder = try TemporaryFolder()
        let then = Timestamp(clampingSeconds: 1_767_225_600)
        let entry = JournalEntry(time: then, change: .call(WorldCall(.post, "/v1/customers")))
        _ = try folder.write("\(String(decoding: entry.json.serialized(), as: UTF8.self))\n", to: "journal")
        let customer = Buyer(home: try home("\(folder.path)/journal")).answer(.get, "/v1/customers")
        #expect(customer?["data"]?.elements?.first?["created"]?.integer == then.seconds)
    }

    @Test func whatCannotBeReadIsLeftOut() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/journal"
        let first = try home(path)
        let id = Buyer(home: first).id(.post, "/v1/customers", "name=A")
        let calls = WorldJournal.entries(path: path).filter { if case .call = $0.change { true } else { false } }
        let whole = try #require(calls.last)
        let text = String(decoding: whole.json.serialized(), as: UTF8.self)
        _ = try folder.write(
            "\(text)\nnot json\n{\"at\":\"2026-01-01T00:00:00Z\",\"later\":1}\n\(text.dropLast(9))", to: "journal")
        #expect(WorldJournal.entries(path: path) == [whole])
        #expect(Buyer(home: try home(path)).list("customers").contains(id))
        #expect(throws: JournalFault.self) { try home("\(folder.path)/nowhere/journal") }
    }

    @Test(arguments: [
        JournalEntry.Change.checkout("cs_1", .pay(email: nil)), .checkout("cs_1", .pay(email: "a@b.example")),
        .checkout("cs_1", .payByDebit(email: nil, settles: true)),
        .checkout("cs_1", .payByDebit(email: "x", settles: false)), .checkout("cs_1", .decline),
        .checkout("cs_1", .cancel), .portal("bps_1", .cancelNow(subscription: "sub_1")),
        .portal("bps_1", .cancelNow(subscription: "sub_1", reason: .tooComplex)),
        .portal("bps_1", .cancelAtPeriodEnd(subscription: "sub_1", reason: .unused)),
        .portal("bps_1", .changeQuantity(subscription: "sub_1", quantity: 7)), .portal("bps_1", .replaceMethod),
        .portal("bps_1", .changeDetails([.email: "a@b.example", .phone: ""])),
        .portal("bps_1", .cancelAtPeriodEnd(subscription: "sub_1")), .portal("bps_1", .resume(subscription: "sub_1")),
        .portal("bps_1", .changePlan(subscription: "sub_1", price: "price_1")),
        .portal("bps_1", .failNextPayment(subscription: "sub_1", attempts: 3)),
        .invoice(page: "test_1"), .sample(SampleEvent("customer.created", planID: "pro", connectedAccount: "acct_1")),
        .clock(offsetSeconds: 86_400), .link(localID: "cs_local_1", sessionID: "cs_1"),
        .sent(event: "evt_1"),
        .call(
            WorldCall(
                .post, "/v1/prices", ParameterTree(encoded: "a[b][0]=c&d=%22%0A"),
                headers: WorldCall.Headers(idempotencyKey: "k", version: "2024-06-20", account: "acct_1"))),
    ])
    func everyChangeIsReadAsItWasWritten(_ change: JournalEntry.Change) throws {
        let entry = JournalEntry(time: Timestamp(clampingNanoseconds: 1_785_542_400_123_456_789), change: change)
        let line = entry.json.serialized()
        #expect(!line.contains(UInt8(ascii: "\n")))
        #expect(JournalEntry(try JSONValue(parsing: line)) == entry)
    }

    private func home(_ path: String, _ environment: [String: String] = [:]) throws -> SandboxHome {
        var reader = SettingsReader(environment: environment)
        let settings = SandboxSettings(&reader)
        try reader.check()
        let home = SandboxHome(settings)
        try home.resume(journalPath: path, seed: settings.seed)
        return home
    }
}

/// Somebody who uses the API without a socket.
private struct Buyer {
    let home: SandboxHome

    func answer(_ method: WorldCall.Method, _ path: String, _ form: String = "") -> JSONValue? {
        let reply = home.handle(WorldCall(method, path, ParameterTree(encoded: form)), host: nil)
        return try? JSONValue(parsing: reply.body)
    }

    func id(_ method: WorldCall.Method, _ path: String, _ form: String = "") -> String {
        answer(method, path, form)?["id"]?.text ?? ""
    }

    func list(_ name: String) -> String {
        // A request's id also counts calls that change nothing, which are not kept.
        (answer(.get, "/v1/\(name)", "limit=100").map { String(decoding: $0.serialized(), as: UTF8.self) } ?? "")
            .replacing(#/req_\w+/#, with: "req")
    }

    func portal(of customer: String) -> String {
        id(.post, "/v1/billing_portal/sessions", "customer=\(customer)&return_url=https://a.example")
    }

    func buy() -> (session: String, customer: String, subscription: String) {
        let product = id(.post, "/v1/products", "name=Pro")
        let price = id(
            .post, "/v1/prices", "product=\(product)&currency=eur&unit_amount=1000&recurring[interval]=month")
        let session = id(
            .post, "/v1/checkout/sessions",
            "mode=subscription&line_items[0][price]=\(price)&line_items[0][quantity]=1&success_url=https://a.example")
        _ = try? home.act(.pay(email: "a@b.example"), onCheckout: session)
        let paid = answer(.get, "/v1/checkout/sessions/\(session)")
        return (session, paid?["customer"]?.text ?? "", paid?["subscription"]?.text ?? "")
    }
}
