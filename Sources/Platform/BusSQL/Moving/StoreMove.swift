import BusCore

/// Moves a store from a SQLite file to PostgreSQL, table by table, in steps that each leave it as it can go on from.
///
/// How far it has come is written down with the rows, so a killed move goes on where it was. Until it has ended no
/// service opens the database: `migrate` refuses it.
package struct StoreMove: Sendable {
    /// The word for what is kept there, `events`.
    package let store: String
    /// The names of its schemas in `bus_schema_versions`.
    let schemas: [String]
    /// Brings a database to the newest schemas.
    let migrate: @Sendable (any SQLDatabase) async throws -> Void

    /// A move of one store.
    package init(
        store: String, schemas: [String], migrate: @escaping @Sendable (any SQLDatabase) async throws -> Void
    ) {
        self.store = store
        self.schemas = schemas
        self.migrate = migrate
    }

    /// What is done.
    package struct Progress: Sendable {
        /// `copying` or `comparing`.
        package let work: String
        /// The table.
        package let table: String
        /// Rows that are done.
        package let rows: Int64
    }

    /// Moves everything that is not there yet and compares the two.
    ///
    /// - Parameter tell: Hears of each step after it is on the disk; an error stops the move.
    package func run(
        from file: any SQLDatabase, to database: any SQLDatabase,
        tell: @Sendable (Progress) throws -> Void = { _ in }
    ) async throws -> MoveReport {
        try await requireStore(in: file)
        try await migrate(file)
        switch try await state(of: database) {
        case .moved: return MoveReport(store: store, tables: [], isRepeated: true)
        case .underWay: break
        case .untouched:
            try await migrate(database)
            try await begin(try await file.read { try MovedTable.all(in: $0) }, in: database)
        }
        try await requireSameVersions(file, database)
        let tables = try await file.read { try MovedTable.all(in: $0) }
        for table in tables { try await copy(table, from: file, to: database, tell) }
        let report = try await compare(tables, file, database, tell)
        try await finish(tables, in: database)
        return report
    }

    // MARK: Before

    /// Nothing is written into a file that is another program's.
    private func requireStore(in file: any SQLDatabase) async throws {
        let schema = schemas[0]
        let isStore = try await file.read { connection in
            let versions = try connection.first("SELECT 1 FROM sqlite_master WHERE name = 'bus_schema_versions'")
            return try versions != nil
                && connection.first("SELECT 1 FROM bus_schema_versions WHERE name = $1", [.text(schema)]) != nil
        }
        if !isStore { throw MoveFault.anotherFile(store) }
    }

    private enum State {
        case untouched, underWay, moved
    }

    private func state(of database: any SQLDatabase) async throws -> State {
        let schema = schemas[0]
        return try await database.read { connection in
            let versions = try connection.first("SELECT CAST(to_regclass('bus_schema_versions') AS TEXT)")
            guard try versions?.textOrNil(0) != nil else { return .untouched }
            func has(_ name: String) throws -> Bool {
                try connection.first("SELECT 1 FROM bus_schema_versions WHERE name = $1", [.text(name)]) != nil
            }
            if try has(SchemaMark.moving(schema)) { return .underWay }
            return try has(SchemaMark.moved(schema)) ? .moved : .untouched
        }
    }

    /// Takes a database whose tables hold nothing but what the schemas put there.
    private func begin(_ tables: [MovedTable], in database: any SQLDatabase) async throws {
        let fresh = try SQLiteDatabase()
        try await migrate(fresh)
        let seeds = try await fresh.read { connection in
            try Dictionary(uniqueKeysWithValues: tables.map { ($0.name, try $0.sum(ofFile: connection)) })
        }
        try fresh.close()
        try await database.write { [store, schemas] connection in
            if let lock = SQLDialect.postgres.schemaLock { try connection.run(lock) }
            for table in tables {
                var sum = TableSum()
                _ = try table.add(to: &sum, after: nil, connection)
                guard sum == seeds[table.name] else { throw MoveFault.otherData(table.name) }
            }
            for table in tables.reversed() { try connection.run(table.deletion) }
            try connection.run(
                """
                CREATE TABLE IF NOT EXISTS bus_store_moves (
                  store TEXT NOT NULL, table_name TEXT NOT NULL, last_row BIGINT NOT NULL,
                  PRIMARY KEY (store, table_name))
                """)
            for table in tables {
                try connection.run(
                    "INSERT INTO bus_store_moves (store, table_name, last_row) VALUES ($1, $2, 0)",
                    [.text(store), .text(table.name)])
            }
            for schema in schemas { try connection.mark(SchemaMark.moving(schema)) }
        }
    }

    private func requireSameVersions(_ file: any SQLDatabase, _ database: any SQLDatabase) async throws {
        for schema in schemas {
            let version: @Sendable (any SQLConnection) throws -> Int64? = { connection in
                try connection.first("SELECT version FROM bus_schema_versions WHERE name = $1", [.text(schema)])?
                    .integer(0)
            }
            if try await file.read(version) != database.read(version) { throw MoveFault.otherVersion(schema) }
        }
    }

    // MARK: Copying

    private func copy(
        _ table: MovedTable, from file: any SQLDatabase, to database: any SQLDatabase,
        _ tell: @Sendable (Progress) throws -> Void
    ) async throws {
        let place: [SQLValue] = [.text(store), .text(table.name)]
        var last = try await database.read { try StoreMove.last(place, $0) }
        var rows: Int64 = 0
        while true {
            let start = last
            let page = try await file.read { try table.page(after: start, $0) }
            guard let end = page.last else { return }
            try await database.write { connection in
                guard try StoreMove.last(place, connection) == start else { throw MoveFault.twoMoves }
                let insertion = table.insertion
                for begun in try page.rows.map({ try connection.start(insertion, $0) }) { _ = try begun.changed() }
                try connection.run(
                    "UPDATE bus_store_moves SET last_row = $3 WHERE store = $1 AND table_name = $2",
                    place + [.integer(end)])
            }
            last = end
            rows += Int64(page.rows.count)
            try tell(Progress(work: "copying", table: table.name, rows: rows))
        }
    }

    private static func last(_ place: [SQLValue], _ connection: any SQLConnection) throws -> Int64 {
        let row = try connection.first(
            "SELECT last_row FROM bus_store_moves WHERE store = $1 AND table_name = $2", place)
        guard let row else { throw MoveFault.twoMoves }
        return try row.integer(0)
    }

    // MARK: After

    /// Reads both sides in full and compares them.
    ///
    /// Rows that an earlier run copied are read too.
    private func compare(
        _ tables: [MovedTable], _ file: any SQLDatabase, _ database: any SQLDatabase,
        _ tell: @Sendable (Progress) throws -> Void
    ) async throws -> MoveReport {
        var report = MoveReport(store: store, tables: [])
        var different: [String] = []
        for table in tables {
            let wanted = try await file.read { try table.sum(ofFile: $0) }
            var found = TableSum()
            var key: [SQLValue]?
            repeat {
                let (before, last) = (found, key)
                (found, key) = try await database.read { connection in
                    var sum = before
                    let next = try table.add(to: &sum, after: last, connection)
                    return (sum, next)
                }
                try tell(Progress(work: "comparing", table: table.name, rows: found.rows))
            } while key != nil
            if wanted != found { different.append("\(table.name) (\(wanted.rows) rows, then \(found.rows))") }
            report.tables.append(MoveReport.Table(name: table.name, rows: wanted.rows, hash: wanted.hash))
        }
        guard different.isEmpty else { throw MoveFault.different(different) }
        return report
    }

    /// Lets services open the database; numbers go on where the file's ended.
    private func finish(_ tables: [MovedTable], in database: any SQLDatabase) async throws {
        try await database.write { [store, schemas] connection in
            for table in tables {
                guard let number = table.lastNumber, number > 0, let column = table.key.first else { continue }
                _ = try connection.first(
                    "SELECT setval(pg_get_serial_sequence($1, $2), $3)",
                    [.text(table.name), .text(column), .integer(number)])
            }
            try connection.run("DELETE FROM bus_store_moves WHERE store = $1", [.text(store)])
            for schema in schemas {
                try connection.run(
                    "DELETE FROM bus_schema_versions WHERE name = $1", [.text(SchemaMark.moving(schema))])
                try connection.mark(SchemaMark.moved(schema))
            }
        }
    }
}

extension SQLConnection {
    fileprivate func mark(_ name: String) throws {
        try run("INSERT INTO bus_schema_versions (name, version) VALUES ($1, 1)", [.text(name)])
    }
}
