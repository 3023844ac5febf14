import BusCore

/// A price.
struct SandboxPrice: Sendable {
    /// How often it is charged, and for what.
    struct Recurring: Hashable, Sendable {
        enum Interval: String, CaseIterable, Sendable {
            case day, week, month, year
        }

        let interval: Interval
        let count: Int64
        let isMetered: Bool
        let meter: String?

        var json: WorldJSON {
            [
                "interval": .text(interval.rawValue), "interval_count": .integer(count), "meter": .text(or: meter),
                "trial_period_days": .null, "usage_type": isMetered ? "metered" : "licensed",
            ]
        }
    }

    /// An amount for units up to a bound.
    struct Tier: Hashable, Sendable {
        /// Nil is without end.
        let upTo: Int64?
        let unit: ExactAmount?
        let flat: ExactAmount?
    }

    let id: String
    let created: Int64
    let product: String
    let currency: String
    /// Nil for a tiered price.
    let amount: ExactAmount?
    let recurring: Recurring?
    /// `graduated` or `volume`, of a tiered price.
    let tiersMode: String?
    let tiers: [Tier]
    /// Units that are charged as one, and whether a started group counts.
    let transform: (divideBy: Int64, roundsUp: Bool)?
    var isActive = true
    var lookupKey: String?
    var nickname: String?
    var taxBehavior = "unspecified"
    /// Amounts in other currencies.
    var currencyOptions: [String: CurrencyOption] = [:]
    var metadata: [String: String] = [:]

    struct CurrencyOption: Hashable, Sendable {
        let amount: ExactAmount
        let taxBehavior: String
    }

    var isMetered: Bool { recurring?.isMetered == true }

    /// What so many units cost.
    func cost(of quantity: Int64) -> Int64 {
        guard let amount else { return tieredCost(of: quantity) }
        guard let transform else { return amount.times(quantity) }
        let started = transform.roundsUp && quantity % transform.divideBy != 0
        return amount.times(quantity / transform.divideBy + (started ? 1 : 0))
    }

    private func tieredCost(of quantity: Int64) -> Int64 {
        if tiersMode == "volume" {
            let tier = tiers.first { quantity <= $0.upTo ?? .max }
            return (tier?.unit?.times(quantity) ?? 0) + (tier?.flat?.times(1) ?? 0)
        }
        var cost: Int64 = 0
        var counted: Int64 = 0
        for tier in tiers where counted < quantity || counted == 0 {
            let end = min(quantity, tier.upTo ?? .max)
            cost += (tier.unit?.times(end - counted) ?? 0) + (tier.flat?.times(1) ?? 0)
            counted = max(counted, end)
            if counted >= quantity { break }
        }
        return cost
    }

    var json: WorldJSON {
        var options: [WorldJSON.Member] = []
        var all = currencyOptions
        if let amount { all[currency] = CurrencyOption(amount: amount, taxBehavior: taxBehavior) }
        for (code, option) in all.sorted(by: { $0.key < $1.key }) {
            options.append(
                .init(
                    name: code,
                    value: [
                        "custom_unit_amount": .null, "tax_behavior": .text(option.taxBehavior),
                        "unit_amount": .integer(or: option.amount.whole),
                        "unit_amount_decimal": .text(option.amount.text),
                    ]))
        }
        return [
            "id": .text(id), "object": "price", "active": .bool(isActive),
            "billing_scheme": amount == nil ? "tiered" : "per_unit", "created": .integer(created),
            "currency": .text(currency), "currency_options": .withheld(.object(options)), "custom_unit_amount": .null,
            "livemode": false, "lookup_key": .text(or: lookupKey), "metadata": .map(metadata),
            "nickname": .text(or: nickname), "product": .text(product), "recurring": recurring?.json ?? .null,
            "tax_behavior": .text(taxBehavior), "tiers": .withheld(.list(tiers.map(\.json))),
            "tiers_mode": .text(or: tiersMode),
            "transform_quantity": transform.map {
                ["divide_by": .integer($0.divideBy), "round": $0.roundsUp ? "up" : "down"]
            } ?? .null,
            "type": recurring == nil ? "one_time" : "recurring", "unit_amount": .integer(or: amount?.whole),
            "unit_amount_decimal": .text(or: amount?.text),
        ]
    }
}

extension SandboxPrice.Tier {
    /// Reads a tier; its shape was checked.
    init(_ form: ParameterTree) {
        upTo = form.integer("up_to")
        unit = (form.text("unit_amount") ?? form.text("unit_amount_decimal")).flatMap { ExactAmount($0) }
        flat = (form.text("flat_amount") ?? form.text("flat_amount_decimal")).flatMap { ExactAmount($0) }
    }

    var json: WorldJSON {
        [
            "flat_amount": .integer(or: flat?.whole), "flat_amount_decimal": .text(or: flat?.text),
            "unit_amount": .integer(or: unit?.whole), "unit_amount_decimal": .text(or: unit?.text),
            "up_to": .integer(or: upTo),
        ]
    }
}

extension SandboxPrice.Recurring.Interval {
    /// The longest total, three years.
    var countMax: Int64 {
        switch self {
        case .day: 1_095
        case .week: 156
        case .month: 36
        case .year: 3
        }
    }
}
