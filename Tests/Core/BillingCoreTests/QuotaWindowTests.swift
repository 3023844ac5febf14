import BillingCore
import BusCore
import TestSupport
import Testing

@Suite("Quota windows")
struct QuotaWindowTests {
    private static let names: [QuotaWindow: [String]] = [
        .minute: ["minute", "minutes", "min", "mins", "minutely", "per_minute"],
        .hour: ["hour", "hours", "hourly"],
        .day: ["day", "days", "daily"],
        .week: ["week", "weeks", "weekly"],
        .month: ["month", "months", "monthly"],
        .period: ["period", "billing_period", "billing_cycle"],
        .total: ["total", "lifetime", "all", "forever", "once", "overall"],
    ]

    private func seconds(_ text: String) throws -> Int64 {
        try #require(Timestamp(rfc3339: text)).seconds
    }

    @Test("every name of a window is read in any case", arguments: QuotaWindow.allCases)
    func aliases(window: QuotaWindow) throws {
        for name in try #require(QuotaWindowTests.names[window]) {
            #expect(QuotaWindow(name) == window, "\(name)")
            #expect(QuotaWindow(name.uppercased()) == window, "\(name.uppercased())")
            #expect(QuotaWindow(name.prefix(1).uppercased() + name.dropFirst()) == window)
        }
    }

    @Test(
        "anything else is no window", arguments: ["", "minutess", "quarter", "year", "per minute", " day", "total\n"])
    func notWindows(text: String) {
        #expect(QuotaWindow(text) == nil)
    }

    @Test("windows are ordered from minute to total, as reports list them")
    func order() {
        #expect(QuotaWindow.allCases.shuffled().sorted() == [.minute, .hour, .day, .week, .month, .period, .total])
    }

    @Test(
        "a window starts where the calendar says",
        arguments: [
            ("2026-07-24T11:22:33.9Z", QuotaWindow.minute, "2026-07-24T11:22:00Z", "2026-07-24T11:23:00Z"),
            ("2026-07-24T11:22:33Z", .hour, "2026-07-24T11:00:00Z", "2026-07-24T12:00:00Z"),
            ("2026-07-24T11:22:33Z", .day, "2026-07-24T00:00:00Z", "2026-07-25T00:00:00Z"),
            ("2026-07-24T11:22:33Z", .week, "2026-07-20T00:00:00Z", "2026-07-27T00:00:00Z"),
            ("2026-07-19T23:59:59.999999999Z", .week, "2026-07-13T00:00:00Z", "2026-07-20T00:00:00Z"),
            ("2026-07-20T00:00:00Z", .week, "2026-07-20T00:00:00Z", "2026-07-27T00:00:00Z"),
            ("2026-12-31T23:59:59Z", .month, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", .month, "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"),
            ("2100-02-28T12:00:00Z", .month, "2100-02-01T00:00:00Z", "2100-03-01T00:00:00Z"),
            ("1970-01-04T23:59:59.5Z", .minute, "1970-01-04T23:59:00Z", "1970-01-05T00:00:00Z"),
            ("1970-01-05T00:00:00Z", .week, "1970-01-05T00:00:00Z", "1970-01-12T00:00:00Z"),
            ("1972-02-29T00:00:00Z", .month, "1972-02-01T00:00:00Z", "1972-03-01T00:00:00Z"),
        ])
    func examples(moment: String, window: QuotaWindow, start: String, end: String) throws {
        let moment = try #require(Timestamp(rfc3339: moment))
        #expect(try window.start(containing: moment) == seconds(start))
        #expect(try window.end(containing: moment) == seconds(end))
    }

    @Test("the total window starts at 0 and never ends")
    func total() {
        for moment in [Timestamp.earliest, .latest] {
            #expect(QuotaWindow.total.start(containing: moment) == 0)
            #expect(QuotaWindow.total.end(containing: moment) == nil)
        }
    }

    @Test("windows are half-open: the end begins the next one, the nanosecond before still counts")
    func halfOpen() async throws {
        let seed = PropertySettings.seed
        print("quota window edges, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(2_000, proof: 200_000) {
            let moment = Timestamp(
                clampingNanoseconds: .random(in: 0...7_280_000_000_000_000_000, using: &random))
            for window in QuotaWindow.allCases where window != .total {
                let start = window.start(containing: moment)
                let end = try #require(window.end(containing: moment))
                #expect(start <= moment.seconds && moment.seconds < end, "\(window) of \(moment.rfc3339)")
                let last = Timestamp(clampingNanoseconds: Timestamp(clampingSeconds: end).nanoseconds - 1)
                #expect(window.start(containing: last) == start, "\(window) of \(moment.rfc3339)")
                let next = Timestamp(clampingSeconds: end)
                #expect(window.start(containing: next) == end, "\(window) of \(moment.rfc3339)")
            }
        }
    }

    /// Walks the calendar one day at a time from 1970-01-01, a Thursday, with nothing but the lengths of the months.
    @Test("days, weeks and months agree with a calendar walked day by day")
    func walkedCalendar() throws {
        let seed = PropertySettings.seed
        print("quota window calendar, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        var (year, month, day) = (1970, 1, 1)
        var weekday = 3
        var midnight = try seconds("1970-01-01T00:00:00Z")
        var (monthStart, weekStart) = (midnight, midnight - 3 * 86_400)
        while year < 2200 {
            let moment = Timestamp(
                clampingNanoseconds: Timestamp(clampingSeconds: midnight).nanoseconds
                    + .random(in: 0..<86_400_000_000_000, using: &random))
            let found = [QuotaWindow.day, .week, .month].map { $0.start(containing: moment) }
            try #require(found == [midnight, weekStart, monthStart], "\(year)-\(month)-\(day)")
            midnight += 86_400
            weekday = (weekday + 1) % 7
            if weekday == 0 { weekStart = midnight }
            day += 1
            let isLeap = year % 400 == 0 || (year % 4 == 0 && year % 100 != 0)
            let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            if day > lengths[month - 1] {
                (day, month, monthStart) = (1, month + 1, midnight)
                if month > 12 { (month, year) = (1, year + 1) }
            }
        }
    }
}
