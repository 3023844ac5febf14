import BillingCore
import BillingStorage
import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

struct SubscriptionStoreTests {
    private static let now = Timestamp(clampingSeconds: 1_785_700_000)

    @Test(
        "any order of arrival, facts without an account and both modes among them, ends in the same rows",
        arguments: TestStore.allCases)
    func anyOrder(_ store: TestStore) async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(8, proof: 400) {
            let count = Int.random(in: 5...100, using: &random)
            let test = SubscriptionHistory(count: count, .init(sameSecond: 60, unlinked: 40), &random)
            let live = SubscriptionHistory(count: 10, .init(sameSecond: 60, unlinked: 40, isLive: true), &random)
            let updates = test.updates + live.updates
            var ends: Set<[SQLRowText]> = []
            for _ in 0..<3 {
                let order = (updates + updates.prefix(5)).shuffled(using: &random)
                ends.insert(try await SubscriptionStoreTests.rows(after: order, on: store))
            }
            #expect(ends.count == 1, "seed \(PropertySettings.seed)")
        }
    }

    @Test("what a row says is what the set of its updates says", arguments: TestStore.allCases)
    func rowsSayWhatTheSetSays(_ store: TestStore) async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(20, proof: 500) {
            let history = SubscriptionHistory(count: 20, sameSecond: 50, &random)
            let database = try await store.open()
            try await database.migrateBilling()
            let updates = history.updates
            let standing = try await database.write { connection in
                let store = SubscriptionStore(connection)
                for update in updates { _ = try store.apply(update, source: nil, at: Self.now) }
                return try store.standing(of: SubscriptionHistory.account, in: .test)
            }
            #expect(standing.subscriptions == [SubscriptionHistory.decided(updates)?.standing].compactMap(\.self))
        }
    }

    @Test(
        "a session that named no subscription steps back behind the account's subscription, in any order",
        arguments: TestStore.allCases)
    func unnamedSession(_ store: TestStore) async throws {
        var session = Self.update("evt_1", .checkout, .active)
        session.providerSubscriptionID = nil
        session.mode = .subscription
        session.sessionID = "cs_1"
        let named = [Self.update("evt_2", .created, .active), Self.update("evt_3", .deleted, .canceled)]
        for order in [[session] + named, named + [session]] {
            let database = try await store.open()
            try await database.migrateBilling()
            let alone = try await Self.apply([session], to: database)
            #expect(alone.status == .incomplete && alone.customerID(provider: "stripe") == "cus_1")
            let standing = try await Self.apply(order, to: database)
            #expect(standing.status == .canceled && standing.subscriptions.count == 1)
        }
    }

    @Test(
        "subscriptions without an account are kept within their number and their time, and linked ones stay",
        arguments: TestStore.allCases)
    func unlinkedBounds(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        _ = try await Self.apply([Self.update("evt_0", .created, .active)], to: database)
        try await database.write { connection in
            let store = SubscriptionStore(connection)
            for number in 0..<40 {
                var update = Self.update("evt_u\(number)", .created, .active)
                (update.accountID, update.features) = (nil, [])
                update.providerSubscriptionID = "sub_u\(number)"
                let change = try store.apply(
                    update, source: nil, at: Self.now.advanced(bySeconds: Int64(number)))
                #expect(!change.isApplied && change.standing.accountID == nil)
            }
        }
        func forget(before seconds: Int64, keeping: Int, atMost count: Int) async throws -> Int {
            try await database.write { connection in
                try SubscriptionStore(connection).forgetUnlinked(
                    before: Self.now.advanced(bySeconds: seconds), keeping: keeping, atMost: count)
            }
        }
        #expect(try await forget(before: 10, keeping: 100, atMost: 4) == 4)
        #expect(try await forget(before: 10, keeping: 100, atMost: 500) == 6)
        #expect(try await Self.names(database).contains("subscription:sub_u10"))
        #expect(try await forget(before: 0, keeping: 20, atMost: 500) == 10)
        #expect(try await !Self.names(database).contains("subscription:sub_u19"))
        #expect(try await Self.names(database).contains("subscription:sub_u20"))
        #expect(try await Self.names(database).contains("subscription:sub_1"))
        let audited = try await database.read {
            try $0.first("SELECT COUNT(*) FROM bus_billing_subscription_updates")?.integer(0)
        }
        #expect(audited == 1)
    }

    @Test(
        "rows that are due are taken once, asked again later and later, and forgotten when something is heard",
        arguments: TestStore.allCases)
    func reviews(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        var paid = Self.update("evt_1", .created, .active)
        paid.currentPeriodEnd = Self.now.advanced(bySeconds: -3 * 86_400)
        _ = try await Self.apply([paid], to: database)
        func take(after seconds: Int64) async throws -> [SubscriptionReviews.Due] {
            try await database.write { connection in
                try SubscriptionReviews(connection).take(
                    10, of: "stripe", in: .test, at: Self.now.advanced(bySeconds: seconds))
            }
        }
        let first = try await take(after: 0)
        #expect(first.map(\.subscriptionID) == ["sub_1"])
        #expect(first.map(\.accountID) == [SubscriptionHistory.account])
        #expect(try await take(after: 299).isEmpty)
        #expect(try await take(after: 300).map(\.requests) == [1])
        #expect(try await take(after: 899).isEmpty)
        #expect(try await take(after: 900).map(\.requests) == [2])
        let count = try await database.read {
            try SubscriptionReviews($0).count(of: "stripe", in: .test, at: Self.now)
        }
        #expect(count.unheard == 1 && count.undecided == 0)
        var renewed = Self.update("evt_2", .updated, .active, at: Self.now.seconds)
        renewed.currentPeriodEnd = Self.now.advanced(bySeconds: 86_400)
        _ = try await Self.apply([renewed], to: database)
        #expect(try await take(after: 2 * 86_400).isEmpty)
        #expect(try await take(after: 4 * 86_400).map(\.requests) == [0])
    }

    @Test(
        "a request that comes again is told what its update changed, and another one that nothing changed",
        arguments: TestStore.allCases)
    func repeatedRequest(_ store: TestStore) async throws {
        let database = try await store.open()
        try await database.migrateBilling()
        func apply(_ update: SubscriptionUpdate, _ requestID: String?) async throws -> SubscriptionStore.Change {
            try await database.write {
                try SubscriptionStore($0).apply(update, source: nil, requestID: requestID, at: Self.now)
            }
        }
        let created = Self.update("evt_1", .created, .active)
        let first = try await apply(created, "request_1")
        #expect(first.isApplied && !first.isRepeated)
        let gone = try await apply(Self.update("evt_2", .deleted, .canceled, at: Self.now.seconds), "request_2")
        #expect(gone.isApplied)
        let again = try await apply(created, "request_1")
        #expect(again.isApplied && again.isRepeated && again.standing.status == .canceled)
        for other in ["request_3", nil] {
            let known = try await apply(created, other)
            #expect(!known.isApplied && !known.isRepeated)
        }
        var unlinked = Self.update("evt_3", .updated, .canceled, at: Self.now.seconds)
        unlinked.accountID = nil
        for _ in 0..<2 { #expect(try await !apply(unlinked, "request_4").isRepeated) }
    }

    // MARK: Helpers

    typealias SQLRowText = String

    /// All rows as texts, without what says when and by whom.
    private static func rows(
        after updates: [SubscriptionUpdate], on store: TestStore
    ) async throws -> [SQLRowText] {
        let database = try await store.open()
        try await database.migrateBilling()
        return try await database.write { connection in
            let store = SubscriptionStore(connection)
            for update in updates { _ = try store.apply(update, source: nil, at: now) }
            return try connection.rows(
                """
                SELECT name, livemode, account_id, status, undecided, features, COALESCE(plan_id, ''),
                  COALESCE(customer_id, ''), occurred_at, COALESCE(kind, ''), COALESCE(provider_status, ''),
                  COALESCE(prices, ''), COALESCE(period_end, 0), COALESCE(cancel_at, 0), COALESCE(past_due_since, 0),
                  COALESCE(entitled, ''), COALESCE(due_at, 0), state
                FROM bus_billing_subscriptions ORDER BY livemode
                """
            ).map { "\($0)" }
        }
    }

    private static func names(_ database: TestDatabase) async throws -> Set<String> {
        Set(
            try await database.read { try $0.rows("SELECT name FROM bus_billing_subscriptions").map { try $0.text(0) } }
        )
    }

    private static func apply(
        _ updates: [SubscriptionUpdate], to database: TestDatabase
    ) async throws -> AccountStanding {
        try await database.write { connection in
            let store = SubscriptionStore(connection)
            for update in updates { _ = try store.apply(update, source: nil, at: now) }
            return try store.standing(of: SubscriptionHistory.account, in: .test)
        }
    }

    private static func update(
        _ id: String, _ kind: SubscriptionUpdate.Kind, _ status: SubscriptionStatus, at second: Int64 = 1_785_600_000
    ) -> SubscriptionUpdate {
        var update = SubscriptionUpdate(
            eventID: id, accountID: SubscriptionHistory.account, provider: "stripe", status: status,
            occurredAt: Timestamp(clampingSeconds: second))
        update.providerSubscriptionID = "sub_1"
        update.providerCustomerID = "cus_1"
        update.features = ["llm:proxy"]
        update.kind = kind
        return update
    }
}
