import BillingCore
import BusContract
import BusCore
import BusSQL

/// A standing as the columns of its row, so that a check reads no state.
enum SubscriptionRow {
    /// What a standing has at least.
    static let briefColumns: SQL = "provider, livemode, name, account_id, status, occurred_at"

    /// What a standing has to have so that its plans can be told.
    static let planColumns: SQL = "provider, livemode, name, account_id, status, occurred_at, plan_id, prices"

    /// A customer that is gone reads as none, whether the deletion or the update came first.
    static let columns: SQL = """
        provider, livemode, name, account_id, status, undecided, features, plan_id,
        CASE WHEN EXISTS (
          SELECT 1 FROM bus_billing_deleted_customers AS deleted
          WHERE deleted.provider = bus_billing_subscriptions.provider
            AND deleted.livemode = bus_billing_subscriptions.livemode
            AND deleted.customer_id = bus_billing_subscriptions.customer_id) THEN NULL ELSE customer_id END,
        occurred_at, kind, provider_status, prices, period_start, period_end, cancel_at, collection_paused,
        past_due_since, entitled
        """
    static let columnCount = 19

    static func brief(_ row: SQLRow, occurredAt column: Int = 5) throws -> SubscriptionStanding {
        let accountID = try row.text(3)
        return SubscriptionStanding(
            key: SubscriptionKey(
                provider: try row.text(0), livemode: try row.integer(1) != 0, name: try row.text(2)),
            accountID: accountID.isEmpty ? nil : accountID,
            status: SubscriptionStatus(rawValue: try row.text(4)) ?? .incomplete,
            occurredAt: Timestamp(clampingNanoseconds: try row.integer(column)))
    }

    static func plan(_ row: SQLRow) throws -> SubscriptionStanding {
        var standing = try brief(row)
        standing.planID = try row.textOrNil(6)
        standing.prices = try row.textOrNil(7).map { try PriceListText(text: $0).prices } ?? []
        return standing
    }

    static func standing(_ row: SQLRow) throws -> SubscriptionStanding {
        var standing = try brief(row, occurredAt: 9)
        standing.isUndecided = try row.integer(5) != 0
        standing.features = try row.text(6).split(separator: ",").map(String.init)
        standing.planID = try row.textOrNil(7)
        standing.customerID = try row.textOrNil(8)
        standing.kind = try row.textOrNil(10).flatMap(SubscriptionUpdate.Kind.init(rawValue:))
        standing.providerStatus = try row.textOrNil(11)
        standing.prices = try row.textOrNil(12).map { try PriceListText(text: $0).prices } ?? []
        standing.currentPeriodStart = try row.timeOrNil(13)
        standing.currentPeriodEnd = try row.timeOrNil(14)
        standing.cancelAt = try row.timeOrNil(15)
        standing.collectionPaused = try row.textOrNil(16)
        standing.pastDueSince = try row.timeOrNil(17)
        standing.entitled = try row.textOrNil(18).map(SubscriptionRow.entitled) ?? []
        return standing
    }

    /// The columns after the key.
    static func values(of standing: SubscriptionStanding) -> [SQLValue] {
        [
            .text(standing.accountID ?? ""), .text(standing.status.rawValue),
            .integer(standing.isUndecided ? 1 : 0), .text(standing.features.joined(separator: ",")),
            .optional(standing.planID), .optional(standing.customerID), .integer(standing.occurredAt.nanoseconds),
            .optional(standing.kind?.rawValue), .optional(standing.providerStatus),
            .optional(standing.prices.isEmpty ? nil : PriceListText(standing.prices).text),
            .optional(standing.currentPeriodStart), .optional(standing.currentPeriodEnd), .optional(standing.cancelAt),
            .optional(standing.collectionPaused), .optional(standing.pastDueSince),
            .optional(standing.entitled.isEmpty ? nil : text(of: standing.entitled)),
        ]
    }

    /// Nanoseconds, `from-until,from-`; the last time may be open.
    private static func text(of times: [SubscriptionStanding.EntitledTime]) -> String {
        times.map { "\($0.from.nanoseconds)-\($0.until.map { String($0.nanoseconds) } ?? "")" }
            .joined(separator: ",")
    }

    private static func entitled(_ text: String) throws -> [SubscriptionStanding.EntitledTime] {
        try text.split(separator: ",").map { entry in
            let ends = entry.split(separator: "-", omittingEmptySubsequences: false)
            guard ends.count == 2, let from = Int64(ends[0]) else { throw SubscriptionState.damaged }
            return SubscriptionStanding.EntitledTime(
                from: Timestamp(clampingNanoseconds: from),
                until: Int64(ends[1]).map { Timestamp(clampingNanoseconds: $0) })
        }
    }
}

extension SQLRow {
    fileprivate func timeOrNil(_ column: Int) throws(SQLFault) -> Timestamp? {
        try integerOrNil(column).map { Timestamp(clampingNanoseconds: $0) }
    }
}

extension SQLValue {
    /// A time in nanoseconds; null for nil.
    static func optional(_ time: Timestamp?) -> SQLValue {
        time.map { .integer($0.nanoseconds) } ?? .null
    }
}
