/// Bounds of a move from SQLite to PostgreSQL.
extension Limits {
    /// Rows that are copied in one transaction, and compared in one look.
    package static let movedRowsMax = 1_000
    /// Bytes from which a transaction takes no more rows.
    package static let movedBytesMax = 4 << 20
}
