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

    /// The account, then a table of its quotas.
    var lines: [String] {
        let facts = [
            ("account", status.accountID), ("status", status.status.rawValue), ("plan", status.planID ?? ""),
            ("features", status.features.joined(separator: " ")),
        ]
        var lines = facts.map { name, value in
            "\(name.padded(to: 10))\(value.isEmpty ? "-" : value.printable)"
        }
        var table = TextTable("FEATURE", "METER", "WINDOW", "USED", "LIMIT", "LEFT")
        for line in status.usage {
            table.add(
                line.feature, line.meterEventName, line.window, String(line.used), String(line.limit),
                String(line.remaining))
        }
        if !table.lines.isEmpty { lines += [""] + table.lines }
        return lines
    }

    /// What to do next; nil when there is nothing to do.
    var advice: String? {
        guard let next = status.next, let command = next.command else { return nil }
        switch next.action {
        case .setupBilling: return "nothing is paid for yet; next: \(command)"
        case .manageBilling: return "a payment is due; next: \(command)"
        case .upgradePlan:
            let plan = next.recommendedPlan.map { ", for example the plan \($0)" } ?? ""
            return "a quota is used up; take a larger plan\(plan); next: \(command)"
        case nil: return "next: \(command)"
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
