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
}
