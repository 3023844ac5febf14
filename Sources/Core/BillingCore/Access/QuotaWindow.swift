import BusCore

/// A span of time in which usage is counted; shorter ones are reported first.
///
/// All but `period` are fixed spans of UTC.
package enum QuotaWindow: String, CaseIterable, Comparable, Sendable {
    case minute, hour, day, week, month, period, total

    /// Reads a window under each of its names, in any case (docs/contract/billing.md, "Quota windows").
    package init?(_ text: String) {
        switch text.lowercased() {
        case "minute", "minutes", "min", "mins", "minutely", "per_minute": self = .minute
        case "hour", "hours", "hourly": self = .hour
        case "day", "days", "daily": self = .day
        case "week", "weeks", "weekly": self = .week
        case "month", "months", "monthly": self = .month
        case "period", "billing_period", "billing_cycle": self = .period
        case "total", "lifetime", "all", "forever", "once", "overall": self = .total
        default: return nil
        }
    }

    /// Seconds since 1970 of the first moment of the window that `moment` lies in; 0 for the one total window.
    ///
    /// For a period this is the calendar month, which counts where no paid period is known.
    package func start(containing moment: Timestamp) -> Int64 {
        let seconds = moment.seconds
        let day = QuotaWindow.roundedDown(seconds, toMultipleOf: 86_400) / 86_400
        switch self {
        case .minute: return QuotaWindow.roundedDown(seconds, toMultipleOf: 60)
        case .hour: return QuotaWindow.roundedDown(seconds, toMultipleOf: 3600)
        case .day: return day * 86_400
        case .week:
            // 1970 began on a Thursday: day -3 is a Monday.
            return (QuotaWindow.roundedDown(day + 3, toMultipleOf: 7) - 3) * 86_400
        case .month, .period:
            let (year, month, _) = Timestamp.civil(day)
            return Timestamp.days(year, month, 1) * 86_400
        case .total: return 0
        }
    }

    /// Seconds since 1970 of the first moment after that window; nil for the total window, which has no end.
    package func end(containing moment: Timestamp) -> Int64? {
        let start = start(containing: moment)
        switch self {
        case .minute: return start + 60
        case .hour: return start + 3600
        case .day: return start + 86_400
        case .week: return start + 7 * 86_400
        case .month, .period:
            let (year, month, _) = Timestamp.civil(start / 86_400)
            return (month == 12 ? Timestamp.days(year + 1, 1, 1) : Timestamp.days(year, month + 1, 1)) * 86_400
        case .total: return nil
        }
    }

    /// Shorter before longer.
    package static func < (left: QuotaWindow, right: QuotaWindow) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .minute: 0
        case .hour: 1
        case .day: 2
        case .week: 3
        case .month: 4
        case .period: 5
        case .total: 6
        }
    }

    /// Division truncates toward zero, which before 1970 would round up.
    private static func roundedDown(_ value: Int64, toMultipleOf unit: Int64) -> Int64 {
        let remainder = value % unit
        return value - (remainder < 0 ? remainder + unit : remainder)
    }
}
