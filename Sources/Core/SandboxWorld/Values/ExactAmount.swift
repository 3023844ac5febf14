/// Minor units with up to twelve decimal places, exactly.
struct ExactAmount: Hashable, Comparable, Sendable {
    private static let scale: Int128 = 1_000_000_000_000
    private let value: Int128

    /// Reads `2000` or `0.0125`; nil for anything else.
    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard 1...2 ~= parts.count, 1...15 ~= parts[0].utf8.count, parts[0].utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let whole = Int128(parts[0])
        else { return nil }
        let places = parts.count == 2 ? parts[1] : "0"
        guard 1...12 ~= places.utf8.count, places.utf8.allSatisfy({ 0x30...0x39 ~= $0 }),
            let fraction = Int128(places + String(repeating: "0", count: 12 - places.utf8.count))
        else { return nil }
        value = whole * ExactAmount.scale + fraction
    }

    init(_ whole: Int64) {
        value = Int128(whole) * ExactAmount.scale
    }

    private init(value: Int128) {
        self.value = value
    }

    /// The whole minor units; nil for a fraction.
    var whole: Int64? {
        value % ExactAmount.scale == 0 ? Int64(exactly: value / ExactAmount.scale) : nil
    }

    /// So many times the amount, rounded to the nearest minor unit.
    func times(_ quantity: Int64) -> Int64 {
        let (product, overflow) = value.multipliedReportingOverflow(by: Int128(quantity))
        if overflow { return .max }
        return Int64(clamping: (product + ExactAmount.scale / 2) / ExactAmount.scale)
    }

    /// Without zeros at the end.
    var text: String {
        let (whole, fraction) = value.quotientAndRemainder(dividingBy: ExactAmount.scale)
        if fraction == 0 { return String(whole) }
        var places = String(fraction + ExactAmount.scale).dropFirst()
        while places.hasSuffix("0") { places = places.dropLast() }
        return "\(whole).\(places)"
    }

    static func < (left: ExactAmount, right: ExactAmount) -> Bool { left.value < right.value }
}
