import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL
import CSQLite
import TestSupport
import Testing

/// A file that the first release wrote, opened by this one.
struct ReleasedFileTests {
    private static let now = Timestamp(clampingSeconds: 1_795_800_000)

    @Test("everybody keeps the access they had")
    func standings() async throws {
        try await Self.withReleased { database in
            let expected: [(Int, SubscriptionStatus)] = [
                (1, .active), (2, .pastDue), (3, .canceled), (4, .pastDue), (5, .active), (6, .canceled), (7, .active),
                (8, .pastDue), (9, .incomplete),
            ]
            for (number, status) in expected {
                let standing = try await Self.standing(number, .test, database)
                #expect(standing.status == status, "account \(number)")
                #expect(standing.subscriptions.first?.isUndecided == [4, 8, 9].contains(number), "account \(number)")
            }
            let paying = try #require(try await Self.standing(1, .test, database).subscriptions.first)
            #expect(paying.planID == "llm-basic" && paying.customerID == "cus_1" && paying.features == ["llm:proxy"])
            #expect(paying.entitled == [.init(from: Timestamp(clampingSeconds: 1_785_600_000), until: nil)])
            let failing = try await Self.standing(2, .test, database).subscriptions.first
            #expect(failing?.pastDueSince == Timestamp(clampingSeconds: 1_785_600_050))
        }
    }

    @Test("a file with a live subscription is live, and its test purchases count no more")
    func mode() async throws {
        try await Self.withReleased { database in
            let mode = try await DeploymentMode.open(database, setting: nil)
            #expect(try await database.read { try mode.current(on: $0) } == .live)
            #expect(try await Self.standing(6, .live, database).status == .active)
            #expect(try await Self.standing(1, .live, database).status == .missing)
        }
    }

    @Test("what was used and held before counts on, in the mode of its account")
    func usage() async throws {
        try await Self.withReleased { database in
            let quota = Quota(feature: "llm:proxy", meterEventName: "bus_llm_tokens", window: .total, limit: 1)
            let moment = Timestamp(clampingSeconds: 1_795_720_700)
            let limit = CurrentQuota(quota, period: nil, at: moment)
            let counts = try await database.read { connection in
                try [(BillingMode.test, moment), (.test, Self.now), (.live, moment)].map { mode, now in
                    try UsageStore(connection, in: mode).counts(of: Self.account(1), for: [limit], at: now)[
                        limit.bucket]
                }
            }
            #expect(counts == [UsageCount(used: 500, held: 200), UsageCount(used: 500), UsageCount()])
        }
    }

    @Test("updates of before and after join into one set, in any order")
    func nextUpdates() async throws {
        let updates = [
            Self.update("evt_105", 1, "sub_1", .updated, .pastDue, "past_due", from: "active", at: 2_592_100),
            Self.update("evt_403", 4, "sub_4", .observed, .active, "active", at: 60),
            Self.update("evt_903", 9, "sub_9", .observed, .active, "active", at: 70),
            Self.update("evt_303", 3, "sub_3", .updated, .active, "active", at: 500),
            Self.update("evt_8xx", 8, "sub_8", .updated, .pastDue, "past_due", at: 30),
            Self.update("evt_102", 1, "sub_1", .updated, .active, "active", from: "incomplete", at: 0),
        ]
        for order in [updates, updates.reversed()] {
            try await Self.withReleased { database in
                try await database.write { connection in
                    for update in order {
                        _ = try SubscriptionStore(connection).apply(update, source: nil, at: Self.now)
                    }
                }
                #expect(try await Self.standing(1, .test, database).status == .pastDue)
                let failing = try await Self.standing(1, .test, database).subscriptions.first
                #expect(failing?.planID == "llm-basic" && failing?.customerID == "cus_1")
                let paid = (from: Timestamp(clampingSeconds: 1_785_600_000), until: failing?.pastDueSince)
                #expect(failing?.entitled == [.init(from: paid.from, until: paid.until)])
                #expect(try await Self.standing(4, .test, database).status == .active)
                #expect(try await Self.standing(4, .test, database).subscriptions.first?.isUndecided == false)
                #expect(try await Self.standing(3, .test, database).status == .canceled)
                #expect(try await Self.standing(9, .test, database).status == .active)
                #expect(try await Self.standing(8, .test, database).subscriptions.first?.isUndecided == true)
            }
        }
    }

    /// An unpaid session had the last word; what the subscription itself said is not in the file any more.
    @Test("what nobody has heard of since, and what is undecided, is asked about")
    func due() async throws {
        try await Self.withReleased { database in
            let due = try await database.write { connection in
                try SubscriptionReviews(connection).take(50, of: "stripe", in: .test, at: Self.now)
            }
            #expect(Set(due.map(\.subscriptionID)) == ["sub_1", "sub_2", "sub_4", "sub_8", "sub_9"])
        }
    }

    /// Runs `body` on the file, brought to today's schema.
    private static func withReleased(_ body: (SQLiteDatabase) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/billing.sqlite"
        let dump = try Repository.text("Tests/Support/TestSupport/Fixtures/billing/released.sql")
        var file: OpaquePointer?
        try #require(sqlite3_open(path, &file) == SQLITE_OK)
        try #require(sqlite3_exec(file, dump, nil, nil, nil) == SQLITE_OK)
        try #require(sqlite3_close(file) == SQLITE_OK)
        let database = try await SQLiteDatabase(path: path)
        try await database.migrateBilling()
        try await body(database)
        try database.close()
        withExtendedLifetime(folder) {}
    }

    private static func account(_ number: Int) -> String { "00000000-0000-4000-8000-00000000000\(number)" }

    private static func standing(
        _ number: Int, _ mode: BillingMode, _ database: SQLiteDatabase
    ) async throws -> AccountStanding {
        try await database.read { try SubscriptionStore($0).standing(of: account(number), in: mode) }
    }

    private static func update(
        _ id: String, _ number: Int, _ subscription: String, _ kind: SubscriptionUpdate.Kind,
        _ status: SubscriptionStatus, _ word: String, from previous: String? = nil, at second: Int64
    ) -> SubscriptionUpdate {
        var update = SubscriptionUpdate(
            eventID: id, accountID: account(number), provider: "stripe", status: status,
            occurredAt: Timestamp(clampingSeconds: 1_785_600_000 + second))
        update.providerSubscriptionID = subscription
        update.kind = kind
        update.providerStatus = word
        update.previousProviderStatus = previous
        return update
    }
}
