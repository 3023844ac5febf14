import BusCore

// Amounts of money in a document, and what a price says beside its terms.

extension CatalogObject {
    private static let example = "such as 4900 for 49.00 EUR"

    /// Three letters, lower-cased, that Stripe takes.
    func currency() -> String? {
        require("currency", "write three letters such as \"eur\"")
        guard let text = text("currency", most: Limits.catalogNameCharactersMax) else { return nil }
        let code = text.lowercased()
        let isCode = code.utf8.count == 3 && code.utf8.allSatisfy { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }
        if judgesMoney ? Currency(code) != nil : isCode { return code }
        report(
            "currency",
            "\(CatalogText.quoted(text)) is no currency that Stripe takes; write its ISO 4217 code such as \"eur\"")
        return nil
    }

    /// Whole minor units that the currency can have.
    func unitAmount(in code: String?) -> Int64? {
        let currency = code.flatMap { Currency($0) }
        if judgesMoney, case .number(let digits)? = value("unit_amount"), !digits.utf8.allSatisfy(isDigitOrMinus) {
            let form = digits.contains(".") ? "a point" : "an exponent"
            report("unit_amount", "has \(form), and minor units have none; \(remedy(for: digits, currency))")
            return nil
        }
        guard let amount = integer("unit_amount", 0...Limits.priceMinorUnitsMax) else { return nil }
        if judgesMoney, let currency { check(amount, currency) }
        return amount
    }

    private func isDigitOrMinus(_ byte: UInt8) -> Bool { CatalogText.isDigit(byte) || byte == UInt8(ascii: "-") }

    private func remedy(for digits: String, _ currency: Currency?) -> String {
        guard let currency, let amount = currency.minorUnits(ofMain: digits), amount <= Limits.priceMinorUnitsMax else {
            return "write whole minor units, \(CatalogObject.example)"
        }
        return "write " + CatalogObject.shown(currency.chargeable(amount), currency)
    }

    /// `4900 for 49.00 EUR`.
    private static func shown(_ amount: Int64, _ currency: Currency) -> String {
        "\(amount) for \(currency.text(MinorUnits(amount)))"
    }

    private func check(_ amount: Int64, _ currency: Currency) {
        let chargeable = currency.chargeable(amount)
        guard chargeable != amount else { return }
        let rule =
            currency.hasWholeAmountsOnly
            ? "\(currency.code.uppercased()) has whole amounts only" : "Stripe wants the last digit to be 0"
        report(
            "unit_amount",
            "is \(currency.text(MinorUnits(amount))), and \(rule); write \(CatalogObject.shown(chargeable, currency))")
    }

    /// The price of one unit of usage.
    ///
    /// The sum is rounded, so a unit may cost less than can be charged.
    func unitAmountDecimal(in code: String?) -> String? {
        guard let text = text("unit_amount_decimal", most: Limits.catalogNameCharactersMax) else { return nil }
        guard CatalogText.isDecimal(text) else {
            report(
                "unit_amount_decimal",
                "\(CatalogText.quoted(text)) is no price; write a number of at most 12 decimals such as \"0.02\"")
            return nil
        }
        let amount = MinorUnits(decimal: text)
        guard judgesMoney, text.contains("."), amount.isWhole else { return text }
        // Who writes `49.00` means the currency's main unit.
        var remedy = "write \"\(amount.text)\""
        if let currency = code.flatMap({ Currency($0) }), amount != MinorUnits(0) {
            remedy += " for \(currency.text(amount)) a unit"
            if let main = currency.minorUnits(ofMain: text), MinorUnits(main) != amount {
                remedy += ", or \"\(main)\" for \(currency.text(MinorUnits(main)))"
            }
        }
        report("unit_amount_decimal", "\(CatalogText.quoted(text)) has a point and only zeros behind it; \(remedy)")
        return nil
    }

    /// Checks which of the two members gives the amount.
    func checkAmountMembers(_ usageType: Catalog.UsageType) {
        switch usageType {
        case .licensed where has("unit_amount_decimal"):
            report("unit_amount_decimal", "is for metered prices; write unit_amount")
        case .licensed: require("unit_amount", "write the price in minor units, such as 1000 for 10.00 EUR")
        case .metered where has("unit_amount") && has("unit_amount_decimal"):
            report("unit_amount_decimal", "is given beside unit_amount; keep one of the two")
        case .metered where has("unit_amount_decimal"): return
        case .metered:
            require("unit_amount", "write the price in minor units, or unit_amount_decimal such as \"0.02\"")
        }
    }
}

/// What a price says beside its terms, as far as it could be read.
struct PriceExtrasDraft {
    static let known = ["tax_behavior", "nickname", "currency_options"]

    let extras: Catalog.PriceExtras
    /// All of it could be read.
    let isReadable: Bool

    init(_ object: CatalogObject, besides currency: String?, _ usageType: Catalog.UsageType?) {
        guard object.judgesMoney else {
            extras = Catalog.PriceExtras(taxBehavior: nil, nickname: nil, currencyOptions: nil)
            isReadable = true
            return
        }
        extras = Catalog.PriceExtras(
            taxBehavior: object.choice("tax_behavior", of: Catalog.TaxBehavior.self)?.rawValue,
            nickname: object.text("nickname", most: Limits.priceNicknameCharactersMax),
            currencyOptions: PriceExtrasDraft.options(object, besides: currency, usageType))
        isReadable =
            object.has("tax_behavior") == (extras.taxBehavior != nil)
            && object.has("nickname") == (extras.nickname != nil)
            && object.has("currency_options") == (extras.currencyOptions != nil)
    }

    private static func options(
        _ object: CatalogObject, besides currency: String?, _ usageType: Catalog.UsageType?
    ) -> [String: Catalog.CurrencyOption]? {
        let known = ["unit_amount", "unit_amount_decimal", "tax_behavior"]
        guard let named = object.namedObjects("currency_options", known: known) else { return nil }
        var options: [String: Catalog.CurrencyOption] = [:]
        for (name, option) in named {
            guard let code = Currency(name)?.code else {
                option.report("is no currency that Stripe takes; write its ISO 4217 code such as \"usd\"")
                continue
            }
            if code == currency {
                option.report("is the price's own currency; write its amount as unit_amount of the price")
                continue
            }
            let amount = option.unitAmount(in: code).map { MinorUnits($0) }
            let decimal = option.unitAmountDecimal(in: code).map { MinorUnits(decimal: $0) }
            let taxBehavior = option.choice("tax_behavior", of: Catalog.TaxBehavior.self)?.rawValue
            if let usageType { option.checkAmountMembers(usageType) }
            if options[code] != nil { option.report("is given twice; keep one of the two") }
            if let amount = amount ?? decimal {
                options[code] = Catalog.CurrencyOption(amount: amount, taxBehavior: taxBehavior)
            }
        }
        return options.count == named.count ? options : nil
    }
}
