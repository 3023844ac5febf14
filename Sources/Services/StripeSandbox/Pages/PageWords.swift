import BillingCore
import BusCore
import SandboxWorld

/// Amounts, periods and times as people write them.
enum PageWords {
    /// `20.00 EUR`, on one line.
    static func money(_ amount: MinorUnits, _ currency: String?) -> String {
        guard let currency else { return "\(amount.text)" }
        let text = Currency(currency)?.text(amount) ?? "\(amount.text) minor units of \(currency.uppercased())"
        return text.replacing(" ", with: "\u{00A0}")
    }

    static func money(_ amount: Int64, _ currency: String?) -> String { money(MinorUnits(amount), currency) }

    /// `per month`, `every 3 months`; nil for what is bought once.
    static func period(_ line: PageLine) -> String? {
        line.interval.map { period($0, line.intervalCount) }
    }

    static func period(_ interval: String, _ count: Int64) -> String {
        count == 1 ? "per \(interval)" : "every \(count) \(interval)s"
    }

    /// `1 August 2026`.
    static func day(_ seconds: Int64) -> String {
        let parts = machine(seconds).prefix(10).split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3 else { return machine(seconds) }
        return "\(parts[2])\u{00A0}\(months[parts[1] - 1]) \(parts[0])"
    }

    /// `1 August 2026, 09:30 UTC`.
    static func moment(_ seconds: Int64) -> String {
        "\(day(seconds)), \(machine(seconds).dropFirst(11).prefix(5))\u{00A0}UTC"
    }

    static func machine(_ seconds: Int64) -> String { Timestamp(clampingSeconds: seconds).rfc3339 }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]

    /// How a line shows: its name, what it costs, and how that comes about.
    static func line(_ line: PageLine, _ currency: String?) -> JSONValue {
        let name =
            switch line.quantity {
            case nil: "\(line.name), usage"
            case 1: line.name
            case let quantity?: "\(line.name) × \(quantity)"
            }
        return [
            "name": .string(name),
            "price": .string(line.quantity == nil ? "by use" : money(line.amount, currency)),
            "hint": hint(line, currency).map { .string($0) } ?? .null,
        ]
    }

    private static func hint(_ line: PageLine, _ currency: String?) -> String? {
        let unit = line.unitLabel ?? "unit"
        guard let price = line.unitAmount.map({ money(MinorUnits(decimal: $0), currency) }) else {
            return line.quantity == nil
                ? "By tiers; the first \(unit) costs \(money(line.amount, currency)). Charged when the period ends."
                : "Priced by tiers."
        }
        let units = line.unitsPerCharge == 1 ? "per \(unit)" : "per \(line.unitsPerCharge) × \(unit)"
        if line.quantity == nil { return "\(price) \(units), charged when the period ends." }
        let parts = [line.quantity ?? 1 > 1 || line.unitsPerCharge > 1 ? "\(price) \(units)" : nil, period(line)]
        let text = parts.compactMap(\.self).joined(separator: ", ")
        return text.isEmpty ? nil : text
    }

    /// `Pro + Support`; each name once.
    static func names(_ all: [String]) -> String {
        all.reduce(into: [String]()) { names, name in if !names.contains(name) { names.append(name) } }
            .joined(separator: " + ")
    }

    /// What the licensed prices of a subscription cost in a period; nil when all are metered.
    static func recurring(_ lines: [PageLine], _ currency: String?) -> (amount: String, period: String)? {
        let licensed = lines.filter { $0.interval != nil && $0.quantity != nil }
        guard let first = licensed.first, let period = period(first) else { return nil }
        return (money(licensed.reduce(0) { $0 + $1.amount }, currency), period)
    }

    /// The site of an address, for a link that says where it leads; nil for anything but http and https.
    static func site(_ url: String?) -> String? {
        guard let url, url.hasPrefix("https://") || url.hasPrefix("http://") else { return nil }
        let rest = url.drop { $0 != ":" }.dropFirst(3)
        let authority = rest.prefix { !"/?#\\".contains($0) }
        return (authority.split(separator: "@").last.map { String($0) })?.nonEmpty
    }

    /// Where a link leads; nil for anything but http and https.
    static func link(_ url: String?) -> JSONValue {
        guard let url, let site = site(url) else { return .null }
        return ["url": .string(url), "site": .string(site)]
    }
}
