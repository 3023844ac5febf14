import BusSQL
import Synchronization
import TestSupport

/// The kinds of store that every storage test runs on.
package enum TestStore: String, CaseIterable, Sendable {
    case memory, file, postgres

    /// Those that outlive a connection and that others may open at the same time.
    package static let shared: [TestStore] = [.file, .postgres]

    /// An empty store of this kind.
    package func open() async throws -> TestDatabase {
        switch self {
        case .memory: TestDatabase(try SQLiteDatabase(), at: .memory)
        case .file: try await TestDatabase.open(.file(try TemporaryFolder()))
        case .postgres: try await TestDatabase.open(.schema(TestDatabase.nextSchema()))
        }
    }
}

/// A database of a test, with what it stands on.
package final class TestDatabase: SQLDatabase {
    enum Place: Sendable {
        case memory
        case file(TemporaryFolder)
        case schema(String)
    }

    private static let schemas = Atomic(0)
    private let database: any SQLDatabase
    private let place: Place

    init(_ database: any SQLDatabase, at place: Place) {
        self.database = database
        self.place = place
    }

    /// A schema name that no other test has.
    package static func nextSchema() -> String {
        "test_\(schemas.add(1, ordering: .relaxed).newValue)"
    }

    static func open(_ place: Place) async throws -> TestDatabase {
        switch place {
        case .memory: throw NeverHappened(what: "a store in memory is opened twice")
        case .file(let folder):
            TestDatabase(try await SQLiteDatabase(path: "\(folder.path)/test.sqlite"), at: place)
        case .schema(let name):
            TestDatabase(
                try await PostgresDatabase(try PostgresCluster.shared.url, store: "test", schema: name), at: place)
        }
    }

    /// The same store opened once more, as another process does.
    package func openAgain() async throws -> TestDatabase { try await TestDatabase.open(place) }

    /// The database itself when it is PostgreSQL.
    package var postgres: PostgresDatabase? { database as? PostgresDatabase }

    package var dialect: SQLDialect { database.dialect }

    package func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await database.read(body)
    }

    package func readLong<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await database.readLong(body)
    }

    package func write<T: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        database.write(durability, body, then: completion)
    }

    package func close() throws { try database.close() }
}
