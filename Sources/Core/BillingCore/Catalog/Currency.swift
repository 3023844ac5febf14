/// A currency that Stripe takes, and how its amounts are written (docs/contract/stripe-facts.md, "Currencies").
package struct Currency: Hashable, Sendable {
    /// Three letters, lower case.
    package let code: String
    /// How many digits of an amount in minor units stand behind the point.
    package let decimals: Int
    /// The smallest amount that can be charged, in minor units; every price is a multiple of it.
    package let step: Int64

    /// The currency of a code in upper or lower case; nil when Stripe does not take it.
    package init?(_ code: String) {
        let code = code.lowercased()
        guard Currency.codes.contains(code) else { return nil }
        self.code = code
        if Currency.withoutDecimals.contains(code) {
            (decimals, step) = (0, 1)
        } else if Currency.withThreeDecimals.contains(code) {
            (decimals, step) = (3, 10)
        } else {
            (decimals, step) = (2, Currency.withWholeAmounts.contains(code) ? 100 : 1)
        }
    }

    /// True when an amount has decimals on the wire that are always 0.
    var hasWholeAmountsOnly: Bool { step == 100 }

    // The currencies of https://docs.stripe.com/currencies, and those that Stripe's error for an unknown currency adds.
    private static let codes = words(
        """
        usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd btn bwp byn bzd cad cdf
        chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gnf gtq gyd hkd hnl hrk htg
        huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop
        mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr
        sek sgd shp sle sos srd std svc szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xcg xof
        xpf yer zar zmw
        """)
    private static let withoutDecimals = words("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf")
    private static let withThreeDecimals = words("bhd jod kwd omr tnd")
    private static let withWholeAmounts = words("isk ugx")

    private static func words(_ text: String) -> Set<String> {
        Set(text.split { $0 == " " || $0 == "\n" }.map { String($0) })
    }
}

// MARK: - Money as people write it

extension Currency {
    /// `49.00 EUR`, `4 900 JPY`, `0.0002 EUR`.
    package func text(_ amount: MinorUnits) -> String {
        let parts = amount.text.split(separator: ".")
        let digits = String(repeating: "0", count: max(0, decimals + 1 - parts[0].count)) + parts[0]
        let whole = Array(digits.dropLast(decimals))
        var fraction = digits.suffix(decimals) + (parts.count > 1 ? parts[1] : "")
        if hasWholeAmountsOnly, fraction.allSatisfy({ $0 == "0" }) { fraction = "" }
        let grouped = whole.indices.map { index in
            String(whole[index]) + ((whole.count - index) % 3 == 1 && index < whole.count - 1 ? " " : "")
        }
        return grouped.joined() + (fraction.isEmpty ? "" : "." + fraction) + " " + code.uppercased()
    }

    /// The minor units of `49.00`; nil when this currency has no such amount.
    func minorUnits(ofMain text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var fraction = parts.count > 1 ? parts[1] : ""
        while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
        let digits = parts[0] + fraction
        guard !parts[0].isEmpty, fraction.count <= decimals, digits.utf8.allSatisfy(CatalogText.isDigit) else {
            return nil
        }
        return Int64(digits + String(repeating: "0", count: decimals - fraction.count))
    }

    /// The amount itself, else the next lower one that can be charged, else the smallest.
    func chargeable(_ amount: Int64) -> Int64 {
        amount % step == 0 ? amount : max(step, amount - amount % step)
    }
}
