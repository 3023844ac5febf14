import BusSQL

extension BillingSchema {
    /// Modes: a deployment remembers that money has moved in it.
    static let modes = SQLMigration { _ in
        [
            """
            CREATE TABLE bus_billing_deployment (
              id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), mode TEXT, is_live BIGINT NOT NULL)
            """,
            """
            INSERT INTO bus_billing_deployment (id, mode, is_live)
            SELECT 1, NULL, CASE WHEN EXISTS (SELECT 1 FROM bus_billing_subscriptions WHERE livemode = 1)
            THEN 1 ELSE 0 END
            """,
        ]
    }

    /// What is paid for and until when, and which subscriptions nobody has heard of.
    ///
    /// The state of a row is written in its new form with the next update of the subscription. What its columns can say
    /// from the old ones they say now.
    static let facts = SQLMigration { _ in
        [
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN prices TEXT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN period_start BIGINT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN period_end BIGINT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN cancel_at BIGINT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN collection_paused TEXT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN past_due_since BIGINT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN entitled TEXT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN due_at BIGINT",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN requests BIGINT NOT NULL DEFAULT 0",
            "ALTER TABLE bus_billing_subscriptions ADD COLUMN request_at BIGINT",
            "CREATE INDEX bus_billing_subscriptions_due ON bus_billing_subscriptions (provider, livemode, due_at)",
            // Those without an account by age. An index of their own, with a condition on the account, would have SQLite
            // compile every look at an account anew.
            "DROP INDEX bus_billing_subscriptions_account",
            "CREATE INDEX bus_billing_subscriptions_account ON bus_billing_subscriptions (account_id, updated_at)",
            "UPDATE bus_billing_subscriptions SET past_due_since = occurred_at WHERE status = 'past_due'",
            "UPDATE bus_billing_subscriptions SET entitled = occurred_at || '-' WHERE status = 'active'",
            // Active since the first such update after the last other one; every update was written down.
            """
            UPDATE bus_billing_subscriptions SET entitled = active.since || '-'
            FROM (
              SELECT u.provider, u.livemode, u.name, MIN(u.occurred_at) AS since
              FROM bus_billing_subscription_updates AS u
              JOIN (
                SELECT provider, livemode, name, MAX(CASE WHEN status = 'active' THEN 0 ELSE occurred_at END) AS at
                FROM bus_billing_subscription_updates GROUP BY provider, livemode, name) AS other
              ON other.provider = u.provider AND other.livemode = u.livemode AND other.name = u.name
              WHERE u.status = 'active' AND u.occurred_at >= other.at
              GROUP BY u.provider, u.livemode, u.name) AS active
            WHERE bus_billing_subscriptions.status = 'active'
              AND bus_billing_subscriptions.provider = active.provider
              AND bus_billing_subscriptions.livemode = active.livemode
              AND bus_billing_subscriptions.name = active.name
            """,
            // 33 days: a month that nobody told the end of, and two days without news.
            """
            UPDATE bus_billing_subscriptions SET due_at = occurred_at + 2851200000000000
            WHERE name LIKE 'subscription:%' AND status IN ('active', 'past_due')
            """,
            // A checkout had the last word over what the subscription itself said; nobody knows what that was.
            """
            UPDATE bus_billing_subscriptions SET undecided = 1
            WHERE kind = 'checkout' AND status <> 'active' AND name LIKE 'subscription:%'
            """,
            "UPDATE bus_billing_subscriptions SET due_at = occurred_at WHERE undecided = 1 AND name LIKE 'subscription:%'",
        ]
    }
}
