import BillingCore
import BusCore
import BusSQL

/// What accounts have used and hold in one mode; valid inside one transaction.
package struct UsageStore {
    private let connection: any SQLConnection
    private let mode: BillingMode

    /// The usage of a mode in a transaction.
    package init(_ connection: any SQLConnection, in mode: BillingMode) {
        self.connection = connection
        self.mode = mode
    }

    // MARK: Reading

    /// The counts of the windows in which an account is limited; holds that have ended count nothing.
    package func counts(of accountID: String, for limits: [CurrentQuota], at now: Timestamp) throws -> UsageCounts {
        var counts = UsageCounts()
        var seen: Set<UsageBucket> = []
        var held: [HeldSum: Int64] = [:]
        for bucket in limits.map(\.bucket) where seen.insert(bucket).inserted {
            let subject = UsageSubject(
                accountID: accountID, feature: bucket.feature, meterEventName: bucket.meterEventName)
            let since = max(
                Timestamp(clampingSeconds: bucket.start).nanoseconds, UsageStore.endedHolds(at: now).nanoseconds + 1)
            let sum = HeldSum(feature: bucket.feature, meterEventName: bucket.meterEventName, since: since)
            if held[sum] == nil {
                held[sum] = try connection.first(
                    UsageStore.summingHolds, values(subject) + [.integer(since)])?.integer(0)
            }
            let used = try connection.first(
                UsageStore.counting, values(subject) + [.text(bucket.window.rawValue), .integer(bucket.start)])
            counts[bucket] = UsageCount(used: try used?.integer(0) ?? 0, held: held[sum] ?? 0)
        }
        return counts
    }

    /// What open holds are summed over; most windows of a meter have the same.
    private struct HeldSum: Hashable {
        let feature: String
        let meterEventName: String
        let since: Int64
    }

    /// Holds that were made until then have ended.
    private static func endedHolds(at now: Timestamp) -> Timestamp { now.advanced(bySeconds: -Limits.quotaHoldSeconds) }

    // MARK: Holding

    /// Holds the quantity of a granted check until its usage is reported, and at most until the moment that this returns.
    package func hold(_ quantity: Int64, of subject: UsageSubject, id: String, at now: Timestamp) throws -> Timestamp {
        try connection.run(
            UsageStore.holding, values(subject) + [.text(id), .integer(now.nanoseconds), .integer(quantity)])
        return now.advanced(bySeconds: Limits.quotaHoldSeconds)
    }

    /// True when holds have ended and are still stored.
    package func hasEndedHolds(of subject: UsageSubject, at now: Timestamp) throws -> Bool {
        try connection.first(
            UsageStore.anEndedHold, values(subject) + [.integer(UsageStore.endedHolds(at: now).nanoseconds)]) != nil
    }

    /// Removes holds that have ended, at most `Limits.endedHoldsForgottenMax`.
    package func forgetEndedHolds(of subject: UsageSubject, at now: Timestamp) throws {
        try connection.run(
            UsageStore.forgettingEndedHolds,
            values(subject) + [
                .integer(UsageStore.endedHolds(at: now).nanoseconds), .integer(Int64(Limits.endedHoldsForgottenMax)),
            ])
    }

    // MARK: Counting

    /// Counts accepted usage in every window, and settles the hold it names, else the oldest of its meter.
    ///
    /// A hold is settled as a whole: what was used instead is known now.
    package func count(_ quantity: Int64, of subject: UsageSubject, hold holdID: String?, at moment: Timestamp) throws {
        if let holdID {
            try connection.run(
                UsageStore.settling, [.text(subject.accountID), .text(holdID)])
        } else {
            // The oldest that had not ended when the usage happened.
            try connection.run(
                UsageStore.settlingOldest, values(subject) + [.integer(UsageStore.endedHolds(at: moment).nanoseconds)])
        }
        for window in QuotaWindow.allCases where window != .period {
            try add(
                quantity, of: subject, window, from: window.start(containing: moment), keeping: window.lengthSeconds)
        }
        for period in try paidPeriods(of: subject.accountID, at: moment) {
            try add(quantity, of: subject, .period, from: period.start, keeping: period.end - period.start)
        }
    }

    /// Takes back usage that was counted and that the payment company does not count after all.
    package func takeBack(_ quantity: Int64, of subject: UsageSubject, at moment: Timestamp) throws {
        let windows = QuotaWindow.allCases.filter { $0 != .period }.map { ($0, $0.start(containing: moment)) }
        let periods = try paidPeriods(of: subject.accountID, at: moment).map { (QuotaWindow.period, $0.start) }
        for (window, start) in windows + periods {
            try connection.run(
                UsageStore.takingBack, values(subject) + [.text(window.rawValue), .integer(start), .integer(quantity)])
        }
    }

    /// The paid periods of an account's subscriptions that a moment lies in.
    private func paidPeriods(of accountID: String, at moment: Timestamp) throws -> Set<PaidPeriod> {
        let standing = try SubscriptionStore(connection).standing(of: accountID, in: mode)
        return Set(
            standing.subscriptions.filter(\.status.isBought).compactMap { $0.paidPeriod(at: moment) }
                .filter { $0.start <= moment.seconds })
    }

    /// Adds to a window whether a quota limits it or not, so that the counts are complete for a quota that comes later.
    private func add(
        _ quantity: Int64, of subject: UsageSubject, _ window: QuotaWindow, from start: Int64, keeping length: Int64?
    ) throws {
        let row = try connection.first(
            UsageStore.adding, values(subject) + [.text(window.rawValue), .integer(start), .integer(quantity)])
        // A window that begins makes room, so that a count costs the same after years.
        guard let length, try row?.integer(0) == quantity else { return }
        try connection.run(
            UsageStore.forgettingWindows,
            values(subject) + [.text(window.rawValue), .integer(start - Limits.quotaWindowsKept * length)])
    }

    private func values(_ subject: UsageSubject) -> [SQLValue] {
        [
            .text(subject.accountID), .integer(mode.livemode ? 1 : 0), .text(subject.feature),
            .text(subject.meterEventName),
        ]
    }

    // MARK: Statements

    private static let counting: SQL = """
        SELECT used FROM bus_billing_usage_counts WHERE account_id = $1 AND livemode = $2
          AND feature = $3 AND meter_event_name = $4 AND span = $5 AND starts_at = $6
        """
    private static let summingHolds: SQL = """
        SELECT CAST(COALESCE(SUM(quantity), 0) AS BIGINT) FROM bus_billing_holds WHERE account_id = $1
          AND livemode = $2 AND feature = $3 AND meter_event_name = $4 AND held_at >= $5
        """
    private static let holding: SQL = """
        INSERT INTO bus_billing_holds (account_id, livemode, feature, meter_event_name, id, held_at, quantity)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (account_id, id) DO UPDATE SET livemode = excluded.livemode, feature = excluded.feature,
          meter_event_name = excluded.meter_event_name, held_at = excluded.held_at, quantity = excluded.quantity
        """
    private static let anEndedHold: SQL = """
        SELECT 1 FROM bus_billing_holds
        WHERE account_id = $1 AND livemode = $2 AND feature = $3 AND meter_event_name = $4 AND held_at <= $5
        LIMIT 1
        """
    private static let forgettingEndedHolds: SQL = """
        DELETE FROM bus_billing_holds WHERE account_id = $1 AND id IN (
          SELECT id FROM bus_billing_holds
          WHERE account_id = $1 AND livemode = $2 AND feature = $3 AND meter_event_name = $4 AND held_at <= $5
          ORDER BY held_at LIMIT $6)
        """
    private static let settlingOldest: SQL = """
        DELETE FROM bus_billing_holds WHERE account_id = $1 AND id IN (
          SELECT id FROM bus_billing_holds
          WHERE account_id = $1 AND livemode = $2 AND feature = $3 AND meter_event_name = $4 AND held_at > $5
          ORDER BY held_at, id LIMIT 1)
        """
    private static let takingBack: SQL = """
        UPDATE bus_billing_usage_counts SET used = CASE WHEN used > $7 THEN used - $7 ELSE 0 END
        WHERE account_id = $1 AND livemode = $2 AND feature = $3 AND meter_event_name = $4 AND span = $5
          AND starts_at = $6
        """
    private static let adding: SQL = """
        INSERT INTO bus_billing_usage_counts
          (account_id, livemode, feature, meter_event_name, span, starts_at, used)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (account_id, livemode, feature, meter_event_name, span, starts_at) DO UPDATE SET used =
          CASE WHEN bus_billing_usage_counts.used > 9223372036854775807 - excluded.used THEN 9223372036854775807
          ELSE bus_billing_usage_counts.used + excluded.used END
        RETURNING used
        """
    private static let forgettingWindows: SQL = """
        DELETE FROM bus_billing_usage_counts WHERE account_id = $1 AND livemode = $2 AND feature = $3
          AND meter_event_name = $4 AND span = $5 AND starts_at < $6
        """
    private static let settling: SQL = "DELETE FROM bus_billing_holds WHERE account_id = $1 AND id = $2"
}

extension QuotaWindow {
    /// The longest such window; nil for one without a length of its own.
    fileprivate var lengthSeconds: Int64? {
        switch self {
        case .minute: 60
        case .hour: 3_600
        case .day: 86_400
        case .week: 7 * 86_400
        case .month: 31 * 86_400
        case .period, .total: nil
        }
    }
}
