/// An amount in a currency's minor units, with decimals for a price of usage; never a floating-point number.
package struct MinorUnits: Hashable, Sendable {
    /// One spelling for each number: `012.50` is `12.5`.
    package let text: String

    /// A whole amount.
    package init(_ amount: Int64) {
        text = String(amount)
    }

    /// A number written with digits and at most one point.
    package init(decimal: String) {
        let parts = decimal.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var whole = parts.first ?? ""
        while whole.hasPrefix("0") { whole = whole.dropFirst() }
        var fraction = parts.count > 1 ? parts[1] : ""
        while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
        text = (whole.isEmpty ? "0" : String(whole)) + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// True without decimals.
    package var isWhole: Bool { !text.utf8.contains(UInt8(ascii: ".")) }
}
