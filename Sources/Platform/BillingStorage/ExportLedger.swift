import BillingCore
import BusContract
import BusCore
import BusSQL

/// The usage ledger: what is owed to the payment company and what became of it; valid inside one transaction.
package struct ExportLedger {
    private let connection: any SQLConnection

    /// The ledger in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    // MARK: Rows

    /// The row under a key.
    package func export(_ key: UsageKey) throws -> UsageExport? {
        try rows(
            "WHERE account_id = $1 AND livemode = $2 AND meter_event_name = $3 AND idempotency_key = $4",
            [.text(key.accountID), key.mode.column, .text(key.meterEventName), .text(key.text)]
        ).first
    }

    /// The rows that were told a payment company under a key of theirs: one, and of the released program one an account.
    package func exports(toldAs providerKey: String, provider: String, in mode: BillingMode) throws -> [UsageExport] {
        try rows(
            "WHERE provider_key = $1 AND provider = $2 AND livemode = $3 LIMIT $4",
            [.text(providerKey), .text(provider), mode.column, .integer(Int64(Limits.refusedUsagesMax))])
    }

    /// Rows that are to be looked at, the longest due first.
    ///
    /// - Parameter onlySent: Leaves those alone that nobody has told yet.
    package func due(at now: Timestamp, onlySent: Bool, atMost count: Int) throws -> [UsageExport] {
        let values: [SQLValue] = [.integer(now.nanoseconds), .integer(Int64(count))]
        return onlySent
            ? try rows("WHERE state = 'sent' AND due_at <= $1 ORDER BY due_at LIMIT $2", values)
            : try rows("WHERE due_at IS NOT NULL AND due_at <= $1 ORDER BY due_at LIMIT $2", values)
    }

    private func rows(_ condition: SQL, _ values: [SQLValue]) throws -> [UsageExport] {
        try connection.rows(
            """
            SELECT account_id, livemode, meter_event_name, feature, quantity, event_id, occurred_at, hold_id, used_at,
              provider, provider_key, customer_id, state, sent_at, reason, attempts, due_at, leased_until, open_until,
              provider_event_id
            FROM bus_billing_usage_exports
            """ + " " + condition, values
        ).map(UsageExport.init(row:))
    }

    /// Stores a row.
    package func save(_ export: UsageExport, at now: Timestamp) throws {
        try connection.run(
            """
            INSERT INTO bus_billing_usage_exports (account_id, livemode, meter_event_name, idempotency_key, feature,
              quantity, event_id, occurred_at, hold_id, used_at, provider, provider_key, customer_id, state, sent_at,
              provider_event_id, reason, attempts, due_at, leased_until, open_until, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,
              $22, $22)
            ON CONFLICT (account_id, livemode, meter_event_name, idempotency_key) DO UPDATE SET
              feature = excluded.feature, quantity = excluded.quantity, event_id = excluded.event_id,
              occurred_at = excluded.occurred_at, hold_id = excluded.hold_id, used_at = excluded.used_at,
              provider = excluded.provider, provider_key = excluded.provider_key, customer_id = excluded.customer_id,
              state = excluded.state, sent_at = excluded.sent_at, provider_event_id = excluded.provider_event_id,
              reason = excluded.reason, attempts = excluded.attempts, due_at = excluded.due_at,
              leased_until = excluded.leased_until, open_until = excluded.open_until, updated_at = excluded.updated_at
            """, export.columns(at: now))
    }

    // MARK: Counting

    /// True when so many usages are with the payment company without an answer that no more are told.
    package func isFull() throws -> Bool {
        let count = try connection.first("SELECT COUNT(*) FROM bus_billing_usage_exports WHERE state = 'sent'")
        return try count?.integer(0) ?? 0 >= Limits.usageUnansweredMax
    }

    /// When the next row is to be looked at; nil while none waits.
    package func nextDue(onlySent: Bool) throws -> Timestamp? {
        try moment(
            onlySent
                ? "SELECT MIN(due_at) FROM bus_billing_usage_exports WHERE state = 'sent'"
                : "SELECT MIN(due_at) FROM bus_billing_usage_exports WHERE due_at IS NOT NULL")
    }

    /// When the oldest usage that waits was used; nil while none waits.
    package func oldestWaiting() throws -> Timestamp? {
        try moment("SELECT MIN(used_at) FROM bus_billing_usage_exports WHERE due_at IS NOT NULL")
    }

    private func moment(_ query: SQL) throws -> Timestamp? {
        try connection.first(query)?.integerOrNil(0).map(Timestamp.init(clampingNanoseconds:))
    }
}

/// The handled events with their responses, which make a redelivery harmless.
package struct HandledEvents {
    private let connection: any SQLConnection

    private static let finding: SQL = "SELECT response FROM bus_billing_handled_events WHERE event_id = $1"
    private static let recording: SQL =
        "INSERT INTO bus_billing_handled_events (event_id, response, handled_at) VALUES ($1, $2, $3)"

    /// The record in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// The response to a handled event; nil for an event that was not handled.
    package func response<Response: Message>(to eventID: String?) throws -> Response? {
        guard let eventID else { return nil }
        return try connection.first(HandledEvents.finding, [.text(eventID)]).map {
            try Response(JSONText(parsing: Array($0.text(0).utf8)))
        }
    }

    /// Stores the response, in the transaction of the change that it reports.
    package func record(_ response: some Message, to eventID: String?, at now: Timestamp) throws {
        guard let eventID else { return }
        try connection.run(
            HandledEvents.recording,
            [.text(eventID), .text(String(decoding: response.payload.bytes, as: UTF8.self)), .integer(now.seconds)])
    }

    /// Removes up to `count` responses that no redelivery can need, and returns how many.
    package func forget(before moment: Timestamp, atMost count: Int) throws -> Int {
        try connection.run(
            """
            DELETE FROM bus_billing_handled_events WHERE event_id IN (
              SELECT event_id FROM bus_billing_handled_events WHERE handled_at < $1 ORDER BY handled_at LIMIT $2)
            """, [.integer(moment.seconds), .integer(Int64(count))])
    }
}
