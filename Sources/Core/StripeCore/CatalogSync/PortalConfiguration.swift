import BusCore

/// What customers may do in one setting of the Customer Portal (docs/contract/stripe-facts.md, "Portal sessions").
package struct PortalConfiguration: Hashable, Sendable {
    /// `bpc_…`.
    package let id: String
    /// Sessions without a configuration of their own use it.
    package let isDefault: Bool
    /// The prices that customers may change to; Stripe lists them only when asked to expand them.
    package let priceIDs: Set<String>

    /// Reads one element of a list; nil when it is not a configuration.
    package init?(_ value: JSONValue) {
        guard let id = value["id"]?.text, let features = value["features"] else { return nil }
        self.id = id
        isDefault = value["is_default"]?.flag ?? false
        let update = features["subscription_update"]
        let products = update?["enabled"]?.flag == true ? update?["products"]?.elements ?? [] : []
        priceIDs = Set(products.flatMap { $0["prices"]?.elements?.compactMap(\.text) ?? [] })
    }
}
