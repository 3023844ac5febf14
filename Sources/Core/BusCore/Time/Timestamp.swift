/// A moment in UTC, to the nanosecond, from 1970 to the end of the year 2200.
///
/// Every value lies in that range, so arithmetic stops at its ends and every text that is written can be read back.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// Nanoseconds since 1970-01-01T00:00:00Z.
    package let nanoseconds: Int64

    /// 1970-01-01T00:00:00Z.
    package static let earliest = Timestamp(clampingNanoseconds: 0)
    /// 2200-12-31T23:59:59.999999999Z.
    package static let latest = Timestamp(clampingNanoseconds: .max)

    private static let nanosecondsMax: Int64 = 7_289_654_399_999_999_999
    private static let nanosecondsPerSecond: Int64 = 1_000_000_000

    /// Seconds since 1970 that somebody sent; nil when they are out of range.
    package init?(seconds: Int64) {
        self.init(seconds: seconds, fraction: 0)
    }

    /// Seconds since 1970 with a fraction, as tokens carry them; nil when they are out of range.
    package init?(fractionalSeconds seconds: Double) {
        guard seconds >= 0, seconds < Double(Timestamp.nanosecondsMax) / 1e9 else { return nil }
        nanoseconds = Int64(seconds * 1e9)
    }

    /// Nanoseconds since 1970 of our own clock or of a stored row; the nearest moment when they are out of range.
    package init(clampingNanoseconds nanoseconds: Int64) {
        self.nanoseconds = min(max(nanoseconds, 0), Timestamp.nanosecondsMax)
    }

    /// Seconds since 1970 of our own clock or of a constant; the nearest moment when they are out of range.
    package init(clampingSeconds seconds: Int64) {
        let (value, overflow) = seconds.multipliedReportingOverflow(by: Timestamp.nanosecondsPerSecond)
        self.init(clampingNanoseconds: overflow ? (seconds < 0 ? .min : .max) : value)
    }

    private init?(seconds: Int64, fraction: Int64) {
        guard 0...Timestamp.nanosecondsMax / Timestamp.nanosecondsPerSecond ~= seconds else { return nil }
        nanoseconds = seconds * Timestamp.nanosecondsPerSecond + fraction
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { nanoseconds / Timestamp.nanosecondsPerSecond }

    /// The moment `seconds` later, or the end of the range.
    package func advanced(bySeconds seconds: Int64) -> Timestamp {
        let (offset, isFar) = seconds.multipliedReportingOverflow(by: Timestamp.nanosecondsPerSecond)
        let (value, overflow) = nanoseconds.addingReportingOverflow(offset)
        if isFar || overflow { return seconds < 0 ? .earliest : .latest }
        return Timestamp(clampingNanoseconds: value)
    }

    /// Earlier before later.
    package static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Timestamp {
    /// Reads RFC 3339 with any offset and up to nanoseconds; nil for other texts, leap seconds and moments out of range.
    package init?(rfc3339 text: String) {
        let digits = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int64? {
            guard range.upperBound <= digits.count else { return nil }
            var value: Int64 = 0
            for digit in digits[range] {
                guard digit.isDigit else { return nil }
                value = value * 10 + Int64(digit - UInt8(ascii: "0"))
            }
            return value
        }
        func isAt(_ index: Int, _ letters: Unicode.Scalar...) -> Bool {
            index < digits.count && letters.contains { UInt32(digits[index]) == $0.value }
        }
        guard let year = number(0..<4), isAt(4, "-"), let month = number(5..<7), isAt(7, "-"),
            let day = number(8..<10), isAt(10, "T", "t", " "), let hour = number(11..<13), isAt(13, ":"),
            let minute = number(14..<16), isAt(16, ":"), let second = number(17..<19),
            1...12 ~= month, 1...Timestamp.daysInMonth(month, of: year) ~= day, hour < 24, minute < 60, second < 60
        else { return nil }
        var index = 19
        var fraction: Int64 = 0
        if isAt(index, ".") {
            index += 1
            let start = index
            var scale: Int64 = 100_000_000
            while index < digits.count, digits[index].isDigit {
                fraction += Int64(digits[index] - UInt8(ascii: "0")) * scale
                scale /= 10
                index += 1
            }
            if index == start { return nil }
        }
        var offset: Int64 = 0
        if isAt(index, "Z", "z") {
            index += 1
        } else if isAt(index, "+", "-") {
            guard let hours = number(index + 1..<index + 3), isAt(index + 3, ":"),
                let minutes = number(index + 4..<index + 6), hours < 24, minutes < 60
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (isAt(index, "-") ? -1 : 1)
            index += 6
        } else {
            return nil
        }
        guard index == digits.count else { return nil }
        let seconds = Timestamp.days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        self.init(seconds: seconds, fraction: fraction)
    }

    /// RFC 3339 in UTC with `Z`; the fraction only when there is one, in milli-, micro- or nanoseconds.
    package var rfc3339: String {
        let (day, second) = seconds.quotientAndRemainder(dividingBy: 86_400)
        let (year, month, date) = Timestamp.civil(day)
        let fraction = nanoseconds % Timestamp.nanosecondsPerSecond
        let form: StaticString = "0000-00-00T00:00:00.000000000"
        return String(unsafeUninitializedCapacity: form.utf8CodeUnitCount + 1) { text in
            text.baseAddress?.initialize(from: form.utf8Start, count: form.utf8CodeUnitCount)
            func write(_ value: Int64, _ places: Range<Int>) {
                var rest = value
                for place in places.reversed() {
                    text[place] += UInt8(rest % 10)
                    rest /= 10
                }
            }
            write(year, 0..<4)
            write(month, 5..<7)
            write(date, 8..<10)
            write(second / 3600, 11..<13)
            write(second / 60 % 60, 14..<16)
            write(second % 60, 17..<19)
            write(fraction, 20..<29)
            let length =
                switch fraction {
                case 0: 19
                case _ where fraction % 1_000_000 == 0: 23
                case _ where fraction % 1000 == 0: 26
                default: 29
                }
            text[length] = UInt8(ascii: "Z")
            return length + 1
        }
    }

    /// Days since 1970 of a civil date after the year 0 (proleptic Gregorian calendar, years counted from March).
    package static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shifted.quotientAndRemainder(dividingBy: 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The civil date so many days after 1970: what `days` takes.
    package static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, day) = (days + 719_468).quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra = (day - day / 1460 + day / 36_524 - day / 146_096) / 365
        let dayOfYear = day - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
