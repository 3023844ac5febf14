/// One step of a schema, applied once and never changed afterwards.
package struct SQLMigration: Sendable {
    /// The statements of the step, in order.
    package let statements: @Sendable (SQLDialect) -> [SQL]

    /// A step made of these statements.
    package init(_ statements: @escaping @Sendable (SQLDialect) -> [SQL]) {
        self.statements = statements
    }
}

extension SQLDatabase {
    /// Brings the schema `name` to the newest step in one transaction; the version is the number of steps applied.
    ///
    /// A schema with more steps than this program knows is left untouched and refused: an older program would
    /// misread it.
    package func migrate(_ name: String, _ migrations: [SQLMigration]) async throws {
        let dialect = dialect
        try await write { connection in
            if let lock = dialect.schemaLock { try connection.run(lock) }
            try connection.run(
                "CREATE TABLE IF NOT EXISTS bus_schema_versions (name TEXT PRIMARY KEY, version BIGINT NOT NULL)")
            let moving = try connection.first(
                "SELECT 1 FROM bus_schema_versions WHERE name = $1", [.text(SchemaMark.moving(name))])
            if moving != nil { throw SQLFault.moving(name) }
            let row = try connection.first("SELECT version FROM bus_schema_versions WHERE name = $1", [.text(name)])
            let stored = try row?.integer(0) ?? 0
            let known = Int64(migrations.count)
            if stored > known { throw SQLFault.newerSchema(name: name, stored: stored, known: known) }
            if stored == known { return }
            for migration in migrations[Int(stored)...] {
                for statement in migration.statements(dialect) { try connection.run(statement) }
            }
            try connection.run(
                """
                INSERT INTO bus_schema_versions (name, version) VALUES ($1, $2)
                ON CONFLICT (name) DO UPDATE SET version = excluded.version
                """, [.text(name), .integer(known)])
        }
    }
}

extension SQLConnection {
    /// Changes a row without meaning, to see whether the database takes changes.
    package func tryWriting() throws {
        try run(
            """
            INSERT INTO bus_schema_versions (name, version) VALUES ('trial', 1)
            ON CONFLICT (name) DO UPDATE SET version = bus_schema_versions.version + 1
            """)
    }
}
