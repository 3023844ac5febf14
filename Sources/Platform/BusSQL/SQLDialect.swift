/// What engines write differently; everything else is one SQL text.
package enum SQLDialect: Sendable {
    case sqlite

    /// The type of a 64-bit key that the program chooses; SQLite then keeps the row under it, without a second tree.
    package var keyColumn: SQL {
        switch self {
        case .sqlite: "INTEGER"
        }
    }

    /// A column that numbers rows and never gives a number twice.
    package var identityColumn: SQL {
        switch self {
        case .sqlite: "INTEGER PRIMARY KEY AUTOINCREMENT"
        }
    }
}
