import BusCore
import BusSQL

/// Subscriptions that no update has named an account for; they grant nothing, and are kept within bounds.
extension SubscriptionStore {
    /// Removes the oldest beyond `Limits.unlinkedSubscriptionsMax`.
    func evictUnlinked() throws {
        let newestToGo = try connection.first(
            """
            SELECT updated_at FROM bus_billing_subscriptions WHERE account_id = ''
            ORDER BY updated_at DESC LIMIT 1 OFFSET $1
            """, [.integer(Int64(Limits.unlinkedSubscriptionsMax))])
        guard let time = try newestToGo?.integer(0) else { return }
        try connection.run(
            "DELETE FROM bus_billing_subscriptions WHERE account_id = '' AND updated_at <= $1", [.integer(time)])
    }

    /// Removes at most `count` whose last update came before `oldest`; returns how many.
    package func forgetUnlinked(before oldest: Timestamp, atMost count: Int) throws -> Int {
        try connection.run(
            """
            DELETE FROM bus_billing_subscriptions WHERE rowid IN (
              SELECT rowid FROM bus_billing_subscriptions WHERE account_id = '' AND updated_at < $1
              ORDER BY updated_at LIMIT $2)
            """, [.integer(oldest.nanoseconds), .integer(Int64(count))])
    }
}
