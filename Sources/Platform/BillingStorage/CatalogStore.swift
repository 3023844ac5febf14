import BillingCore
import BusCore
import BusSQL
import Crypto

/// The catalog as it is stored.
package struct StoredCatalog: Equatable, Sendable {
    /// The document.
    package let body: JSONValue
    /// Its canonical JSON.
    package let bytes: [UInt8]
    /// SHA-256 of the canonical JSON, in quotes.
    package let etag: String

    /// A catalog to store.
    package init(_ body: JSONValue) {
        self.body = body
        bytes = body.serialized()
        etag = "\"\(hexText(SHA256.hash(data: bytes)))\""
    }
}

/// The one catalog of a deployment; the billing API writes it, the billing worker reads it.
package struct CatalogStore: Sendable {
    /// What must be stored for a replacement to go ahead.
    package enum Condition: Equatable, Sendable {
        case none
        /// Any catalog.
        case anything
        /// A catalog with one of these ETags.
        case oneOf(Set<String>)
    }

    private let database: any SQLDatabase

    /// The name of its schema.
    static let schema = "billing-catalog"

    private static let migrations = [
        SQLMigration { _ in
            [
                """
                CREATE TABLE bus_billing_catalog (
                    id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
                    body TEXT NOT NULL,
                    updated_at BIGINT NOT NULL)
                """
            ]
        }
    ]

    /// The catalog in `database`; creates the table when it is missing.
    package static func open(_ database: any SQLDatabase) async throws -> CatalogStore {
        try await database.migrate(schema, migrations)
        return CatalogStore(database: database)
    }

    /// The stored catalog, or nil.
    package func read() async throws -> StoredCatalog? {
        try await database.read { try CatalogStore.read(on: $0) }
    }

    /// Replaces the stored catalog; false when the condition does not hold and nothing changed.
    ///
    /// Throws `PlansInUse` when accounts would lose plans and that is not meant.
    package func replace(
        with catalog: StoredCatalog, if condition: Condition = .none, dropsPlansInUse: Bool = false, at now: Timestamp
    ) async throws -> Bool {
        try await database.write { connection in
            let stored = try CatalogStore.read(on: connection)
            switch condition {
            case .none: break
            case .anything: if stored == nil { return false }
            case .oneOf(let etags):
                guard let stored, etags.contains(stored.etag) else { return false }
            }
            if !dropsPlansInUse, let stored, let inUse = try PlansInUse(from: stored, to: catalog, on: connection) {
                throw inUse
            }
            // The time also numbers the versions, so it grows even when the clock steps back.
            try connection.run(
                """
                INSERT INTO bus_billing_catalog (id, body, updated_at) VALUES (1, $1, $2)
                ON CONFLICT (id) DO UPDATE SET body = excluded.body, updated_at =
                CASE WHEN excluded.updated_at > bus_billing_catalog.updated_at
                THEN excluded.updated_at ELSE bus_billing_catalog.updated_at + 1 END
                """, [.text(String(decoding: catalog.bytes, as: UTF8.self)), .integer(now.nanoseconds)])
            return true
        }
    }

    /// Reads one row, to see whether the store answers.
    package func probe() async throws {
        _ = try await database.read { try CatalogStore.version(on: $0) }
    }

    /// The stored catalog inside a transaction, or nil.
    package static func read(on connection: any SQLConnection) throws -> StoredCatalog? {
        guard let row = try connection.first("SELECT body FROM bus_billing_catalog WHERE id = 1") else { return nil }
        return StoredCatalog(try JSONValue(parsing: Array(try row.text(0).utf8)))
    }

    /// A number that grows with every replacement; nil while nothing is stored.
    package static func version(on connection: any SQLConnection) throws -> Int64? {
        try connection.first(CatalogStore.version)?.integer(0)
    }

    private static let version: SQL = "SELECT updated_at FROM bus_billing_catalog WHERE id = 1"
}
