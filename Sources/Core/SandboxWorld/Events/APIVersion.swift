import BusCore

/// A version of Stripe's API: it decides how objects look.
package struct APIVersion: Hashable, Sendable {
    /// `2026-07-29.dahlia`.
    package let name: String

    /// The version this world speaks by itself.
    package static let current = APIVersion(unchecked: "2026-07-29.dahlia")

    /// Reads a version; nil for what cannot be one.
    package init?(_ name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let date = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        let isName = { (text: Substring) in
            !text.isEmpty
                && text.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 || $0 == UInt8(ascii: "_") }
        }
        guard 1...2 ~= parts.count, date.map(\.count) == [4, 2, 2],
            date.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) }), parts.dropFirst().allSatisfy(isName)
        else { return nil }
        self.name = name
    }

    private init(unchecked name: String) {
        self.name = name
    }

    /// Before 2025-03-31 a subscription itself has the period, and an invoice names its subscription at the top.
    package var isBeforeItemPeriods: Bool { name < "2025-03-31" }

    /// Since 2025-09-30 a scheduled end shows as `cancel_at` alone.
    var isFlexible: Bool { name >= "2025-09-30" }

    private var isBeforePageModes: Bool { name < "2026-03-25" }

    /// An answer or event in this version's shape.
    func shaped(_ value: WorldJSON) -> WorldJSON {
        if !isBeforePageModes { return value }
        switch value {
        case .list(let elements): return .list(elements.map(shaped))
        case .withheld(let value): return .withheld(shaped(value))
        case .object(let members):
            let object = WorldJSON.object(members.map { .init(name: $0.name, value: shaped($0.value)) })
            return shapedAlone(object)
        default: return value
        }
    }

    private func shapedAlone(_ object: WorldJSON) -> WorldJSON {
        switch object["object"]?.text {
        case "checkout.session":
            var session = object
            if session["ui_mode"] == "hosted_page" { session["ui_mode"] = "hosted" }
            return session
        case "subscription" where isBeforeItemPeriods: return subscription(object)
        case "invoice" where isBeforeItemPeriods: return invoice(object)
        case "line_item" where isBeforeItemPeriods: return invoiceLine(object)
        default: return object
        }
    }

    private func subscription(_ object: WorldJSON) -> WorldJSON {
        var subscription = object
        let period = APIVersion.period(of: object)
        subscription["current_period_start"] = .integer(or: period.start)
        subscription["current_period_end"] = .integer(or: period.end)
        if let end = object["cancel_at"]?.integer, end == period.end { subscription["cancel_at_period_end"] = true }
        let first = object["items"]?["data"]?.elements?.first
        subscription["plan"] = first.flatMap { $0["price"] }.map(APIVersion.plan) ?? .null
        subscription["quantity"] = first?["quantity"] ?? .null
        subscription["discount"] = .null
        subscription["billing_mode"] = nil
        subscription["items"] = items(object["items"])
        return subscription
    }

    private func items(_ list: WorldJSON?) -> WorldJSON? {
        guard var list, let data = list["data"]?.elements else { return list }
        list["data"] = .list(
            data.map { item in
                var item = item
                item["current_period_start"] = nil
                item["current_period_end"] = nil
                if let price = item["price"] { item["plan"] = APIVersion.plan(of: price) }
                return item
            })
        return list
    }

    private func invoice(_ object: WorldJSON) -> WorldJSON {
        var invoice = object
        let parent = object["parent"]?["subscription_details"]
        invoice["parent"] = nil
        invoice["subscription"] = parent?["subscription"] ?? .null
        invoice["subscription_details"] = parent.map { ["metadata": $0["metadata"] ?? .null] } ?? .null
        invoice["paid"] = .bool(object["status"] == "paid")
        let hasCharge = object["attempted"] == true && object["amount_due"] != 0
        let mark = object["id"]?.text?.dropFirst(3) ?? ""
        invoice["charge"] = hasCharge ? .text("ch_\(mark)") : .null
        invoice["payment_intent"] = hasCharge ? .text("pi_\(mark)") : .null
        return invoice
    }

    private func invoiceLine(_ object: WorldJSON) -> WorldJSON {
        var line = object
        let details = object["pricing"]?["price_details"]
        line["pricing"] = nil
        line["price"] = ["id": details?["price"] ?? .null, "object": "price", "product": details?["product"] ?? .null]
        line["plan"] = ["id": details?["price"] ?? .null, "object": "plan", "product": details?["product"] ?? .null]
        let item = object["parent"]?["subscription_item_details"]
        line["subscription"] = item?["subscription"] ?? .null
        line["proration"] = item?["proration"] ?? false
        line["type"] = item != nil && item?["proration"] == false ? "subscription" : "invoiceitem"
        return line
    }

    /// The old values of an update in this version's shape.
    func shaped(previous: WorldJSON, of object: WorldJSON) -> WorldJSON {
        guard isBeforeItemPeriods, object["object"] == "subscription" else { return previous }
        var previous = previous
        if let old = previous["items"] {
            let before = APIVersion.period(of: ["items": old])
            let now = APIVersion.period(of: object)
            if before.start != now.start { previous["current_period_start"] = .integer(or: before.start) }
            if before.end != now.end { previous["current_period_end"] = .integer(or: before.end) }
            let list = items(old)
            previous["items"] = list
            if let plan = list?["data"]?.elements?.first?["plan"] { previous["plan"] = plan }
        }
        let end = APIVersion.period(of: object).end
        if let cancel = previous["cancel_at"], previous["cancel_at_period_end"] == nil {
            let isNow = object["cancel_at"]?.integer == end && end != nil
            let was = cancel.integer != nil && cancel.integer == end
            if isNow != was { previous["cancel_at_period_end"] = .bool(was) }
        }
        return previous
    }

    /// The longest period of a subscription's items.
    private static func period(of object: WorldJSON) -> (start: Int64?, end: Int64?) {
        let items = object["items"]?["data"]?.elements ?? []
        let last = items.max { ($0["current_period_end"]?.integer ?? 0) < ($1["current_period_end"]?.integer ?? 0) }
        return (last?["current_period_start"]?.integer, last?["current_period_end"]?.integer)
    }

    private static func plan(of price: WorldJSON) -> WorldJSON {
        [
            "id": price["id"] ?? .null, "object": "plan", "active": price["active"] ?? .null,
            "amount": price["unit_amount"] ?? .null, "currency": price["currency"] ?? .null,
            "interval": price["recurring"]?["interval"] ?? .null,
            "interval_count": price["recurring"]?["interval_count"] ?? .null, "product": price["product"] ?? .null,
            "usage_type": price["recurring"]?["usage_type"] ?? .null,
        ]
    }
}
