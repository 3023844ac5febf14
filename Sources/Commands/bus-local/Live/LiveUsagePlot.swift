import BillingCore
import BusContract
import BusCore
import StripeSandbox

/// Usage against one quota over the sandbox's time, as the numbers that a template draws.
///
/// Each report counts from its time until its window ends. Windows of the calendar end by this machine's clock, paid
/// periods by Stripe's.
struct LiveUsagePlot {
    /// A report: what it added, and when it counted.
    private struct Report {
        let quantity: Int64
        /// In the sandbox's time; it counts in between.
        let from: Timestamp
        let until: Timestamp?

        var counts: Bool { until.map { from < $0 } ?? true }
    }

    private static let (width, height) = (640.0, 160.0)

    private let line: UsageLine
    private let moves: ClockMoves
    private let reports: [Report]
    private let start: Timestamp
    private let end: Timestamp

    /// Nil without usage to draw.
    init?(_ line: UsageLine, steps: [LiveStep], periods: [PaidPeriod], moves: ClockMoves, now: Timestamp) {
        (self.line, self.moves) = (line, moves)
        end = moves.worldTime(at: now)
        reports = steps.compactMap { step in
            guard case .usage(let usage) = step.matter, usage.meter == line.meterEventName else { return nil }
            let until =
                line.window == QuotaWindow.period.rawValue && !periods.isEmpty
                ? LiveUsagePlot.end(ofPeriodAt: step.time, periods)
                : LiveUsagePlot.end(of: line.window, at: step.time).map { moves.worldTime(at: $0) }
            return Report(quantity: usage.quantity, from: moves.worldTime(at: step.time), until: until)
        }
        guard let first = steps.first?.time, !reports.isEmpty, line.limit > 0 else { return nil }
        start = moves.worldTime(at: first)
    }

    private static func end(of window: String, at moment: Timestamp) -> Timestamp? {
        let window = QuotaWindow(window) ?? .total
        return window.end(containing: moment).map { Timestamp(clampingSeconds: $0) }
    }

    /// The start of the period after the one that counts a report; it counts in none before the first.
    private static func end(ofPeriodAt moment: Timestamp, _ periods: [PaidPeriod]) -> Timestamp? {
        guard let place = periods.lastIndex(where: { $0.start <= moment.seconds }) else { return .earliest }
        let next = place + 1 < periods.count ? periods[place + 1].start : periods[place].end
        return Timestamp(clampingSeconds: next)
    }

    // MARK: Drawing

    /// What the template draws.
    var values: JSONValue {
        var changes: [(time: Timestamp, quantity: Int64)] = []
        for report in reports where report.counts {
            changes.append((report.from, report.quantity))
            if let until = report.until, until <= end { changes.append((until, -report.quantity)) }
        }
        changes.sort { ($0.time, $0.quantity) < ($1.time, $1.quantity) }
        var (sum, most): (Int64, Int64) = (0, line.limit)
        for change in changes {
            sum += change.quantity
            most = max(most, sum)
        }
        sum = 0
        var path = "0.0,\(LiveUsagePlot.text(y(0, most)))"
        for change in changes {
            path += " \(x(change.time)),\(LiveUsagePlot.text(y(sum, most)))"
            sum += change.quantity
            path += " \(x(change.time)),\(LiveUsagePlot.text(y(sum, most)))"
        }
        path += " \(x(end)),\(LiveUsagePlot.text(y(sum, most)))"
        return [
            "curve": .string(path), "limitLine": .string(LiveUsagePlot.text(y(line.limit, most))),
            "jumps": .array(jumps.map(band)), "marks": .array(marks.map { ["at": .string(x($0))] }),
            "plotStart": .string(start.dayText), "plotEnd": .string(end.dayText), "plotWords": .string(words),
        ]
    }

    /// Ways that the clock was moved in what is drawn.
    private var jumps: [ClockMoves.Move] { moves.all.filter { start < $0.to && $0.from < end } }

    /// Moments at which a count began again.
    private var resets: [Timestamp] {
        Set(reports.filter(\.counts).compactMap(\.until)).filter { start <= $0 && $0 <= end }.sorted()
    }

    private var marks: [Timestamp] { resets.count > Limits.livePlotMarksMax ? [] : resets }

    private func band(_ move: ClockMoves.Move) -> JSONValue {
        let from = position(max(move.from, start))
        let width = max(position(min(move.to, end)) - from, 2)
        return ["bandStart": .string(LiveUsagePlot.text(from)), "bandWidth": .string(LiveUsagePlot.text(width))]
    }

    private var words: String {
        let total = reports.reduce(0) { $0 + $1.quantity }
        var sentences = [
            "\(total.grouped) \(line.meterEventName) used in \(reports.count) report\(reports.count == 1 ? "" : "s") from "
                + "\(start.secondText) to \(end.secondText) by Stripe's clock; the quota is \(line.limit.grouped) a "
                + "\(line.window)."
        ]
        if !jumps.isEmpty {
            let spans = jumps.map { LiveTime.span(seconds: $0.after - $0.before) + " on" }
            sentences.append("The clock was moved \(spans.joined(separator: ", ")).")
        }
        if let last = resets.last {
            sentences.append(
                resets.count == 1
                    ? "The count began again at \(last.secondText)."
                    : "The count began again \(resets.count) times, the last time at \(last.secondText).")
        }
        let lost = reports.filter { !$0.counts }.count
        if lost > 0 {
            sentences.append(
                "\(lost) of the reports count\(lost == 1 ? "s" : "") in none of the paid periods that are known.")
        }
        return sentences.joined(separator: " ")
    }

    private func x(_ time: Timestamp) -> String { LiveUsagePlot.text(position(min(max(time, start), end))) }

    private func position(_ time: Timestamp) -> Double {
        let span = Double(max(end.nanoseconds - start.nanoseconds, 1))
        return Double(time.nanoseconds - start.nanoseconds) / span * LiveUsagePlot.width
    }

    private func y(_ value: Int64, _ most: Int64) -> Double {
        LiveUsagePlot.height - Double(value) / Double(most) * LiveUsagePlot.height
    }

    /// A number with one digit behind the point.
    private static func text(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}
