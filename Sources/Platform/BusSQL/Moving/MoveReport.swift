import BusCore

/// What a move has moved.
package struct MoveReport: Sendable {
    /// A table with its rows.
    package struct Table: Sendable {
        /// What it is called.
        package let name: String
        /// How many it has.
        package let rows: Int64
        /// Of all rows, the same in file and database.
        package let hash: String
    }

    /// The word for what is kept there.
    package let store: String
    /// In the order in which they were moved.
    package internal(set) var tables: [Table]
    /// True when it had ended before, and nothing was done.
    package internal(set) var isRepeated = false

    /// A table for people.
    package var lines: [String] {
        if isRepeated { return ["the \(store) store was moved here before; nothing was done"] }
        let rows = [("TABLE", "ROWS", "HASH")] + tables.map { ($0.name, "\($0.rows)", $0.hash) }
        let names = rows.map(\.0.count).max() ?? 0
        let counts = rows.map(\.1.count).max() ?? 0
        let lines = rows.map { name, count, hash in
            name + MoveReport.blanks(names - name.count + 2) + MoveReport.blanks(counts - count.count) + count + "  "
                + hash
        }
        let total = tables.reduce(0) { $0 + $1.rows }
        return lines + ["", "\(total) rows moved, and the same in the file and in the database"]
    }

    private static func blanks(_ count: Int) -> String { String(repeating: " ", count: count) }
}

/// Why a move does not go on; lower-case fact, then the remedy.
enum MoveFault: Error, Equatable, CustomStringConvertible {
    case anotherFile(String)
    case otherData(String)
    case otherVersion(String)
    case twoMoves
    case different([String])

    var description: String {
        switch self {
        case .anotherFile(let store): "the file holds no \(store) store; name the file that the service has used"
        case .otherData(let table):
            "the database holds other data already (\(table)); name an empty database or schema"
        case .otherVersion(let schema):
            "this move was begun by another version of the program (\(schema)); end it with that one"
        case .twoMoves: "another move works on this database; wait for its end"
        case .different(let tables):
            "file and database differ in \(tables.joined(separator: ", ")): one of them was changed after the move had "
                + "begun; empty the database and move again"
        }
    }
}

/// Marks among the versions of schemas: a database that a move has begun, and one that it has ended in.
enum SchemaMark {
    static func moving(_ schema: String) -> String { "\(schema) moving" }
    static func moved(_ schema: String) -> String { "\(schema) moved" }
}
