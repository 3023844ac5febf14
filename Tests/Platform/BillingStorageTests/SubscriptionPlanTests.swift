import BusCore
import BusSQL
import Testing

@testable import BillingStorage

/// Every look at a subscription finds its rows by an index, however many there are.
struct SubscriptionPlanTests {
    @Test("checks and reviews read through an index of their own")
    func plans() async throws {
        let database = try SQLiteDatabase()
        try await database.migrateBilling()
        let place: [SQLValue] = [.text("stripe"), .integer(0), .integer(1)]
        let queries: [(SQL, [SQLValue], String)] = [
            (
                SubscriptionStore.ofAccount, [.text("a"), .integer(0)],
                "bus_billing_subscriptions_account (account_id=?)"
            ),
            (
                SubscriptionReviews.dueRows, place + [.integer(20)],
                "bus_billing_subscriptions_due (provider=? AND livemode=? AND due_at<?)"
            ),
            (
                SubscriptionReviews.dueCount, place,
                "bus_billing_subscriptions_due (provider=? AND livemode=? AND due_at<?)"
            ),
        ]
        for (query, values, index) in queries {
            let plan = try await database.read { connection in
                try connection.rows("EXPLAIN QUERY PLAN " + query, values).map { try $0.text(3) }
            }
            #expect(plan.first?.hasSuffix(index) == true, "\(plan)")
            #expect(!plan.contains { $0.contains("TEMP B-TREE") })
        }
    }
}
