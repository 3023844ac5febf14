import BusCore
import Crypto

/// A table as a move copies it: found in the file, so that no list can miss one.
struct MovedTable: Sendable {
    let name: String
    let columns: [String]
    /// The columns of the primary key.
    let key: [String]
    /// The greatest number that the table has ever given out; nil unless it gives out numbers.
    let lastNumber: Int64?

    /// The tables of a file with those that others refer to first.
    static func all(in connection: any SQLConnection) throws -> [MovedTable] {
        let names = try connection.rows(
            """
            SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'bus\\_%' ESCAPE '\\'
              AND name <> 'bus_schema_versions' ORDER BY rowid
            """
        ).map { try $0.text(0) }
        let numbers = try lastNumbers(connection)
        return try names.map { name in
            let rows = try connection.rows("SELECT name, pk FROM pragma_table_info($1) ORDER BY cid", [.text(name)])
            let columns = try rows.map { (name: try $0.text(0), place: try $0.integer(1)) }
            guard ([name] + columns.map(\.name)).allSatisfy(PostgresSchema.isName) else {
                throw SQLFault.refused("the table \(name) is not one of ours")
            }
            return MovedTable(
                name: name, columns: columns.map(\.name),
                key: columns.filter { $0.place > 0 }.sorted { $0.place < $1.place }.map(\.name),
                lastNumber: numbers[name])
        }
    }

    private static func lastNumbers(_ connection: any SQLConnection) throws -> [String: Int64] {
        guard try connection.first("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'") != nil else {
            return [:]
        }
        let rows = try connection.rows("SELECT name, seq FROM sqlite_sequence")
        return Dictionary(try rows.map { (try $0.text(0), try $0.integer(1)) }) { $1 }
    }

    // MARK: The file

    /// Some rows of a file, in the order of their row numbers.
    struct Page: Sendable {
        var rows: [[SQLValue]] = []
        /// The row number of the last row; nil at the end of the table.
        var last: Int64?
    }

    /// The rows after a row number, at most so many, and few when they are long.
    func page(after last: Int64, _ connection: any SQLConnection) throws -> Page {
        var page = Page()
        var bytes = 0
        let query: SQL =
            "SELECT rowid, " + list(columns) + " FROM " + SQL(name: name) + " WHERE rowid > $1 ORDER BY rowid"
        try connection.each(query, [.integer(last)]) { row in
            page.last = try row.integer(0)
            page.rows.append(Array(row.values.dropFirst()))
            bytes += row.values.reduce(0) { $0 + $1.bytes }
            return page.rows.count < Limits.movedRowsMax && bytes < Limits.movedBytesMax
        }
        return page
    }

    /// Count and hash of the rows in a file.
    func sum(ofFile connection: any SQLConnection) throws -> TableSum {
        var sum = TableSum()
        try connection.each("SELECT " + list(columns) + " FROM " + SQL(name: name), []) { row in
            sum.add(row.values)
            return true
        }
        return sum
    }

    // MARK: The database

    /// Adds one row.
    var insertion: SQL {
        let places = columns.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        // Numbers that the table would give out itself are those of the file.
        return "INSERT INTO " + SQL(name: name) + " (" + list(columns) + ") OVERRIDING SYSTEM VALUE VALUES ("
            + SQL(name: places) + ")"
    }

    var deletion: SQL { "DELETE FROM " + SQL(name: name) }

    /// Adds a page of rows to a sum and returns the key of its last row; nil at the end of the table.
    func add(
        to sum: inout TableSum, after last: [SQLValue]?, _ connection: any SQLConnection
    ) throws -> [SQLValue]? {
        let places = key.indices.map { "$\($0 + 1)" }.joined(separator: ", ")
        let condition: SQL = last == nil ? "" : " WHERE (" + list(key) + ") > (" + SQL(name: places) + ")"
        let query: SQL =
            "SELECT " + list(columns) + " FROM " + SQL(name: name) + condition + " ORDER BY " + list(key) + " LIMIT "
            + SQL(name: "\(Limits.movedRowsMax)")
        var next: [SQLValue]?
        try connection.each(query, last ?? []) { row in
            sum.add(row.values)
            next = key.compactMap { name in columns.firstIndex(of: name).map { row.values[$0] } }
            return true
        }
        return next
    }

    private func list(_ names: [String]) -> SQL { SQL(name: names.joined(separator: ", ")) }
}

/// Count and hash of a table's rows, in whichever order they are read.
struct TableSum: Equatable, Sendable {
    private(set) var rows: Int64 = 0
    private var lanes: [UInt64] = [0, 0, 0, 0]

    /// The hash's beginning, for people.
    var hash: String {
        hexText(lanes.prefix(2).flatMap { lane in (0..<8).map { UInt8(truncatingIfNeeded: lane >> (56 - $0 * 8)) } })
    }

    mutating func add(_ row: [SQLValue]) {
        rows += 1
        var hash = SHA256()
        for value in row {
            let (tag, content) = value.encoded
            hash.update(data: [tag])
            withUnsafeBytes(of: UInt64(content.count).bigEndian) { hash.update(bufferPointer: $0) }
            hash.update(data: content)
        }
        let digest = Array(hash.finalize())
        // A sum of hashes is the same in every order, and a row that comes twice changes it.
        for lane in 0..<4 {
            lanes[lane] &+= digest[lane * 8..<lane * 8 + 8].reduce(0) { $0 << 8 | UInt64($1) }
        }
    }
}

extension SQLValue {
    fileprivate var encoded: (tag: UInt8, content: [UInt8]) {
        switch self {
        case .null: (0, [])
        case .integer(let value): (1, Array("\(value)".utf8))
        case .text(let text): (2, Array(text.utf8))
        case .blob(let bytes): (3, bytes)
        }
    }

    fileprivate var bytes: Int {
        switch self {
        case .null, .integer: 8
        case .text(let text): text.utf8.count
        case .blob(let bytes): bytes.count
        }
    }
}
