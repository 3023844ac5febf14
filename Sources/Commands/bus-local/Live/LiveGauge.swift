import BillingCore
import BusContract
import BusCore
import StripeSandbox

/// One quota: how much of it is used, until when, and by whose clock.
struct LiveGauge {
    let line: UsageLine
    /// The paid periods of the subscription that has the quota, oldest first.
    let periods: [PaidPeriod]
    let plot: LiveUsagePlot?
    private let now: Timestamp
    private let worldNow: Timestamp

    init(_ line: UsageLine, steps: [LiveStep], moves: ClockMoves, now: Timestamp) {
        (self.line, self.now, worldNow) = (line, now, moves.worldTime(at: now))
        periods = LiveGauge.periods(of: line, steps)
        plot = LiveUsagePlot(line, steps: steps, periods: periods, moves: moves, now: now)
    }

    /// The periods that updates told of the subscription whose period ends when the quota does.
    private static func periods(of line: UsageLine, _ steps: [LiveStep]) -> [PaidPeriod] {
        guard line.window == QuotaWindow.period.rawValue else { return [] }
        let updates = steps.compactMap { step -> LiveStep.Update? in
            if case .update(let update) = step.matter, update.periodEnd != nil { update } else { nil }
        }
        let own = updates.last { $0.periodEnd == line.resetsAt } ?? updates.last
        let told = updates.filter { $0.subscription == own?.subscription }.compactMap { update in
            PaidPeriod(start: update.periodStart?.seconds ?? 0, end: update.periodEnd?.seconds ?? 0)
        }
        return Set(told).sorted { $0.start < $1.start }
    }

    var values: JSONValue {
        [
            "meter": .string(line.meterEventName), "window": .string(line.window), "used": .string(line.used.grouped),
            "limit": .string(line.limit.grouped), "value": .integer(min(line.used, line.limit)),
            "max": .integer(max(line.limit, 1)), "isExceeded": .bool(line.isExceeded), "until": .string(until),
            "plot": plot?.values ?? .null,
        ]
    }

    /// When the count begins again, in words.
    private var until: String {
        guard let end = line.resetsAt else { return "It never begins again." }
        guard line.window == QuotaWindow.period.rawValue, !periods.isEmpty else {
            return "Begins again in \(LiveGauge.wait(until: end, at: now)), at \(end.secondText) UTC by this machine's "
                + "clock."
        }
        let text =
            "Begins again in \(LiveGauge.wait(until: end, at: worldNow)) with the next paid period, at "
            + "\(end.secondText) UTC by Stripe's clock."
        guard let begun = periods.last(where: { $0.end == end.seconds })?.start, begun > now.seconds
        else { return text }
        return text + " This period begins at \(Timestamp(clampingSeconds: begun).secondText) by Stripe's clock, which "
            + "is ahead. Usage carries this machine's time, so none counts here until then."
    }

    private static func wait(until end: Timestamp, at now: Timestamp) -> String {
        LiveTime.span(seconds: max(0, end.seconds - now.seconds))
    }
}
