import BusSQL

extension BillingSchema {
    /// Counts and holds by mode; a count no longer says what is held, because the holds themselves do.
    static let usageByMode = SQLMigration { _ in
        [
            """
            CREATE TABLE bus_billing_usage_counts (
              account_id TEXT NOT NULL, livemode BIGINT NOT NULL, feature TEXT NOT NULL,
              meter_event_name TEXT NOT NULL, span TEXT NOT NULL, starts_at BIGINT NOT NULL, used BIGINT NOT NULL,
              PRIMARY KEY (account_id, livemode, feature, meter_event_name, span, starts_at))
            """,
            // Rows of before do not say their mode: an account that has bought in live mode has used there.
            """
            INSERT INTO bus_billing_usage_counts
              (account_id, livemode, feature, meter_event_name, span, starts_at, used)
            SELECT account_id, CASE WHEN EXISTS (
              SELECT 1 FROM bus_billing_subscriptions
              WHERE bus_billing_subscriptions.account_id = bus_billing_usage_buckets.account_id AND livemode = 1)
              THEN 1 ELSE 0 END, feature, meter_event_name, span, starts_at, used
            FROM bus_billing_usage_buckets
            """,
            "DROP TABLE bus_billing_usage_buckets",
            """
            CREATE TABLE bus_billing_holds (
              account_id TEXT NOT NULL, id TEXT NOT NULL, livemode BIGINT NOT NULL, feature TEXT NOT NULL,
              meter_event_name TEXT NOT NULL, held_at BIGINT NOT NULL, quantity BIGINT NOT NULL,
              PRIMARY KEY (account_id, id))
            """,
            """
            CREATE INDEX bus_billing_holds_age
            ON bus_billing_holds (account_id, livemode, feature, meter_event_name, held_at, quantity)
            """,
            // Holds of before had no name that anybody knows; an id that two meters share keeps one of them.
            """
            INSERT INTO bus_billing_holds (account_id, id, livemode, feature, meter_event_name, held_at, quantity)
            SELECT account_id, id, CASE WHEN EXISTS (
              SELECT 1 FROM bus_billing_subscriptions
              WHERE bus_billing_subscriptions.account_id = bus_billing_usage_holds.account_id AND livemode = 1)
              THEN 1 ELSE 0 END, feature, meter_event_name, held_at, quantity
            FROM bus_billing_usage_holds WHERE true ON CONFLICT DO NOTHING
            """,
            "DROP TABLE bus_billing_usage_holds",
            "CREATE INDEX bus_billing_subscriptions_changed ON bus_billing_subscriptions (updated_at)",
        ]
    }
}
