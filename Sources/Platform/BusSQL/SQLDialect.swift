/// What engines write differently; everything else is one SQL text.
package enum SQLDialect: Sendable {
    case sqlite

    /// A column that numbers rows and never gives a number twice.
    package var identityColumn: SQL {
        switch self {
        case .sqlite: "INTEGER PRIMARY KEY AUTOINCREMENT"
        }
    }
}
