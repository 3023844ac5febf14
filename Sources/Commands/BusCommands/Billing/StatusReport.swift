import BusContract
import BusCore

/// An account's status as people read it.
struct StatusReport {
    /// As the API answered.
    let document: JSONText
    private let status: AccountStatus

    init(_ reply: Reply<AccountStatus>) {
        document = reply.payload
        status = reply.answer
    }

    /// The account, what it has and until when, then a table of its quotas.
    var lines: [String] {
        var lines = facts.map { name, value in
            "\(name.padded(to: 10))\(value.isEmpty ? "-" : value.printable)"
        }
        var table = TextTable("FEATURE", "METER", "WINDOW", "USED", "LIMIT", "LEFT", "RESETS (UTC)")
        for line in status.usage {
            table.add(
                line.feature, line.meterEventName, line.window, String(line.used), String(line.limit),
                String(line.remaining), line.resetsAt.map(StatusReport.clock) ?? "never")
        }
        if !table.lines.isEmpty { lines += [""] + table.lines }
        return lines
    }

    private var facts: [(name: String, value: String)] {
        let unknown = "is not in the catalog, so the smallest quotas count"
        let plan = status.planID.map { status.isPlanUnknown ? "\($0), which \(unknown)" : $0 }
        var facts = [
            ("account", status.accountID), ("status", status.status.rawValue),
            ("plan", plan ?? (status.isPlanUnknown ? "one that \(unknown)" : "")),
        ]
        if let end = status.cancelAt {
            facts.append(("ends", "\(StatusReport.time(end)), and is not renewed"))
        } else if status.status == .active, let end = status.currentPeriodEnd {
            facts.append(("renews", StatusReport.time(end)))
        }
        if let end = status.graceUntil {
            facts.append(("access", "until \(StatusReport.time(end)), although the last charge failed"))
        }
        if let paused = status.collectionPaused { facts.append(("invoices", "paused (\(paused))")) }
        facts.append(("features", status.features.joined(separator: " ")))
        return facts
    }

    /// What to do next; nil when there is nothing to do.
    var advice: String? {
        let command = status.next?.command.map { "; next: \($0)" }
        switch status.next?.action {
        case .setupBilling: return command.map { "nothing is paid for yet" + $0 }
        case .manageBilling: return command.map { "a payment is due" + $0 }
        case .upgradePlan:
            let exceeded = status.usage.filter(\.isExceeded)
            let reset = exceeded.compactMap(\.resetsAt).max().map { " until \(StatusReport.time($0))" } ?? ""
            guard let command else { return "a quota is used up\(reset)" }
            let plan = status.next?.recommendedPlan.map { ", for example the plan \($0)" } ?? ""
            return "a quota is used up\(reset); take a larger plan\(plan)\(command)"
        case nil: return status.next?.command.map { "next: \($0)" }
        }
    }

    /// To the minute, as people read it: `2026-09-20 14:05`.
    private static func clock(_ moment: Timestamp) -> String {
        String(moment.rfc3339.prefix(16)).replacing("T", with: " ")
    }

    private static func time(_ moment: Timestamp) -> String { "\(clock(moment)) UTC" }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
