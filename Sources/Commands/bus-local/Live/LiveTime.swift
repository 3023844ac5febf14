import BusCore

/// Times and spans as the live page writes them.
enum LiveTime {
    /// `0.12 s`, `4 min`, `3 hours`, `31 days`; nil for nothing.
    static func span(from start: Timestamp, to end: Timestamp) -> String? {
        let nanoseconds = end.nanoseconds - start.nanoseconds
        guard nanoseconds >= 0 else { return nil }
        let hundredths = nanoseconds / 10_000_000
        if hundredths < 1_000 { return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10) s" }
        return span(seconds: nanoseconds / 1_000_000_000)
    }

    /// `40 s`, `4 min`, `3 hours`, `31 days`, rounded to the nearest.
    static func span(seconds: Int64) -> String {
        func text(_ unit: Int64, _ name: String) -> String {
            let count = (seconds + unit / 2) / unit
            return "\(count) \(name)\(count == 1 ? "" : "s")"
        }
        if seconds < 90 { return "\(seconds) s" }
        if seconds < 90 * 60 { return "\((seconds + 30) / 60) min" }
        return seconds < 36 * 3_600 ? text(3_600, "hour") : text(86_400, "day")
    }
}

extension Timestamp {
    /// `2026-08-01`.
    var dayText: String { String(rfc3339.prefix(10)) }
    /// `12:30:00`.
    var clockText: String { String(rfc3339.dropFirst(11).prefix(8)) }
    /// `2026-08-01 12:30:00`, in UTC.
    var secondText: String { "\(dayText) \(clockText)" }
}

extension Int64 {
    /// `1 234 567`, with narrow blanks that do not break.
    var grouped: String {
        let digits = String(magnitude)
        var parts: [Substring] = []
        var rest = digits[...]
        while rest.count > 3 {
            parts.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return (self < 0 ? "-" : "") + ([rest] + parts).joined(separator: "\u{202F}")
    }
}
