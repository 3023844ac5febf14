/// What becomes of a statement that was sent.
final class PostgresAnswer {
    /// How many rows it changed; nil before the end of its round.
    var outcome: Result<Int, SQLFault>?
    /// Why the server never came to it.
    var cause: SQLFault?

    /// How many rows the statement changed.
    func changed() throws(SQLFault) -> Int {
        if let cause { throw cause }
        guard let outcome else { throw .failed("a statement has no answer") }
        return try outcome.get()
    }
}

/// The rows of a query, which the server sends while they are read.
final class PostgresRows {
    private let link: PostgresLink
    private var waiting: [SQLRow] = []
    private var hasEnded = false

    init(_ link: PostgresLink) {
        self.link = link
    }

    /// The next row; nil after the last one.
    func next() throws(SQLFault) -> SQLRow? {
        if !waiting.isEmpty { return waiting.removeFirst() }
        if hasEnded { return nil }
        return try read()
    }

    /// Keeps the rows that still come, because the connection is needed for something else.
    func takeAll() throws(SQLFault) {
        while !hasEnded, let row = try read() { waiting.append(row) }
    }

    /// Leaves out the rows that still come.
    func end() throws(SQLFault) {
        waiting = []
        while !hasEnded, try read() != nil {}
    }

    private func read() throws(SQLFault) -> SQLRow? {
        do {
            let row = try link.nextRow()
            if row == nil { hasEnded = true }
            return row
        } catch {
            hasEnded = true
            throw error
        }
    }
}
