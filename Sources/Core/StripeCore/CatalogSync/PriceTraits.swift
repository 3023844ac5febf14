import BillingCore
import BusCore

/// What Stripe lets change on a price; a new price takes it over from the one that it replaces.
package struct PriceTraits: Hashable, Sendable {
    /// `inclusive` or `exclusive`; nil when it is not specified.
    package var taxBehavior: String?
    package var nickname: String?
    /// What it costs in other currencies, by their codes.
    package var currencyOptions: [String: Catalog.CurrencyOption] = [:]
    /// Without our mark.
    package var metadata: [String: String] = [:]

    /// No traits.
    init() {}

    /// Reads a price of Stripe's; `currency_options` come only when the list is asked to expand them.
    init(of value: JSONValue) {
        taxBehavior = PriceTraits.specified(value["tax_behavior"]?.text)
        nickname = value["nickname"]?.text
        if case .object(let options)? = value["currency_options"] {
            // Stripe lists the price's own currency among them and refuses to be sent it.
            for (code, option) in options where code != value["currency"]?.text {
                currencyOptions[code] = PriceTraits.amount(of: option).map { amount in
                    Catalog.CurrencyOption(
                        amount: amount, taxBehavior: PriceTraits.specified(option["tax_behavior"]?.text))
                }
            }
        }
        if case .object(let metadata)? = value["metadata"] {
            self.metadata = metadata.compactMapValues(\.text)
            self.metadata[CatalogMark.markerKey] = nil
            self.metadata[CatalogMark.nameKey] = nil
        }
    }

    /// What `price` shall have: what the file says, else what the price before it has.
    init(_ price: Catalog.Price, after old: PriceTraits?) {
        taxBehavior = PriceTraits.specified(price.extras.taxBehavior ?? old?.taxBehavior)
        nickname = price.extras.nickname ?? old?.nickname
        currencyOptions = old?.currencyOptions ?? [:]
        if let options = price.extras.currencyOptions {
            currencyOptions = options.reduce(into: [:]) { all, option in
                let taxBehavior = option.value.taxBehavior ?? old?.currencyOptions[option.key]?.taxBehavior
                all[option.key] = Catalog.CurrencyOption(
                    amount: option.value.amount, taxBehavior: PriceTraits.specified(taxBehavior))
            }
        }
        currencyOptions[price.currency] = nil
        metadata = old?.metadata ?? [:]
    }

    /// The amount of a price or of one of its currency options.
    static func amount(of value: JSONValue) -> MinorUnits? {
        value["unit_amount_decimal"]?.text.map { MinorUnits(decimal: $0) }
            ?? value["unit_amount"]?.integer.map { MinorUnits($0) }
    }

    private static func specified(_ taxBehavior: String?) -> String? {
        taxBehavior == "unspecified" ? nil : taxBehavior
    }
}

// MARK: - Changes

extension PriceTraits {
    /// What is still to be set on a price with these traits to have `wanted`; nil when that needs another price.
    ///
    /// Stripe never takes a tax behaviour back. A currency option is money that somebody may pay already, so only
    /// options that a price lacks are added to it.
    func changes(to wanted: PriceTraits) -> PriceTraits? {
        guard taxBehavior == nil || taxBehavior == wanted.taxBehavior,
            currencyOptions.allSatisfy({ wanted.currencyOptions[$0.key] == $0.value })
        else { return nil }
        var changes = PriceTraits()
        if taxBehavior != wanted.taxBehavior { changes.taxBehavior = wanted.taxBehavior }
        if nickname != wanted.nickname { changes.nickname = wanted.nickname }
        changes.currencyOptions = wanted.currencyOptions.filter { currencyOptions[$0.key] == nil }
        changes.metadata = wanted.metadata.filter { metadata[$0.key] != $0.value }
        return changes
    }

    /// The fields of the file that differ.
    func differences(to wanted: PriceTraits) -> [CatalogDifference] {
        let fields = [
            ("tax_behavior", taxBehavior, wanted.taxBehavior), ("nickname", nickname, wanted.nickname),
            ("currency_options", optionsText, wanted.optionsText),
        ]
        return fields.filter { $0.1 != $0.2 }.map { CatalogDifference(field: $0, old: $1, new: $2) }
    }

    /// What a new price has from the one before: `keeps tax_behavior exclusive, metadata team`.
    func kept(from old: PriceTraits) -> CatalogDifference? {
        var kept: [String] = []
        if let taxBehavior, taxBehavior == old.taxBehavior { kept.append("tax_behavior \(taxBehavior)") }
        if let nickname, nickname == old.nickname { kept.append("nickname \(nickname)") }
        if let optionsText, optionsText == old.optionsText { kept.append("currency_options \(optionsText)") }
        if !metadata.isEmpty { kept.append("metadata \(metadata.keys.sorted().joined(separator: " "))") }
        return kept.isEmpty ? nil : CatalogDifference(shown: "keeps " + kept.joined(separator: ", "))
    }

    /// `45.00 GBP, 55.00 USD exclusive`; nil without options.
    private var optionsText: String? {
        let options = currencyOptions.sorted { $0.key < $1.key }.map { code, option in
            PriceTerms.money(option.amount, code) + (option.taxBehavior.map { " \($0)" } ?? "")
        }
        return options.isEmpty ? nil : options.joined(separator: ", ")
    }
}
