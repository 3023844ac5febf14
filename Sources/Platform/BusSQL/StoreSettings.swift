import BusCore
import BusRuntime

/// Where a service keeps what must last.
package struct StoreSettings: Sendable {
    /// The kinds of store.
    package enum Backend: String, CaseIterable, Sendable {
        case sqlite, memory, postgres
    }

    /// What the settings of one store are called.
    package struct Names: Sendable {
        let store: String
        let backend: String
        let backendFlag: SettingsReader.Flag
        let path: String
        let pathFlag: SettingsReader.Flag
        let url: String
        let schema: String?

        /// Names for the store `store`, whose file is `<store>.sqlite`; without `schema` the URL may choose one.
        package init(
            store: String, backend: String, backendFlag: SettingsReader.Flag, path: String,
            pathFlag: SettingsReader.Flag, url: String, schema: String? = nil
        ) {
            self.store = store
            self.backend = backend
            self.backendFlag = backendFlag
            self.path = path
            self.pathFlag = pathFlag
            self.url = url
            self.schema = schema
        }
    }

    /// The kind of store.
    package let backend: Backend
    /// The file of the `sqlite` backend.
    package let sqlitePath: String
    private let store: String
    private let names: Names
    private let url: PostgresURL?
    private let schema: String?

    /// Reads the settings; faults stay in the reader until its `check()`.
    ///
    /// A URL chooses PostgreSQL. Nothing falls back to another backend. A program that decides the URL itself does not
    /// offer it.
    package init(_ reader: inout SettingsReader, _ names: Names) {
        store = names.store
        self.names = names
        let secret = reader.secret(names.url, help: "URL of a PostgreSQL database; chooses the postgres backend.")
        let backend: Backend = reader.choice(
            names.backend, flag: names.backendFlag, default: secret == nil ? .sqlite : .postgres,
            among: reader.isFixed(names.url) ? [.sqlite, .memory] : Backend.allCases, shown: "sqlite",
            help: "Where the data is kept.")
        self.backend = backend
        sqlitePath = reader.statePath(
            names.path, flag: names.pathFlag, file: "\(names.store).sqlite", isNeeded: backend == .sqlite,
            help: "File of the sqlite backend.")
        schema = names.schema.flatMap { reader.text($0, help: "Schema of the postgres backend's tables.") }
        url = StoreSettings.url(secret, of: names, backend, &reader)
        if let schema, !PostgresSchema.isName(schema) {
            reader.addFault("\(names.schema ?? "") is not the name of a schema; use lower-case letters, digits and _")
        }
    }

    private static func url(
        _ secret: Secret?, of names: Names, _ backend: Backend, _ reader: inout SettingsReader
    ) -> PostgresURL? {
        switch (backend, secret) {
        case (.postgres, nil):
            reader.addFault("the postgres backend has no database; set \(names.url) or \(names.url)_FILE")
            return nil
        case (_, nil): return nil
        case (.sqlite, _), (.memory, _):
            let label = reader.label(names.backend, names.backendFlag)
            reader.addFault("\(names.url) is set, but \(label) is \(backend.rawValue); keep one of them")
            return nil
        case (.postgres, let secret?):
            if secret.isEmpty { return nil }  // The reader has said why.
            do {
                return try PostgresURL(secret)
            } catch {
                reader.addFault("\(names.url) \(error)")
                return nil
            }
        }
    }

    /// Opens the store.
    package func open() async throws -> any SQLDatabase {
        switch backend {
        case .memory: try SQLiteDatabase()
        case .sqlite: try await SQLiteDatabase(path: sqlitePath)
        case .postgres:
            if let url {
                try await PostgresDatabase(url, store: store, schema: schema)
            } else {
                throw SQLFault.unreachable("no address is set")
            }
        }
    }
}

extension StoreSettings {
    /// Moves the store in a SQLite file to the database that the settings name, and says what was moved.
    package func move(_ move: StoreMove, from path: String) async throws {
        guard backend == .postgres else {
            throw ProcessFailure(
                exitCode: 2, "there is no database to move to; set \(names.url) or \(names.url)_FILE")
        }
        let line = ProgressLine()
        defer { line.clear() }
        do {
            let file = try SQLiteDatabase(alone: path)
            let database = try await open()
            let report = try await move.run(from: file, to: database) { progress in
                line.show("\(progress.work) \(progress.table), \(progress.rows) rows")
            }
            try database.close()
            try file.close()
            line.clear()
            Terminal.output(report.lines.joined(separator: "\n"))
            Terminal.diagnostic(
                "INFO start the services with \(names.url); keep \(path) as a backup, and start none on it again")
        } catch let fault as SQLFault {
            throw ProcessFailure(exitCode: fault.isAboutTheFile ? 2 : 1, "the move stopped: \(fault)")
        } catch let fault as MoveFault {
            throw ProcessFailure(exitCode: 1, "the move stopped: \(fault)")
        }
    }
}
