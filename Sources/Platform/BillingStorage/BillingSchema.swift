import BusSQL

/// The tables that only the billing worker writes.
enum BillingSchema {
    static let steps = [
        SQLMigration { _ in
            [
                """
                CREATE TABLE bus_billing_subscriptions (
                  provider TEXT NOT NULL, livemode BIGINT NOT NULL, name TEXT NOT NULL,
                  account_id TEXT NOT NULL, status TEXT NOT NULL, undecided BIGINT NOT NULL,
                  features TEXT NOT NULL, plan_id TEXT, customer_id TEXT,
                  occurred_at BIGINT NOT NULL, kind TEXT, provider_status TEXT, source TEXT,
                  state TEXT NOT NULL, updated_at BIGINT NOT NULL,
                  PRIMARY KEY (provider, livemode, name))
                """,
                "CREATE INDEX bus_billing_subscriptions_account ON bus_billing_subscriptions (account_id)",
                """
                CREATE TABLE bus_billing_subscription_updates (
                  provider TEXT NOT NULL, event_id TEXT NOT NULL, livemode BIGINT NOT NULL, name TEXT NOT NULL,
                  account_id TEXT NOT NULL, status TEXT NOT NULL, occurred_at BIGINT NOT NULL, kind TEXT,
                  provider_status TEXT, previous_provider_status TEXT, source TEXT, received_at BIGINT NOT NULL,
                  PRIMARY KEY (provider, event_id))
                """,
                """
                CREATE TABLE bus_billing_handled_events (
                  event_id TEXT PRIMARY KEY, response TEXT NOT NULL, handled_at BIGINT NOT NULL)
                """,
                "CREATE INDEX bus_billing_handled_events_age ON bus_billing_handled_events (handled_at)",
                """
                CREATE TABLE bus_billing_usage_exports (
                  account_id TEXT NOT NULL, idempotency_key TEXT NOT NULL, feature TEXT NOT NULL,
                  meter_event_name TEXT NOT NULL, quantity BIGINT NOT NULL, event_id TEXT, occurred_at BIGINT,
                  state TEXT NOT NULL, sent_at BIGINT, provider TEXT NOT NULL, provider_event_id TEXT, reason TEXT,
                  created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
                  PRIMARY KEY (account_id, idempotency_key))
                """,
                """
                CREATE TABLE bus_billing_usage_buckets (
                  account_id TEXT NOT NULL, feature TEXT NOT NULL, meter_event_name TEXT NOT NULL,
                  span TEXT NOT NULL, starts_at BIGINT NOT NULL, used BIGINT NOT NULL, held BIGINT NOT NULL,
                  PRIMARY KEY (account_id, feature, meter_event_name, span, starts_at))
                """,
                """
                CREATE TABLE bus_billing_usage_holds (
                  account_id TEXT NOT NULL, feature TEXT NOT NULL, meter_event_name TEXT NOT NULL,
                  held_at BIGINT NOT NULL, id TEXT NOT NULL, quantity BIGINT NOT NULL,
                  PRIMARY KEY (account_id, feature, meter_event_name, held_at, id))
                """,
            ]
        },
        modes, facts, usageByMode, usageLedger, deletedCustomers, forgottenAccounts, updateRecord,
    ]
}

extension StoreMove {
    /// What accounts have bought and used, and the catalog.
    package static let billing = StoreMove(store: "billing", schemas: ["billing", CatalogStore.schema]) { database in
        try await database.migrateBilling()
        _ = try await CatalogStore.open(database)
    }
}

extension SQLDatabase {
    /// Creates or migrates the tables of the billing worker.
    package func migrateBilling() async throws {
        try await migrate("billing", BillingSchema.steps)
    }
}
