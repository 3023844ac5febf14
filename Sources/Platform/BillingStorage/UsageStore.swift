import BillingCore
import BusContract
import BusCore
import BusSQL

/// What accounts have used and hold; valid inside one transaction.
package struct UsageStore {
    private let connection: any SQLConnection

    /// The usage in a transaction.
    package init(_ connection: any SQLConnection) {
        self.connection = connection
    }

    // MARK: Reading

    /// The counts of the current windows of these quotas.
    package func counts(of accountID: String, for quotas: [Quota], at now: Timestamp) throws -> UsageCounts {
        var counts = UsageCounts()
        var expired: [UsageSubject: [Hold]] = [:]
        for quota in quotas {
            let subject = UsageSubject(
                accountID: accountID, feature: quota.feature, meterEventName: quota.meterEventName)
            let start = quota.window.start(containing: now)
            guard var count = try bucket(subject, quota.window, start) else { continue }
            if count.held > 0 {
                let stale = try expired[subject] ?? holds(of: subject, until: expiry(now))
                expired[subject] = stale
                for hold in stale where hold.heldAt.seconds >= start { count.held -= hold.quantity }
            }
            counts[quota] = UsageCount(used: count.used, held: max(0, count.held))
        }
        return counts
    }

    private func bucket(_ subject: UsageSubject, _ window: QuotaWindow, _ start: Int64) throws -> UsageCount? {
        try connection.first(
            """
            SELECT used, held FROM bus_billing_usage_buckets
            WHERE account_id = $1 AND feature = $2 AND meter_event_name = $3 AND span = $4 AND starts_at = $5
            """, subject.values + [.text(window.rawValue), .integer(start)]
        ).map { UsageCount(used: try $0.integer(0), held: try $0.integer(1)) }
    }

    // MARK: Holding and counting

    /// Holds the quantity of a granted check, until usage is reported or `Limits.quotaHoldSeconds` have passed.
    package func hold(_ quantity: Int64, of subject: UsageSubject, id: String, at now: Timestamp) throws {
        for hold in try holds(of: subject, until: expiry(now)) { try remove(hold, of: subject) }
        try connection.run(
            """
            INSERT INTO bus_billing_usage_holds (account_id, feature, meter_event_name, held_at, id, quantity)
            VALUES ($1, $2, $3, $4, $5, $6)
            """, subject.values + [.integer(now.nanoseconds), .text(id), .integer(quantity)])
        try add(UsageCount(held: quantity), to: subject, at: now)
    }

    /// Counts accepted usage in every window, and settles the hold it names, else the oldest of its meter.
    package func count(_ quantity: Int64, of subject: UsageSubject, hold holdID: String?, at moment: Timestamp) throws {
        let held = try holds(of: subject, until: .latest)
        if let settled = holdID.map({ id in held.first { $0.id == id } }) ?? held.first {
            try remove(settled, of: subject)
        }
        try add(UsageCount(used: quantity), to: subject, at: moment)
    }

    private struct Hold {
        let id: String
        let heldAt: Timestamp
        let quantity: Int64
    }

    private func expiry(_ now: Timestamp) -> Timestamp { now.advanced(bySeconds: -Limits.quotaHoldSeconds) }

    private func holds(of subject: UsageSubject, until last: Timestamp) throws -> [Hold] {
        try connection.rows(
            """
            SELECT id, held_at, quantity FROM bus_billing_usage_holds
            WHERE account_id = $1 AND feature = $2 AND meter_event_name = $3 AND held_at <= $4
            ORDER BY held_at, id LIMIT 100
            """, subject.values + [.integer(last.nanoseconds)]
        ).map {
            Hold(
                id: try $0.text(0), heldAt: Timestamp(clampingNanoseconds: try $0.integer(1)),
                quantity: try $0.integer(2))
        }
    }

    private func remove(_ hold: Hold, of subject: UsageSubject) throws {
        try shrink(hold, by: hold.quantity, of: subject)
    }

    private func shrink(_ hold: Hold, by part: Int64, of subject: UsageSubject) throws {
        let place = subject.values + [.integer(hold.heldAt.nanoseconds), .text(hold.id)]
        if part == hold.quantity {
            try connection.run(
                """
                DELETE FROM bus_billing_usage_holds WHERE account_id = $1 AND feature = $2 AND meter_event_name = $3
                  AND held_at = $4 AND id = $5
                """, place)
        } else {
            try connection.run(
                """
                UPDATE bus_billing_usage_holds SET quantity = quantity - $6
                WHERE account_id = $1 AND feature = $2 AND meter_event_name = $3 AND held_at = $4 AND id = $5
                """, place + [.integer(part)])
        }
        try add(UsageCount(held: -part), to: subject, at: hold.heldAt)
    }

    /// Adds to the bucket of every window, so that the counts are complete for a quota that is added later.
    private func add(_ change: UsageCount, to subject: UsageSubject, at moment: Timestamp) throws {
        for window in QuotaWindow.allCases {
            let start = window.start(containing: moment)
            let stored = try bucket(subject, window, start)
            if stored == nil { try forgetOld(subject, window, before: start) }
            let count = stored ?? UsageCount()
            try connection.run(
                """
                INSERT INTO bus_billing_usage_buckets
                  (account_id, feature, meter_event_name, span, starts_at, used, held)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                ON CONFLICT (account_id, feature, meter_event_name, span, starts_at)
                DO UPDATE SET used = excluded.used, held = excluded.held
                """,
                subject.values + [
                    .text(window.rawValue), .integer(start),
                    .integer(count.used.addingSaturated(change.used)),
                    .integer(max(0, count.held.addingSaturated(change.held))),
                ])
        }
    }

    /// Keeps one account's buckets bounded, so that a count costs the same after years.
    private func forgetOld(_ subject: UsageSubject, _ window: QuotaWindow, before start: Int64) throws {
        guard let length = window.lengthSeconds else { return }
        try connection.run(
            """
            DELETE FROM bus_billing_usage_buckets
            WHERE account_id = $1 AND feature = $2 AND meter_event_name = $3 AND span = $4 AND starts_at < $5
            """, subject.values + [.text(window.rawValue), .integer(start - Limits.quotaWindowsKept * length)])
    }
}

extension UsageSubject {
    fileprivate var values: [SQLValue] { [.text(accountID), .text(feature), .text(meterEventName)] }
}

extension QuotaWindow {
    /// The longest such window; nil for the window that never ends.
    fileprivate var lengthSeconds: Int64? {
        switch self {
        case .minute: 60
        case .hour: 3_600
        case .day: 86_400
        case .week: 7 * 86_400
        case .month: 31 * 86_400
        case .total: nil
        }
    }
}
