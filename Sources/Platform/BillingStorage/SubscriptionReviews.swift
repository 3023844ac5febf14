import BillingCore
import BusContract
import BusCore
import BusSQL

/// Subscriptions that the payment company must be asked about; valid inside one transaction.
package struct SubscriptionReviews {
    private let connection: any SQLConnection

    /// The reviews in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// A subscription that is due.
    package struct Due: Hashable, Sendable {
        /// Whose.
        package let accountID: String
        /// The payment company's id for it.
        package let subscriptionID: String
        /// Its updates contradict each other; else nothing was heard of it for too long.
        package let isUndecided: Bool
        /// Requests before this one, since it became due.
        package let requests: Int64
    }

    /// Takes up to `count` that are due and were not asked about lately, and notes that they are asked about now.
    package func take(
        _ count: Int, of provider: String, in mode: BillingMode, at now: Timestamp
    ) throws -> [Due] {
        let rows = try connection.rows(
            """
            SELECT name, account_id, undecided, requests FROM bus_billing_subscriptions
            WHERE due_at <= $1 AND (request_at IS NULL OR request_at <= $1) AND provider = $2 AND livemode = $3
            ORDER BY due_at, name LIMIT $4
            """,
            [.integer(now.nanoseconds), .text(provider), .integer(mode.livemode ? 1 : 0), .integer(Int64(count))])
        var taken: [Due] = []
        for row in rows {
            let key = SubscriptionKey(provider: provider, livemode: mode.livemode, name: try row.text(0))
            let requests = try row.integer(3)
            let next = SubscriptionStanding.nextRequest(after: requests + 1, at: now)
            try connection.run(
                """
                UPDATE bus_billing_subscriptions SET requests = $4, request_at = $5
                WHERE provider = $1 AND livemode = $2 AND name = $3
                """, key.values + [.integer(requests + 1), .integer(next.nanoseconds)])
            guard let subscriptionID = key.subscriptionID else { continue }
            taken.append(
                Due(
                    accountID: try row.text(1), subscriptionID: subscriptionID,
                    isUndecided: try row.integer(2) != 0, requests: requests))
        }
        return taken
    }

    /// How many are due, asked about or not.
    package func count(of provider: String, in mode: BillingMode, at now: Timestamp) throws -> (
        undecided: Int64, unheard: Int64
    ) {
        let row = try connection.first(
            """
            SELECT COUNT(*), COALESCE(SUM(undecided), 0) FROM bus_billing_subscriptions
            WHERE due_at <= $1 AND provider = $2 AND livemode = $3
            """, [.integer(now.nanoseconds), .text(provider), .integer(mode.livemode ? 1 : 0)])
        let (all, undecided) = (try row?.integer(0) ?? 0, try row?.integer(1) ?? 0)
        return (undecided, all - undecided)
    }
}
