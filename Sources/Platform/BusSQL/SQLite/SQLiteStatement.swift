import BusCore
import CSQLite

/// A compiled statement, kept by its connection and used again and again.
final class SQLiteStatement {
    private let handle: OpaquePointer
    /// The number behind the `$` of each parameter; SQLite orders them by their first appearance.
    private let parameters: [Int]

    /// What SQLite is told to do with text and bytes that it is given: copy them.
    private static let copying = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// Compiles the text on an open connection; the caller turns nil into the connection's fault.
    init?(_ text: String, on connection: OpaquePointer) {
        var handle: OpaquePointer?
        let kept = UInt32(SQLITE_PREPARE_PERSISTENT)
        guard sqlite3_prepare_v3(connection, text, -1, kept, &handle, nil) == SQLITE_OK, let handle else { return nil }
        self.handle = handle
        parameters = (0..<sqlite3_bind_parameter_count(handle)).map { index in
            sqlite3_bind_parameter_name(handle, index + 1).flatMap { Int(String(cString: $0 + 1)) } ?? 0
        }
    }

    deinit { sqlite3_finalize(handle) }

    /// True while somebody still reads its rows.
    var isBusy: Bool { sqlite3_stmt_busy(handle) != 0 }

    /// Puts the values into the parameters with their numbers; returns SQLite's code.
    func bind(_ values: [SQLValue]) throws(SQLFault) -> Int32 {
        guard parameters.max() ?? 0 == values.count else {
            throw .refused("a statement takes \(parameters.max() ?? 0) values and was given \(values.count)")
        }
        for (index, number) in parameters.enumerated() {
            guard values.indices.contains(number - 1) else { throw .refused("a parameter is not of the form $1") }
            let code = bind(values[number - 1], at: Int32(index + 1))
            if code != SQLITE_OK { return code }
        }
        return SQLITE_OK
    }

    private func bind(_ value: SQLValue, at index: Int32) -> Int32 {
        switch value {
        case .null: return sqlite3_bind_null(handle, index)
        case .integer(let value): return sqlite3_bind_int64(handle, index, value)
        case .text(var text):
            return text.withUTF8 { bytes in
                // An empty text may have no address, and SQLite would take that for null.
                guard let start = bytes.baseAddress else {
                    return sqlite3_bind_text(handle, index, "", 0, SQLiteStatement.copying)
                }
                return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                    sqlite3_bind_text(handle, index, $0, Int32(bytes.count), SQLiteStatement.copying)
                }
            }
        case .blob(let bytes):
            if bytes.isEmpty { return sqlite3_bind_zeroblob(handle, index, 0) }
            return bytes.withUnsafeBytes {
                sqlite3_bind_blob(handle, index, $0.baseAddress, Int32($0.count), SQLiteStatement.copying)
            }
        }
    }

    /// Goes on to the next row or to the end; returns SQLite's code.
    func step() -> Int32 { sqlite3_step(handle) }

    /// Makes the statement ready for its next use.
    func reset() { sqlite3_reset(handle) }

    /// The row it stands on.
    var row: SQLRow { SQLRow((0..<sqlite3_data_count(handle)).map { value(at: $0) }) }

    private func value(at column: Int32) -> SQLValue {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: return .integer(sqlite3_column_int64(handle, column))
        case SQLITE_FLOAT: return .text(String(sqlite3_column_double(handle, column)))
        case SQLITE_TEXT:
            // Asked for its text first: that is what the length then counts.
            let start = sqlite3_column_text(handle, column)
            let bytes = UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))
            return .text(String(decoding: bytes, as: UTF8.self))
        case SQLITE_BLOB:
            let start = sqlite3_column_blob(handle, column)
            return .blob(
                [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column)))))
        default: return .null
        }
    }
}
