import BusContract
import BusCore

/// The plots of the live page, as the numbers that a template draws.
enum LivePlots {
    private static let width = 640.0
    private static let height = 160.0

    /// Used units of a quota over time, as steps up to now; nil without usage to draw.
    static func usage(_ line: UsageLine, steps: [LiveStep], now: Timestamp) -> JSONValue? {
        let points = steps.compactMap { step in
            step.usage.flatMap { $0.meter == line.meterEventName ? (step.time, $0.quantity) : nil }
        }
        guard let first = points.first?.0, line.limit > 0 else { return nil }
        let total = points.reduce(0) { $0 + $1.1 }
        let top = Double(max(total, line.limit))
        let span = Double(max(now.nanoseconds - first.nanoseconds, 1))
        func x(_ time: Timestamp) -> Double { Double(time.nanoseconds - first.nanoseconds) / span * width }
        func y(_ value: Int64) -> Double { height - Double(value) / top * height }
        var sum: Int64 = 0
        var path = "0,\(text(height))"
        for (time, quantity) in points {
            path += " \(text(x(time))),\(text(y(sum)))"
            sum += quantity
            path += " \(text(x(time))),\(text(y(sum)))"
        }
        path += " \(text(width)),\(text(y(sum)))"
        return [
            "meter": .string(line.meterEventName), "points": .string(path), "limit": .string(text(y(line.limit))),
            "words": .string(
                "\(total.grouped) \(line.meterEventName) used in \(points.count) reports since "
                    + "\(first.secondText) UTC; the quota is \(line.limit.grouped) a \(line.window)."),
        ]
    }

    /// A bar for each outcome of webhooks.
    static func outcomes(_ counts: [String: Int]) -> JSONValue? {
        let order = ["delivered", "waiting", "sending", "failed", "dropped"]
        let known = order.compactMap { name in counts[name].map { (name, $0) } }
        guard let most = known.map(\.1).max(), most > 0 else { return nil }
        let bars = known.enumerated().map { index, entry -> JSONValue in
            let y = index * 30
            return [
                "name": .string(entry.0), "count": .string(Int64(entry.1).grouped), "y": .string("\(y)"),
                "text": .string("\(y + 16)"),
                "width": .string(text(max(Double(entry.1) / Double(most) * 420, 2))),
            ]
        }
        return [
            "bars": .array(bars), "height": .string("\(known.count * 30)"),
            "words": .string(known.map { "\(Int64($0.1).grouped) \($0.0)" }.joined(separator: ", ") + "."),
        ]
    }

    /// A number with one digit behind the point.
    private static func text(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
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
