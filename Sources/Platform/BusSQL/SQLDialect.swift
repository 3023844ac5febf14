/// The few places where engines need different SQL.
package enum SQLDialect: Sendable {
    case sqlite, postgres

    /// The type of a 64-bit key that the program chooses.
    ///
    /// SQLite stores the row under it and needs no second index.
    package var keyColumn: SQL {
        switch self {
        case .sqlite: "INTEGER"
        case .postgres: "BIGINT"
        }
    }

    /// True when other processes append to the same tables.
    package var isShared: Bool { self == .postgres }

    /// Lets one process at a time change the schema, until its transaction ends; nil where only one can write.
    ///
    /// `IF NOT EXISTS` does not see what another transaction is creating, and each store has a writing lock of its own.
    var schemaLock: SQL? {
        switch self {
        case .sqlite: nil
        case .postgres: "SELECT pg_advisory_xact_lock(hashtext('bus schema'))"
        }
    }

    /// A column that numbers rows and never gives a number twice.
    package var identityColumn: SQL {
        switch self {
        case .sqlite: "INTEGER PRIMARY KEY AUTOINCREMENT"
        case .postgres: "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"
        }
    }
}
