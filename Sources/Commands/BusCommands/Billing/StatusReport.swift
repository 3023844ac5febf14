import BusCore

/// An account's status as people read it.
struct StatusReport {
    /// As the API answered.
    let document: JSONText
    private let status: JSONValue

    /// Reads an answer.
    ///
    /// People do not see members that are missing or of the wrong kind.
    init(_ document: JSONText) {
        self.document = document
        status = (try? document.value()) ?? .null
    }

    /// The account, then a table of its quotas.
    var lines: [String] {
        let facts: [(String, String?)] = [
            ("account", status["account_id"]?.text), ("status", status["status"]?.text),
            ("plan", status["plan_id"]?.text),
            ("features", status["features"]?.elements?.compactMap(\.text).joined(separator: " ")),
        ]
        var lines = facts.map { name, value in
            "\(name.padded(to: 10))\((value ?? "").isEmpty ? "-" : (value ?? "").printable)"
        }
        var table = TextTable("FEATURE", "METER", "WINDOW", "USED", "LIMIT", "LEFT")
        for item in status["usage"]?.elements ?? [] {
            func text(_ name: String) -> String { item[name]?.text ?? item[name]?.integer.map { String($0) } ?? "-" }
            table.add(
                text("feature"), text("meter_event_name"), text("window"), text("used"), text("limit"),
                text("remaining"))
        }
        if !table.lines.isEmpty { lines += [""] + table.lines }
        return lines
    }

    /// What to do next; nil when there is nothing to do.
    var advice: String? {
        guard let command = status["command"]?.text else { return nil }
        let plan = status["recommended_plan"]?.text.map { ", for example the plan \($0)" } ?? ""
        switch status["next_action"]?.text {
        case "setup_billing": return "nothing is paid for yet; next: \(command)"
        case "manage_billing": return "a payment is due; next: \(command)"
        case "upgrade_plan": return "a quota is used up; take a larger plan\(plan); next: \(command)"
        default: return "next: \(command)"
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(1, width - count))
    }
}
