import BillingCore
import BusContract
import BusCore
import BusSQL

/// The state of each usage export; valid inside one transaction.
package struct ExportLedger {
    private let connection: any SQLConnection

    /// The ledger in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// The export stored under an account's key.
    package func export(of accountID: String, key: String) throws -> UsageExport? {
        let row = try connection.first(
            """
            SELECT feature, meter_event_name, quantity, event_id, occurred_at, state, sent_at, provider_event_id, reason
            FROM bus_billing_usage_exports WHERE account_id = $1 AND idempotency_key = $2
            """, [.text(accountID), .text(key)])
        guard let row else { return nil }
        var request = UsageExportRequest()
        request.accountID = accountID
        request.feature = try row.text(0)
        request.meterEventName = try row.text(1)
        request.quantity = try row.integer(2)
        request.eventID = try row.textOrNil(3)
        request.occurredAt = try row.integerOrNil(4).map(Timestamp.init(clampingNanoseconds:))
        return UsageExport(request, state: try ExportLedger.state(row))
    }

    private static func state(_ row: SQLRow) throws -> UsageExport.State {
        switch try row.text(5) {
        case "sent": .sent(since: Timestamp(clampingNanoseconds: try row.integerOrNil(6) ?? 0))
        case "accepted": .accepted(providerEventID: try row.textOrNil(7))
        case "refused": .refused(reason: try row.textOrNil(8) ?? "")
        default: .queued
        }
    }

    /// Stores the state of an export.
    package func save(_ export: UsageExport, provider: String, at now: Timestamp) throws {
        let request = export.request
        var (state, sentAt, providerEventID, reason) = ("queued", Timestamp?.none, String?.none, String?.none)
        switch export.state {
        case .queued: break
        case .sent(let since): (state, sentAt) = ("sent", since)
        case .accepted(let id): (state, providerEventID) = ("accepted", id)
        case .refused(let why): (state, reason) = ("refused", why)
        }
        try connection.run(
            """
            INSERT INTO bus_billing_usage_exports (account_id, idempotency_key, feature, meter_event_name, quantity,
              event_id, occurred_at, state, sent_at, provider, provider_event_id, reason, created_at, updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
            ON CONFLICT (account_id, idempotency_key) DO UPDATE SET state = excluded.state,
              sent_at = COALESCE(excluded.sent_at, bus_billing_usage_exports.sent_at),
              provider = excluded.provider, provider_event_id = excluded.provider_event_id, reason = excluded.reason,
              updated_at = excluded.updated_at
            """,
            [
                .text(request.accountID), .text(request.idempotencyKey), .text(request.feature),
                .text(request.meterEventName), .integer(request.quantity), .optional(request.eventID),
                request.occurredAt.map { .integer($0.nanoseconds) } ?? .null, .text(state),
                sentAt.map { .integer($0.nanoseconds) } ?? .null, .text(provider), .optional(providerEventID),
                .optional(reason), .integer(now.nanoseconds),
            ])
    }
}

/// The handled events with their responses, which make a redelivery harmless.
package struct HandledEvents {
    private let connection: any SQLConnection

    /// The record in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    /// The response to a handled event; nil for an event that was not handled.
    package func response<Response: Message>(to eventID: String?) throws -> Response? {
        guard let eventID else { return nil }
        return try connection.first(
            "SELECT response FROM bus_billing_handled_events WHERE event_id = $1", [.text(eventID)]
        ).map { try Response(JSONText(parsing: Array($0.text(0).utf8))) }
    }

    /// Stores the response, in the transaction of the change that it reports.
    package func record(_ response: some Message, to eventID: String?, at now: Timestamp) throws {
        guard let eventID else { return }
        try connection.run(
            "INSERT INTO bus_billing_handled_events (event_id, response, handled_at) VALUES ($1, $2, $3)",
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
