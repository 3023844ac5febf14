import BusCore
import FoundationEssentials
import TestSupport

/// When what happens, in Unix seconds.
struct TownCalendar: Sendable {
    let bought: Int64
    let renewed: Int64
    /// Two days after the second paid month, and a minute.
    let end: Int64

    private static let unheardSeconds: Int64 = 2 * 86_400

    /// Lets the two days end at a moment.
    init(endingAt moment: Int64) {
        bought = Self.month(-2, from: moment - Self.unheardSeconds)
        renewed = Self.month(1, from: bought)
        end = Self.month(2, from: bought) + Self.unheardSeconds + 60
    }

    /// Where the offline Stripe's clock stands at first.
    static var start: String {
        Timestamp(seconds: month(-2, from: unixNow()) - 4 * 86_400)?.rfc3339 ?? ""
    }

    private static func month(_ count: Int, from moment: Int64) -> Int64 {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let date = Date(timeIntervalSince1970: Double(moment))
        return Int64((calendar.date(byAdding: .month, value: count, to: date) ?? date).timeIntervalSince1970)
    }
}
