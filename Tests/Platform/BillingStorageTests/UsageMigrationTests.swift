import BillingCore
import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingStorage

/// The ledger of the released program, opened by this one.
struct UsageMigrationTests {
    private static let account = "00000000-0000-4000-8000-000000000001"
    private static let other = "00000000-0000-4000-8000-000000000002"
    private static let now = Timestamp(clampingSeconds: 1_785_600_000)

    /// Stores a row as the released program did.
    private static func store(
        _ key: String, _ state: String, sentAt: Int64? = nil, occurredAt: Int64? = nil, reason: String? = nil,
        of account: String = account, _ connection: any SQLConnection
    ) throws {
        let second: (Int64?) -> SQLValue = { $0.map { .integer($0 * 1_000_000_000) } ?? .null }
        try connection.run(
            """
            INSERT INTO bus_billing_usage_exports (account_id, idempotency_key, feature, meter_event_name, quantity,
              event_id, occurred_at, state, sent_at, provider, provider_event_id, reason, created_at, updated_at)
            VALUES ($1, $2, 'llm:proxy', 'tokens', 30, $2, $3, $4, $5, 'stripe', $6, $7, $8, $8)
            """,
            [
                .text(account), .text(key), second(occurredAt), .text(state), second(sentAt),
                state == "accepted" ? .text(key) : .null, .optional(reason), .integer(now.nanoseconds),
            ])
    }

    private static func migrated(_ kind: TestStore, isLive: Bool = false) async throws -> TestDatabase {
        let database = try await kind.open()
        try await database.migrate("billing", [BillingSchema.steps[0]])
        try await database.write { connection in
            try store("use_1", "accepted", occurredAt: now.seconds - 60, connection)
            try store("use_2", "sent", sentAt: now.seconds - 3_600, connection)
            try store("use_3", "refused", sentAt: now.seconds - 10, reason: "stripe_error", connection)
            try store("use_3", "refused", reason: "billing_required", of: other, connection)
            if isLive {
                var update = SubscriptionUpdate(
                    eventID: "evt_1", accountID: account, provider: "stripe", status: .active, occurredAt: now)
                update.livemode = true
                try connection.run(
                    """
                    INSERT INTO bus_billing_subscriptions (provider, livemode, name, account_id, status, undecided,
                      features, occurred_at, state, updated_at)
                    VALUES ('stripe', 1, 'sub_1', $1, 'active', 0, 'llm:proxy', 0, '{}', 0)
                    """, [.text(account)])
            }
        }
        try await database.migrateBilling()
        return database
    }

    private func row(
        _ key: String, _ mode: BillingMode = .test, of account: String = account, in database: TestDatabase
    ) async throws -> UsageExport? {
        var request = UsageExportRequest()
        (request.accountID, request.meterEventName, request.eventID) = (account, "tokens", key)
        let place = UsageKey(request, mode: mode)
        return try await database.read { try ExportLedger($0).export(place) }
    }

    @Test(
        "rows keep what they say; what was told keeps its key at the payment company, what was refused gets the new one",
        arguments: TestStore.allCases)
    func rows(_ store: TestStore) async throws {
        let database = try await Self.migrated(store)
        let accepted = try #require(try await row("use_1", in: database))
        #expect(accepted.state == .accepted(providerEventID: "use_1"))
        #expect(accepted.usedAt == Self.now.advanced(bySeconds: -60) && accepted.dueAt == nil)
        let sent = try #require(try await row("use_2", in: database))
        #expect(sent.state == .sent(since: Self.now.advanced(bySeconds: -3_600)))
        #expect(sent.providerKey == "use_2" && sent.dueAt == Self.now && !sent.isLeased(at: Self.now))
        // It was told without a time, and a key stands for one set of parameters.
        #expect(sent.request.occurredAt == nil && sent.usedAt == Self.now)
        let refused = try #require(try await row("use_3", in: database))
        #expect(refused.state == .refused(reason: "stripe_error"))
        #expect(refused.providerKey.hasPrefix("use_3~"))
        #expect(try await row("use_3", of: Self.other, in: database)?.state == .refused(reason: "billing_required"))
    }

    @Test(
        "what was sent and not answered is sent again by itself, under its old key, and not after a day",
        arguments: TestStore.allCases)
    func sent(_ store: TestStore) async throws {
        let database = try await Self.migrated(store)
        let due = try await database.read { try ExportLedger($0).due(at: Self.now, onlySent: false, atMost: 10) }
        #expect(due.map(\.key.text) == ["use_2"])
        var row = try #require(due.first)
        let request = row.beginSending(to: "cus_1", answerSeconds: 30, at: Self.now)?.meterEvent
        #expect(request?.idempotencyKey == "use_2" && request?.occurredAt == nil)
        var late = try #require(due.first)
        let again = late.beginSending(to: "cus_1", answerSeconds: 30, at: Self.now.advanced(bySeconds: 22 * 3_600))
        #expect(again == nil)
        #expect(late.state == .unanswered)
    }

    @Test("rows of a deployment that is live are live", arguments: TestStore.allCases)
    func live(_ store: TestStore) async throws {
        let database = try await Self.migrated(store, isLive: true)
        #expect(try await row("use_1", .live, in: database)?.state.isAccepted == true)
        #expect(try await row("use_1", .test, in: database) == nil)
    }

    @Test("every row is stored as it is read", arguments: TestStore.allCases)
    func roundTrip(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        var request = UsageExportRequest()
        (request.accountID, request.feature, request.meterEventName) = (Self.account, "llm:proxy", "tokens")
        (request.quantity, request.holdID) = (7, "hold_1")
        var rows: [UsageExport] = []
        for (number, outcome) in [
            UsageOutcome.accepted(providerEventID: "x"), .refused(reason: "r"), .notTaken(reason: "n"),
            .unknown(reason: "u"), .unknown(reason: "u"),
        ].enumerated() {
            request.eventID = "use_\(number)"
            var row = UsageExport(request, usedAt: Self.now, mode: .live, provider: "stripe", at: Self.now)
            rows.append(row)
            let begun = row.beginSending(to: "cus_1", answerSeconds: 30, at: Self.now)
            rows.append(row)
            row.end(try #require(begun), outcome, at: Self.now, random: 0.5)
            rows.append(row)
            row.expire(at: Self.now.advanced(bySeconds: 24 * 3_600))
            rows.append(row)
        }
        for row in rows {
            try await database.write { try ExportLedger($0).save(row, at: Self.now) }
            #expect(try await database.read { try ExportLedger($0).export(row.key) } == row)
        }
    }

    @Test("what is due and what is unanswered are found by an index, however many rows there are")
    func indexes() async throws {
        let database = try SQLiteDatabase()
        try await database.migrateBilling()
        let plans = try await database.read { connection in
            try [
                "EXPLAIN QUERY PLAN SELECT MIN(due_at) FROM bus_billing_usage_exports WHERE due_at IS NOT NULL",
                "EXPLAIN QUERY PLAN SELECT MIN(used_at) FROM bus_billing_usage_exports WHERE due_at IS NOT NULL",
                "EXPLAIN QUERY PLAN SELECT COUNT(*) FROM bus_billing_usage_exports WHERE state = 'sent'",
                "EXPLAIN QUERY PLAN SELECT MIN(due_at) FROM bus_billing_usage_exports WHERE state = 'sent'",
            ].map { try connection.rows($0).map { try $0.text(3) }.joined() }
        }
        for (plan, index) in zip(plans, ["due", "waiting", "sent", "sent"]) {
            #expect(plan.contains("bus_billing_usage_exports_\(index)"), "\(plan)")
        }
    }
}
