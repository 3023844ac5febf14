import BusSQL

/// The tables of the event log.
///
/// Times and `seq` are nanoseconds since 1970. `seq` is the number inside the event's id. So one index orders events by
/// id, by publishing and by age.
enum EventSchema {
    static let name = "events"

    static let migrations = [
        SQLMigration { dialect in
            [
                "CREATE TABLE bus_events (seq " + dialect.keyColumn
                    + """
                         NOT NULL PRIMARY KEY,
                        id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        owner TEXT NOT NULL,
                        correlation_id TEXT,
                        idempotency_key TEXT,
                        envelope TEXT NOT NULL,
                        created_at BIGINT NOT NULL)
                    """,
                "CREATE INDEX bus_events_name ON bus_events (name, seq)",
                "CREATE INDEX bus_events_owner ON bus_events (owner, name, seq)",
                """
                CREATE UNIQUE INDEX bus_events_idempotency ON bus_events (owner, idempotency_key)
                WHERE idempotency_key IS NOT NULL
                """,
                """
                CREATE TABLE bus_event_group_cursors (
                    owner_scope TEXT NOT NULL,
                    group_name TEXT NOT NULL,
                    name TEXT NOT NULL,
                    last_seq BIGINT NOT NULL,
                    updated_at BIGINT NOT NULL,
                    PRIMARY KEY (owner_scope, group_name, name))
                """,
                "CREATE INDEX bus_event_group_cursors_name ON bus_event_group_cursors (name)",
                """
                CREATE TABLE bus_event_deliveries (
                    owner_scope TEXT NOT NULL,
                    group_name TEXT NOT NULL,
                    event_seq BIGINT NOT NULL REFERENCES bus_events (seq),
                    name TEXT NOT NULL,
                    attempt BIGINT NOT NULL,
                    is_leased BIGINT NOT NULL,
                    available_at BIGINT NOT NULL,
                    lease_seconds BIGINT NOT NULL,
                    holder TEXT NOT NULL,
                    first_at BIGINT NOT NULL,
                    PRIMARY KEY (owner_scope, group_name, event_seq))
                """,
                """
                CREATE INDEX bus_event_deliveries_available
                ON bus_event_deliveries (owner_scope, group_name, name, available_at)
                """,
                """
                CREATE INDEX bus_event_deliveries_holder
                ON bus_event_deliveries (owner_scope, group_name, holder, available_at)
                """,
                "CREATE INDEX bus_event_deliveries_event ON bus_event_deliveries (event_seq)",
                "CREATE TABLE bus_event_dead_letters (id " + dialect.identityColumn
                    + """
                    ,
                        event_seq BIGINT NOT NULL REFERENCES bus_events (seq),
                        event_id TEXT NOT NULL,
                        name TEXT NOT NULL,
                        owner_scope TEXT NOT NULL,
                        group_name TEXT NOT NULL,
                        source TEXT,
                        code TEXT NOT NULL,
                        retry_count BIGINT NOT NULL,
                        correlation_id TEXT,
                        first_at BIGINT NOT NULL,
                        last_at BIGINT NOT NULL)
                    """,
                "CREATE INDEX bus_event_dead_letters_group ON bus_event_dead_letters (group_name, id)",
                "CREATE INDEX bus_event_dead_letters_event ON bus_event_dead_letters (event_seq)",
            ]
        },
        SQLMigration { _ in
            [
                "ALTER TABLE bus_event_deliveries ADD COLUMN unanswered BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE bus_event_deliveries ADD COLUMN failures BIGINT NOT NULL DEFAULT 0",
                "ALTER TABLE bus_event_deliveries ADD COLUMN failing_since BIGINT",
            ]
        },
        SQLMigration { _ in ["ALTER TABLE bus_event_dead_letters ADD COLUMN provider TEXT"] },
    ]
}
