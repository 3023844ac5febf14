import BusContract
import BusCore

/// One line of a Checkout Session as Stripe takes it.
package struct CheckoutLine: Hashable, Sendable {
    /// `price_…`.
    package let priceID: String
    /// Nil for metered prices, which take none.
    package let quantity: Int64?

    /// A line for a price whose kind is known.
    package init(_ line: ProviderCheckoutRequest.Line, price: ResolvedPrice) {
        priceID = price.id
        quantity = price.isMetered ? nil : line.quantity ?? 1
    }
}

/// A price as a checkout needs to know it.
package struct ResolvedPrice: Hashable, Sendable {
    /// `price_…`.
    package let id: String
    /// The key it can be found under.
    package let lookupKey: String?
    /// Billed by usage.
    package let isMetered: Bool

    /// Reads a price; nil when it is none.
    package init?(_ value: JSONValue) {
        guard let id = value["id"]?.text else { return nil }
        self.init(
            id: id, lookupKey: value["lookup_key"]?.text,
            isMetered: value["recurring"]?["usage_type"]?.text == "metered")
    }

    /// A price whose kind is known.
    package init(id: String, lookupKey: String? = nil, isMetered: Bool) {
        self.id = id
        self.lookupKey = lookupKey
        self.isMetered = isMetered
    }
}
