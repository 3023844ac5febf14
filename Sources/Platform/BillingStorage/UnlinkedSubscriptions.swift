import BusCore
import BusSQL

/// Subscriptions that no update has named an account for; they grant nothing, and are kept within bounds.
extension SubscriptionStore {
    /// Removes those whose last update came before `oldest`, and the oldest beyond `keeping`; at most `count` at once.
    ///
    /// - Returns: How many were removed.
    package func forgetUnlinked(
        before oldest: Timestamp, keeping: Int = Limits.unlinkedSubscriptionsMax, atMost count: Int
    ) throws -> Int {
        let newestTooMany = try connection.first(
            """
            SELECT updated_at FROM bus_billing_subscriptions WHERE account_id = ''
            ORDER BY updated_at DESC LIMIT 1 OFFSET $1
            """, [.integer(Int64(keeping))])
        let last = max(try newestTooMany?.integer(0) ?? 0, oldest.nanoseconds - 1)
        return try connection.run(
            """
            DELETE FROM bus_billing_subscriptions WHERE (provider, livemode, name) IN (
              SELECT provider, livemode, name FROM bus_billing_subscriptions
              WHERE account_id = '' AND updated_at <= $1 ORDER BY updated_at LIMIT $2)
            """, [.integer(last), .integer(Int64(count))])
    }
}
