extension Duration {
    /// Reads a duration in Go's syntax (`250ms`, `30s`, `1h30m`) plus days (`30d`); a bare integer is seconds.
    ///
    /// A duration over a hundred years is refused, so that adding it to a clock cannot overflow.
    package init?(goSyntax text: String) {
        if let seconds = Int64(text) {
            guard 0...Duration.secondsReadMax ~= seconds else { return nil }
            self = .seconds(seconds)
            return
        }
        var total = Duration.zero
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { "0123456789.".contains($0) }
            let unit = rest.dropFirst(digits.count).prefix { !"0123456789.".contains($0) }
            guard let amount = Double(digits), let unitNanoseconds = Duration.unitNanoseconds[unit],
                amount * unitNanoseconds <= Double(Duration.secondsReadMax) * 1e9
            else { return nil }
            total += .nanoseconds(Int64(amount * unitNanoseconds))
            guard total <= .seconds(Duration.secondsReadMax) else { return nil }
            rest = rest.dropFirst(digits.count + unit.count)
        }
        self = total
    }

    /// A hundred years of 365 days.
    private static let secondsReadMax: Int64 = 36_500 * 86_400
    private static let unitNanoseconds: [Substring: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "ms": 1e6, "s": 1e9, "m": 60e9, "h": 3600e9, "d": 86_400e9,
    ]

    /// Whole nanoseconds, clamped to `Int64`.
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? (seconds < 0 ? .min : .max) : sum
    }

    /// Seconds with their fraction.
    package var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }

    /// As Go prints a duration: `850ns`, `1.5ms`, `2m3.25s`.
    package var goText: String {
        let nanoseconds = wholeNanoseconds
        let amount = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        switch amount {
        case 0: return "0s"
        case ..<1_000: return "\(sign)\(amount)ns"
        case ..<1_000_000: return "\(sign)\(Duration.decimal(amount, places: 3))µs"
        case ..<1_000_000_000: return "\(sign)\(Duration.decimal(amount, places: 6))ms"
        default:
            let minutes = amount / 60_000_000_000
            let seconds = Duration.decimal(amount % 60_000_000_000, places: 9)
            if minutes == 0 { return "\(sign)\(seconds)s" }
            if minutes < 60 { return "\(sign)\(minutes)m\(seconds)s" }
            return "\(sign)\(minutes / 60)h\(minutes % 60)m\(seconds)s"
        }
    }

    /// The same without parts that are zero: `10m`, `24h`.
    package var shortGoText: String {
        var text = goText
        for ending in ["m0s", "h0m"] where text.hasSuffix(ending) { text.removeLast(2) }
        return text
    }

    /// `amount` shifted right by so many decimal places, without zeros at its end.
    private static func decimal(_ amount: UInt64, places: Int) -> String {
        var digits = String(amount)
        if digits.count <= places { digits = String(repeating: "0", count: places + 1 - digits.count) + digits }
        var fraction = digits.suffix(places)
        while fraction.last == "0" { fraction.removeLast() }
        let whole = digits.dropLast(places)
        return fraction.isEmpty ? String(whole) : "\(whole).\(fraction)"
    }
}
