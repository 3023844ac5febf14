import BusCore

/// A PostgreSQL database that several processes share: one thread that writes, and a few that read.
///
/// libpq blocks, so each connection has a thread of its own.
package final class PostgresDatabase: SQLDatabase {
    private let door: PostgresDoor
    private let writer: PostgresPool
    private let readers: PostgresPool
    private let longReaders: PostgresPool
    /// Short messages between the nodes that share the store.
    package let news: PostgresNews

    /// How PostgreSQL differs from other engines.
    package var dialect: SQLDialect { .postgres }

    /// Connects, so that a wrong address or login stops the start.
    ///
    /// - Parameters:
    ///   - store: What is kept there. Transactions of one store follow each other on all nodes.
    ///   - schema: Where the tables are, made when it is missing; nil is the one the login finds first.
    package init(_ url: PostgresURL, store: String, schema: String? = nil) async throws {
        door = PostgresDoor(url: url, schema: schema)
        writer = PostgresPool(door, .writing(lock: PostgresDatabase.lock("\(store) \(schema ?? "")")), count: 1)
        readers = PostgresPool(door, .reading, count: Limits.postgresReadersMax)
        longReaders = PostgresPool(door, .readingLong, count: Limits.postgresLongReadersMax)
        news = PostgresNews(door: door, channel: schema.map { "bus_\(store)_\($0)" } ?? "bus_\(store)")
        do {
            try await write { [dialect] connection in
                guard let schema else { return }
                if let lock = dialect.schemaLock { try connection.run(lock) }
                // Asked first: the login may use a schema that it must not make.
                let found = try connection.first("SELECT 1 FROM pg_namespace WHERE nspname = $1", [.text(schema)])
                if found == nil { try connection.run(SQL(creating: schema)) }
            }
        } catch {
            try? close()  // Nothing is open.
            throw error
        }
    }

    /// The same number in every process: 64-bit FNV-1a.
    private static func lock(_ text: String) -> Int64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in "bus \(text)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int64(bitPattern: hash)
    }

    /// Runs `body` on one consistent snapshot.
    package func read<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await readers.read(body)
    }

    /// Runs `body` on one consistent snapshot, on a thread that may take its time.
    package func readLong<T: Sendable>(_ body: @escaping @Sendable (any SQLConnection) throws -> T) async throws -> T {
        try await longReaders.read(body)
    }

    /// Runs `body` in one transaction on the thread that writes, and then `completion`.
    package func write<T: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any SQLConnection) throws -> T,
        then completion: @escaping @Sendable (Result<T, any Error>) -> Void
    ) {
        writer.submit(durability, body, then: completion)
    }

    /// Waits for running transactions and gives the connections back.
    package func close() throws {
        try news.close()
        for pool in [writer, readers, longReaders] { try pool.close() }
    }
}

extension SQL {
    /// Makes a schema whose name holds nothing but letters, digits and underscores.
    fileprivate init(creating schema: String) throws(SQLFault) {
        guard PostgresSchema.isName(schema) else { throw .refused("\"\(schema)\" is not the name of a schema") }
        self = SQL("CREATE SCHEMA \"") + SQL(name: schema) + "\""
    }
}

/// The names that a schema may have with us.
package enum PostgresSchema {
    /// True for lower-case letters, digits and underscores, a letter first, 63 at most.
    package static func isName(_ text: String) -> Bool {
        let isPlain = text.utf8.allSatisfy {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                || $0 == UInt8(ascii: "_")
        }
        return isPlain && 1...63 ~= text.utf8.count && text.first?.isLetter == true
    }
}
