import BillingCore
import BillingStorage
import BusContract
import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker
@testable import BusSQL

/// What names a person is removed, and the books stay.
struct ForgetTests {
    private static let alias = ForgottenAccount.alias(of: BillingBench.account)
    private static let other = "00000000-0000-4000-8000-000000000002"

    @Test("the new id of an account is the same for good: it is stored")
    func alias() {
        #expect(
            ForgottenAccount.alias(of: "00000000-0000-4000-8000-000000000001")
                == "a8dd806e-044f-8082-ab98-6170b825aac2")
    }

    @Test(
        "no table names a forgotten account or its customer, and its books stay under the new id",
        arguments: TestStore.allCases)
    func removed(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.live()
            let shown = try await bench.forget()
            #expect(shown["forgotten"] == false && shown["forgotten_as"] == .string(Self.alias))
            #expect(
                shown["customers"]?.elements?.compactMap { $0["provider_customer_id"]?.text } == ["cus_1", "cus_7"])
            #expect(shown["running"] == [])
            let before = try await bench.texts()
            #expect(before.contains { $0.contains(BillingBench.account) } && before.contains { $0.contains("cus_1") })

            let done = try await bench.forget(confirm: Self.alias, at: BillingBench.noon)
            #expect(done["forgotten"] == true && done["forgotten_at"]?.text == BillingBench.noon.rfc3339)
            let after = try await bench.texts()
            #expect(after.filter { $0.contains(BillingBench.account) } == [])
            #expect(after.filter { $0.contains("cus_1") || $0.contains("cus_7") } == [])
            #expect(after.contains { $0.contains(Self.other) } && after.contains { $0.contains("cus_2") })

            let kept = try await bench.forget()
            for rows in ["subscriptions", "updates", "usages", "counts"] {
                #expect(kept[rows] == shown[rows], "\(rows)")
            }
            #expect(kept["subscriptions"] == 3 && kept["updates"] == 6 && kept["usages"] == 1)
            #expect(kept["holds"] == 0 && kept["customers"] == [] && kept["forgotten"] == true)
        }
    }

    @Test("forgetting twice changes nothing", arguments: TestStore.allCases)
    func twice(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.live()
            _ = try await bench.forget(confirm: Self.alias)
            let once = try await bench.texts()
            let again = try await bench.forget(confirm: Self.alias, at: BillingBench.noon.advanced(bySeconds: 60))
            #expect(again["forgotten_at"]?.text == BillingBench.noon.rfc3339)
            #expect(try await bench.texts() == once)
        }
    }

    @Test(
        "a subscription that is paid and usage that waits stop it, unless it is forced", arguments: TestStore.allCases)
    func inUse(_ store: TestStore) async throws {
        let away = UsageOutcome.notTaken(reason: "stripe_auth_failed")
        let silence = UsageOutcome.unknown(reason: "stripe_unavailable")
        let provider = ScriptedProvider(outcomes: [away, silence])
        try await BillingBench.run(on: store, provider: provider) { bench in
            try await bench.update("evt_1", "past_due")
            #expect(try await bench.refusal(confirm: Self.alias)?.message.contains("sub_1") == true)
            try await bench.update("evt_2", "active", at: BillingBench.noon.seconds + 1)
            #expect(try await bench.export("use_1", 30)["queued"] == true)
            #expect(try await bench.export("use_2", 40)["queued"] == true)
            try await bench.update("evt_3", "canceled", at: BillingBench.noon.seconds + 2)
            let waiting = try await bench.refusal(confirm: Self.alias)
            #expect(waiting?.code == "account_in_use" && waiting?.message.hasPrefix("2 usages") == true)
            #expect(try await bench.texts().contains { $0.contains(Self.alias) } == false)

            _ = try await bench.forget(confirm: Self.alias, force: true)
            let reasons = try await bench.database.read { connection in
                try connection.rows("SELECT reason, due_at FROM bus_billing_usage_exports ORDER BY idempotency_key")
                    .map { [try $0.textOrNil(0), try $0.integerOrNil(1).map(String.init)] }
            }
            #expect(reasons == [["account_forgotten", nil], ["outcome_unknown", nil]])
            try await bench.send(at: BillingBench.noon.advanced(bySeconds: 86_400))
            #expect(bench.provider.usages.count == 2)
        }
    }

    @Test("only the id that the account would go by confirms it")
    func confirmation() async throws {
        try await BillingBench.run { bench in
            try await bench.live()
            for word in ["yes", BillingBench.account, ForgottenAccount.alias(of: Self.other)] {
                #expect(try await bench.refusal(confirm: word)?.code == "invalid_request")
            }
            #expect(try await bench.texts().contains { $0.contains(BillingBench.account) })
        }
    }

    @Test(
        "what comes later about a forgotten account is kept under the new id and opens nothing",
        arguments: TestStore.allCases)
    func later(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.live()
            _ = try await bench.forget(confirm: Self.alias)
            // A webhook that comes again, a renewal of what runs, and a page that was still open.
            try await bench.update("evt_1", "active")
            let renewed = try await bench.update("evt_9", "active", at: BillingBench.noon.seconds + 90)
            #expect(renewed["account_id"] == .string(Self.alias))
            try await bench.update("evt_10", "active", subscription: "sub_9", at: BillingBench.noon.seconds + 91)
            // An old one of a subscription that another account has taken over.
            try await bench.update("evt_14", "active", subscription: "sub_2")
            // First without an account, then with one.
            try await bench.unlinked("evt_11", subscription: "sub_10", customer: "cus_1")
            try await bench.update("evt_12", "active", subscription: "sub_10", at: BillingBench.noon.seconds + 92)
            try await bench.unlinked("evt_13", subscription: "sub_9", customer: "cus_1")

            #expect(try await bench.check()["allowed"] == false)
            #expect(try await bench.export("use_9", 5)["reason"] == "account_forgotten")
            let offer = await bench.ask(
                Exchange.checkoutSession.request, ["account_id": .string(BillingBench.account)])
            #expect(offer.error?.code == "account_forgotten" && bench.provider.offers.isEmpty)
            let texts = try await bench.texts()
            #expect(texts.filter { $0.contains(BillingBench.account) || $0.contains("cus_1") } == [])
            let report = try await bench.forget()
            #expect(report["running"] == ["sub_1", "sub_10", "sub_9"])
        }
    }

    @Test("usage that is being handed over is waited for, and an answer after the end brings nothing back")
    func underWay() async throws {
        try await BillingBench.run { bench in
            try await bench.update("evt_1", "active")
            let desk = bench.requests.sender.desk
            let request = try UsageExportRequest(JSONText(BillingBench.usage("use_1", 7)))
            let step = try await desk.beginExport(
                request, usedAt: BillingBench.noon, bench.provider.terms, eventID: nil, at: BillingBench.noon)
            guard case .send(let sending) = step else { throw NeverHappened(what: "usage is sent") }
            let busy = try await bench.refusal(confirm: Self.alias, force: true)
            #expect(busy?.code == "billing_unavailable")
            let later = BillingBench.noon.advanced(bySeconds: 120)
            _ = try await bench.forget(confirm: Self.alias, force: true, at: later)
            _ = try await desk.endExport(
                sending, .accepted(providerEventID: "x"), eventID: nil, at: later.advanced(bySeconds: 1))
            #expect(try await bench.texts().filter { $0.contains(BillingBench.account) } == [])
        }
    }

    @Test("a new id never leads back, is a UUID, and is the same everywhere")
    func aliases() {
        #expect(Self.alias == "a8dd806e-044f-8082-ab98-6170b825aac2")
        #expect(UUIDText.normalized(Self.alias) == Self.alias)
        #expect(Self.alias != ForgottenAccount.alias(of: Self.other))
    }
}

extension BillingBench {
    private static let neighbour = "00000000-0000-4000-8000-000000000002"

    /// An account with a past: two subscriptions that ended, one without an id, usage, a hold; and another account
    /// that took one of its subscriptions over.
    fileprivate func live() async throws {
        try await update("evt_1", "active")
        try await update("evt_2", "active", subscription: nil, more: ["provider_customer_id": "cus_7"])
        #expect(try await check(quantity: 5)["allowed"] == true)
        #expect(try await export("use_1", 30, more: ["hold_id": "none"])["exported"] == true)
        try await update("evt_3", "active", subscription: "sub_2")
        try await update(
            "evt_4", "active", subscription: "sub_2", at: Self.noon.seconds + 1,
            more: ["account_id": .string(Self.neighbour), "provider_customer_id": "cus_2"])
        for (event, subscription) in [("evt_5", "sub_1"), ("evt_6", nil)] as [(String, String?)] {
            try await update(event, "canceled", subscription: subscription, at: Self.noon.seconds + 2)
        }
        try await update("evt_7", "canceled", subscription: "sub_3", at: Self.noon.seconds + 2)
    }

    fileprivate func unlinked(_ event: String, subscription: String, customer: String) async throws {
        _ = try await answer(
            Exchange.unlinkedUpdate.request,
            [
                "event_id": .string(event), "provider": "stripe", "status": "active",
                "provider_subscription_id": .string(subscription), "provider_customer_id": .string(customer),
                "occurred_at": .string(Self.noon.advanced(bySeconds: 30).rfc3339),
            ])
    }

    fileprivate func forget(
        confirm: String? = nil, force: Bool = false, at now: Timestamp = noon
    ) async throws -> JSONValue {
        try await answer(Exchange.accountForget.request, Self.request(confirm, force), at: now)
    }

    fileprivate func refusal(confirm: String?, force: Bool = false) async throws -> EventError? {
        await ask(Exchange.accountForget.request, Self.request(confirm, force)).error
    }

    private static func request(_ confirm: String?, _ force: Bool) -> JSONValue {
        var request: [String: JSONValue] = ["account_id": .string(account)]
        request["confirm"] = confirm.map { .string($0) }
        if force { request["force"] = true }
        return .object(request)
    }

    /// Every text of every table, with its table in front; answers to requests end by themselves.
    fileprivate func texts() async throws -> [String] {
        let dialect = database.dialect
        return try await database.read { connection in
            var texts: [String] = []
            for table in try connection.tables(dialect) where table != "bus_billing_handled_events" {
                for row in try connection.rows("SELECT * FROM " + SQL(name: table)) {
                    var column = 0
                    while let text = try? row.readableText(column) ?? "" {
                        if !text.isEmpty { texts.append("\(table): \(text)") }
                        column += 1
                    }
                }
            }
            return texts.sorted()
        }
    }
}

extension SQLConnection {
    /// The tables of this database, those of later releases too.
    fileprivate func tables(_ dialect: SQLDialect) throws -> [String] {
        switch dialect {
        case .sqlite:
            try rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'bus%'").map { try $0.text(0) }
        case .postgres:
            try rows("SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = current_schema()")
                .map { try $0.text(0) }
        }
    }
}
