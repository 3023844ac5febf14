import BusSQL

extension BillingSchema {
    /// The usage ledger by account, mode, meter and key, with what a row needs to be sent again by itself.
    ///
    /// Rows keep their meaning. What was told keeps the caller's own key at the payment company, because that is how it
    /// was told; what was told without a time stays without one, because a key stands for one set of parameters.
    static let usageLedger = SQLMigration { _ in
        [
            "ALTER TABLE bus_billing_usage_exports RENAME TO bus_billing_usage_exports_1",
            """
            CREATE TABLE bus_billing_usage_exports (
              account_id TEXT NOT NULL, livemode BIGINT NOT NULL, meter_event_name TEXT NOT NULL,
              idempotency_key TEXT NOT NULL, feature TEXT NOT NULL, quantity BIGINT NOT NULL, event_id TEXT,
              occurred_at BIGINT, hold_id TEXT, used_at BIGINT NOT NULL, provider TEXT NOT NULL, provider_key TEXT,
              customer_id TEXT, state TEXT NOT NULL, sent_at BIGINT, provider_event_id TEXT, reason TEXT,
              attempts BIGINT NOT NULL, due_at BIGINT, leased_until BIGINT, open_until BIGINT,
              created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
              PRIMARY KEY (account_id, livemode, meter_event_name, idempotency_key))
            """,
            """
            INSERT INTO bus_billing_usage_exports (account_id, livemode, meter_event_name, idempotency_key, feature,
              quantity, event_id, occurred_at, used_at, provider, provider_key, state, sent_at, provider_event_id,
              reason, attempts, due_at, created_at, updated_at)
            SELECT account_id, CASE WHEN EXISTS (
              SELECT 1 FROM bus_billing_subscriptions
              WHERE bus_billing_subscriptions.account_id = bus_billing_usage_exports_1.account_id AND livemode = 1)
              THEN 1 ELSE 0 END,
              meter_event_name, idempotency_key, feature, quantity, event_id, occurred_at,
              COALESCE(occurred_at, created_at), provider,
              CASE WHEN state IN ('sent', 'accepted') THEN idempotency_key END,
              state, CASE WHEN state = 'sent' THEN sent_at END, provider_event_id, reason, 0,
              CASE WHEN state IN ('queued', 'sent') THEN updated_at END, created_at, updated_at
            FROM bus_billing_usage_exports_1
            """,
            "DROP TABLE bus_billing_usage_exports_1",
            "CREATE INDEX bus_billing_usage_exports_due ON bus_billing_usage_exports (due_at) WHERE due_at IS NOT NULL",
            """
            CREATE INDEX bus_billing_usage_exports_waiting ON bus_billing_usage_exports (used_at)
            WHERE due_at IS NOT NULL
            """,
            "CREATE INDEX bus_billing_usage_exports_key ON bus_billing_usage_exports (provider_key)",
            "CREATE INDEX bus_billing_usage_exports_sent ON bus_billing_usage_exports (due_at) WHERE state = 'sent'",
        ]
    }
}
