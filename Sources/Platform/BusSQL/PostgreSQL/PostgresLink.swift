import BusCore
import CPQ
import Glibc

/// libpq's connection, which never waits longer than its patience; one thread at a time may use it.
///
/// Statements are sent one behind the other (libpq's pipeline mode). A sync ends each round of them, so that after a round
/// nothing is under way, also when one of its statements has failed.
final class PostgresLink {
    private var handle: OpaquePointer?
    private let patience: Duration
    /// The kept statements by their text and the types of their values.
    private var prepared: [Preparation: String] = [:]
    /// What the server has still to answer, in order.
    private var round: [Sent] = []
    /// A result whose rows are still coming.
    private var reading: PostgresRows?
    /// Preparations so far, to give each a name of its own.
    private var preparations = 0

    private struct Preparation: Hashable {
        let sql: SQL
        let types: [Oid]
    }

    private enum Sent {
        case preparation(Preparation)
        case statement(PostgresAnswer)
    }

    /// Connects and waits for the server; the URL's own words come before the defaults.
    init(_ url: PostgresURL, patience: Duration) throws(SQLFault) {
        self.patience = patience
        let parameters = [
            ("connect_timeout", "\(Limits.postgresConnectSeconds)"), ("fallback_application_name", "bus"),
            // A machine that vanished would keep its connection for hours.
            ("keepalives_idle", "10"), ("keepalives_interval", "5"), ("keepalives_count", "3"),
            ("tcp_user_timeout", "15000"), ("dbname", url.reveal()), ("client_encoding", "UTF8"),
        ]
        let keywords = parameters.map { strdup($0.0) }
        let values = parameters.map { strdup($0.1) }
        defer { for pointer in keywords + values { free(pointer) } }
        handle = PQconnectdbParams(
            (keywords + [nil]).map { UnsafePointer($0) }, (values + [nil]).map { UnsafePointer($0) }, 1)
        guard PQstatus(handle) == CONNECTION_OK else {
            let message = message
            close()
            throw .unreachable(message)
        }
        // What the server notes, such as a table that exists already, would go to the standard error.
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        guard PQsetnonblocking(handle, 1) == 0, PQenterPipelineMode(handle) == 1 else { throw lost() }
    }

    deinit { close() }

    /// False after a loss.
    var isOpen: Bool { handle != nil }

    /// True between the begin and the end of a transaction in which nothing has failed.
    var isInTransaction: Bool { handle.map { PQtransactionStatus($0) == PQTRANS_INTRANS } ?? false }

    /// True between the begin and the end of a transaction, also of a failed one.
    var hasBegun: Bool { isInTransaction || handle.map { PQtransactionStatus($0) == PQTRANS_INERROR } ?? false }

    /// The socket, to wait for news.
    var socket: Int32 { PQsocket(handle) }

    /// What tells the server from another thread to stop.
    func makeCancel() -> OpaquePointer? { handle.flatMap { PQgetCancel($0) } }

    /// Gives the connection back; the server ends what it was doing.
    func close() {
        PQfinish(handle)
        handle = nil
        prepared = [:]
        round = []
        reading = nil
    }

    // MARK: Rounds

    /// Sends a kept statement; its answer comes with the end of the round.
    func send(_ sql: SQL, _ values: [SQLValue]) throws(SQLFault) -> PostgresAnswer {
        let handle = try open()
        try reading?.takeAll()
        guard sql.parameterCount == values.count else {
            throw .refused("a statement takes \(sql.parameterCount) values and was given \(values.count)")
        }
        let values = PostgresValues(values)
        let name = try prepare(Preparation(sql: sql, types: values.types), handle)
        let sent = values.withParameters { count, values, lengths, formats in
            PQsendQueryPrepared(handle, name, count, values, lengths, formats, 0)
        }
        guard sent == 1 else { throw lost() }
        return note()
    }

    /// Sends a statement that is not kept.
    func send(once text: String) throws(SQLFault) -> PostgresAnswer {
        let handle = try open()
        try reading?.takeAll()
        guard PQsendQueryParams(handle, text, 0, nil, nil, nil, nil, 0) == 1 else { throw lost() }
        return note()
    }

    /// Ends the round and reads all answers.
    func finish() throws(SQLFault) {
        if round.isEmpty { return }
        try sync()
        for sent in round { try read(sent) }
        try readSync()
    }

    /// Ends the round with a statement whose rows are read one by one.
    func finish(reading answer: PostgresAnswer) throws(SQLFault) -> PostgresRows {
        try sync()
        for sent in round.dropLast() { try read(sent) }
        guard PQsetSingleRowMode(handle) == 1 else { throw lost() }
        let rows = PostgresRows(self)
        reading = rows
        return rows
    }

    private func prepare(_ preparation: Preparation, _ handle: OpaquePointer) throws(SQLFault) -> String {
        if let name = prepared[preparation] { return name }
        preparations += 1
        let name = "bus_\(preparations)"
        let types = preparation.types
        guard PQsendPrepare(handle, name, preparation.sql.text, Int32(types.count), types) == 1 else { throw lost() }
        prepared[preparation] = name
        round.append(.preparation(preparation))
        return name
    }

    private func note() -> PostgresAnswer {
        let answer = PostgresAnswer()
        round.append(.statement(answer))
        return answer
    }

    private func sync() throws(SQLFault) {
        guard PQpipelineSync(try open()) == 1 else { throw lost() }
    }

    /// Reads the results of one statement.
    private func read(_ sent: Sent) throws(SQLFault) {
        while let result = try next() {
            defer { PQclear(result) }
            let fault = fault(of: result)
            switch sent {
            case .preparation(let preparation): if fault != nil { prepared[preparation] = nil }
            case .statement(let answer):
                answer.outcome = fault.map { .failure($0) } ?? .success(Int(String(cString: PQcmdTuples(result))) ?? 0)
            }
            if case .preparation = sent, let fault { failLater(fault) }
        }
    }

    /// A statement that could not be prepared fails with that fault and not with the skipped round.
    private func failLater(_ fault: SQLFault) {
        for case .statement(let answer) in round where answer.outcome == nil { answer.cause = answer.cause ?? fault }
    }

    private func readSync() throws(SQLFault) {
        round = []
        guard let result = try next() else { throw lost() }
        PQclear(result)
    }

    // MARK: Rows

    /// The next row of the statement that ends the round; nil after the last one.
    func nextRow() throws(SQLFault) -> SQLRow? {
        var failure: SQLFault?
        while let result = try next() {
            defer { PQclear(result) }
            if PQresultStatus(result) == PGRES_SINGLE_TUPLE { return SQLRow(result) }
            failure = failure ?? fault(of: result)
        }
        if case .statement(let answer)? = round.last, let cause = answer.cause { failure = cause }
        reading = nil
        try readSync()
        if let failure { throw failure }
        return nil
    }

    // MARK: Waiting

    /// The next result; nil at the end of a statement's results.
    private func next() throws(SQLFault) -> OpaquePointer? {
        let deadline = ContinuousClock.now + patience
        while true {
            let handle = try open()
            let unsent = PQflush(handle)
            if unsent < 0 { throw lost() }
            if PQisBusy(handle) == 0 { break }
            try wait(until: deadline, writing: unsent > 0)
            if PQconsumeInput(handle) == 0 { throw lost() }
        }
        let result = PQgetResult(handle)
        if PQstatus(handle) == CONNECTION_BAD {
            PQclear(result)
            throw lost()
        }
        return result
    }

    private func wait(until deadline: ContinuousClock.Instant, writing: Bool) throws(SQLFault) {
        var entry = pollfd(fd: socket, events: Int16(writing ? POLLIN | POLLOUT : POLLIN), revents: 0)
        let left = deadline - .now
        guard left > .zero else {
            let seconds = patience.components.seconds
            close()
            throw .unreachable("it did not answer for \(seconds) s")
        }
        let milliseconds = left.components.seconds * 1_000 + left.components.attoseconds / 1_000_000_000_000_000 + 1
        if poll(&entry, 1, Int32(clamping: milliseconds)) < 0, errno != EINTR { throw lost() }
    }

    /// The next notification that has arrived, without waiting: its channel's text.
    func takeNotification() throws(SQLFault) -> String? {
        let handle = try open()
        guard PQconsumeInput(handle) == 1 else { throw lost() }
        guard let notification = PQnotifies(handle) else { return nil }
        defer { PQfreemem(notification) }
        return String(cString: notification.pointee.extra)
    }

    // MARK: Faults

    private func open() throws(SQLFault) -> OpaquePointer {
        guard let handle else { throw .unreachable("the connection was lost") }
        return handle
    }

    /// Gives up the connection: what was sent last may or may not have happened.
    private func lost() -> SQLFault {
        let message = message
        close()
        return .unreachable("the connection was lost: \(message)")
    }

    private func fault(of result: OpaquePointer) -> SQLFault? {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_PIPELINE_SYNC: nil
        case PGRES_PIPELINE_ABORTED: .refused("a statement before it failed")
        default: SQLFault(failed: result)
        }
    }

    /// libpq's message on one line, without a password.
    private var message: String {
        let text = PQerrorMessage(handle).map { String(cString: $0) } ?? ""
        return Redaction.redact(text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }
}
