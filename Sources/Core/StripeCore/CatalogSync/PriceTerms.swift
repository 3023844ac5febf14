import BillingCore
import BusCore

/// The fields of a price that Stripe never changes; a difference needs a new price.
package struct PriceTerms: Hashable, Sendable {
    /// The product's id; nil when the product does not exist yet.
    package let productID: String?
    package let currency: String
    /// Nil when the price has no single amount.
    package let amount: MinorUnits?
    package let interval: String?
    package let intervalCount: Int64?
    /// `licensed` or `metered`; nil for a one-time price.
    package let usageType: String?
    /// The meter's id; nil for a licensed price, and when the meter does not exist yet.
    package let meterID: String?
    /// A pricing scheme that a catalog cannot describe: tiers, packages, or an amount that the customer chooses.
    package let otherScheme: String?

    /// Reads a price of Stripe's.
    init?(of value: JSONValue) {
        guard let currency = value["currency"]?.text, let productID = value["product"]?.expandedID else { return nil }
        self.productID = productID
        self.currency = currency
        amount = PriceTraits.amount(of: value)
        let recurring = value["recurring"]
        interval = recurring?["interval"]?.text
        intervalCount = recurring.map { $0["interval_count"]?.integer ?? 1 }
        usageType = recurring.map { $0["usage_type"]?.text ?? "licensed" }
        meterID = recurring?["meter"]?.expandedID
        if let scheme = value["billing_scheme"]?.text, scheme != "per_unit" {
            otherScheme = scheme
        } else if value["transform_quantity"] != nil {
            otherScheme = "transform_quantity"
        } else {
            otherScheme = value["custom_unit_amount"] == nil ? nil : "custom_unit_amount"
        }
    }

    /// What the catalog wants, with the ids that are known.
    init(_ price: Catalog.Price, productID: String?, meterID: String?) {
        self.productID = productID
        currency = price.currency
        amount = price.amount
        interval = price.interval?.rawValue
        intervalCount = price.interval.map { _ in price.intervalCount ?? 1 }
        usageType = price.interval.map { _ in price.usageType.rawValue }
        self.meterID = meterID
        otherScheme = nil
    }
}

// MARK: - As people write them

extension PriceTerms {
    /// `49.00 EUR / month`, `0.0002 EUR per unit / month`, `4 900 JPY once`.
    package var money: String {
        var text = amount.map { PriceTerms.money($0, currency) } ?? currency.uppercased()
        if let otherScheme { text += " (\(otherScheme))" }
        if usageType == "metered" { text += " per unit" }
        guard let interval else { return text + " once" }
        let count = intervalCount ?? 1
        return text + (count == 1 ? " / \(interval)" : " / \(count) \(interval)s")
    }

    /// An amount in a currency; Stripe may have prices in currencies that it has given up.
    static func money(_ amount: MinorUnits, _ code: String) -> String {
        Currency(code)?.text(amount) ?? "\(amount.text) minor units of \(code.uppercased())"
    }
}
