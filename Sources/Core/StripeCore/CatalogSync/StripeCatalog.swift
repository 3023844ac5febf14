import BillingCore
import BusContract
import BusCore

/// The part of Stripe's products, prices and meters that a sync compares.
package struct StripeCatalog: Hashable, Sendable {
    /// Every product of the account and mode, archived ones too.
    package var products: [Product]
    /// Every price, archived ones too.
    package var prices: [Price]
    /// Every meter, inactive ones too.
    package var meters: [Meter]

    /// A catalog as listed.
    package init(products: [Product] = [], prices: [Price] = [], meters: [Meter] = []) {
        self.products = products
        self.prices = prices
        self.meters = meters
    }
}

// MARK: - Our marks

/// The metadata by which a sync knows its own products and prices; meters have no metadata.
package struct CatalogMark: Hashable, Sendable {
    /// `bus_catalog`; its value is the mode, so that an object copied from test to live does not count as ours there.
    package static let markerKey = "bus_catalog"
    /// `bus_lookup_key`.
    package static let nameKey = "bus_lookup_key"

    /// The mode in the mark, as found.
    package let marker: String?
    /// The catalog's lookup key in the mark, as found.
    package let lookupKey: String?

    /// A mark as found.
    package init(marker: String?, lookupKey: String?) {
        self.marker = marker
        self.lookupKey = lookupKey
    }

    /// The mark that an entry's object gets.
    package init(_ lookupKey: String, mode: StripeMode) {
        self.init(marker: mode.rawValue, lookupKey: lookupKey)
    }

    /// Reads an object's metadata.
    init(of value: JSONValue) {
        let metadata = value["metadata"]
        self.init(
            marker: metadata?[CatalogMark.markerKey]?.text, lookupKey: metadata?[CatalogMark.nameKey]?.text)
    }

    /// True for what a sync of this mode created or took over; only such objects are ever archived.
    package func isOurs(_ mode: StripeMode) -> Bool { marker == mode.rawValue }
}

// MARK: - Objects

extension StripeCatalog {
    /// A product (docs/contract/stripe-facts.md, "Products").
    package struct Product: Hashable, Sendable {
        /// `prod_…`, or an id that its creator chose.
        package let id: String
        package let isActive: Bool
        package let name: String
        package let description: String?
        package let defaultPriceID: String?
        package let mark: CatalogMark

        /// Reads one element of a list; nil when it is not a product.
        package init?(_ value: JSONValue) {
            guard let id = value["id"]?.text, let name = value["name"]?.text, let isActive = value["active"]?.flag
            else {
                return nil
            }
            self.id = id
            self.isActive = isActive
            self.name = name
            description = value["description"]?.text
            defaultPriceID = value["default_price"]?.expandedID
            mark = CatalogMark(of: value)
        }
    }

    /// A price (docs/contract/stripe-facts.md, "Prices").
    package struct Price: Hashable, Sendable {
        /// `price_…`.
        package let id: String
        package let isActive: Bool
        package let lookupKey: String?
        /// Seconds since 1970; of two equal prices the newer one is kept.
        package let created: Int64
        package let mark: CatalogMark
        /// What cannot be changed.
        package let terms: PriceTerms

        /// Reads one element of a list; nil when it is not a price.
        package init?(_ value: JSONValue) {
            guard let id = value["id"]?.text, let isActive = value["active"]?.flag,
                let terms = PriceTerms(of: value)
            else { return nil }
            self.id = id
            self.isActive = isActive
            lookupKey = value["lookup_key"]?.text
            created = value["created"]?.integer ?? 0
            mark = CatalogMark(of: value)
            self.terms = terms
        }
    }

    /// A meter (docs/contract/stripe-facts.md, "Meters").
    package struct Meter: Hashable, Sendable {
        /// `mtr_…`.
        package let id: String
        package let isActive: Bool
        package let eventName: String
        package let displayName: String
        /// Seconds since 1970; of several inactive meters the newest is taken.
        package let created: Int64
        /// The fields that cannot be changed, under Stripe's names.
        package let fixed: [String: String]

        /// Reads one element of a list; nil when it is not a meter.
        package init?(_ value: JSONValue) {
            guard let id = value["id"]?.text, let status = value["status"]?.text,
                let eventName = value["event_name"]?.text, let displayName = value["display_name"]?.text
            else { return nil }
            self.id = id
            isActive = status == "active"
            self.eventName = eventName
            self.displayName = displayName
            created = value["created"]?.integer ?? 0
            let texts = [
                "aggregation_formula": value["default_aggregation"]?["formula"]?.text,
                "customer_mapping_type": value["customer_mapping"]?["type"]?.text,
                "customer_mapping_event_payload_key": value["customer_mapping"]?["event_payload_key"]?.text,
                "value_settings_event_payload_key": value["value_settings"]?["event_payload_key"]?.text,
                "event_time_window": value["event_time_window"]?.text,
            ]
            fixed = texts.compactMapValues { $0 }
        }
    }
}

extension JSONValue {
    /// An expandable field: an id, or an object with one.
    fileprivate var expandedID: String? { text ?? self["id"]?.text }
}

// MARK: - Terms

/// The fields of a price that Stripe never changes; a difference needs a new price.
package struct PriceTerms: Hashable, Sendable {
    /// The product's id; nil when the product does not exist yet.
    package let productID: String?
    package let currency: String
    /// Minor units as a decimal without superfluous zeros; nil when the price has no single amount.
    package let amount: String?
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
        let digits = value["unit_amount_decimal"]?.text ?? value["unit_amount"]?.integer.map { String($0) }
        amount = digits.map { PriceTerms.canonical($0) }
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
        amount = (price.unitAmount.map { String($0) } ?? price.unitAmountDecimal).map { PriceTerms.canonical($0) }
        interval = price.interval?.rawValue
        intervalCount = price.interval.map { _ in price.intervalCount ?? 1 }
        usageType = price.interval.map { _ in price.usageType.rawValue }
        self.meterID = meterID
        otherScheme = nil
    }

    /// One spelling for each number: `012.50` is `12.5`.
    static func canonical(_ decimal: String) -> String {
        let parts = decimal.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        var whole = parts.first ?? ""
        while whole.hasPrefix("0") { whole = whole.dropFirst() }
        var fraction = parts.count > 1 ? parts[1] : ""
        while fraction.hasSuffix("0") { fraction = fraction.dropLast() }
        return (whole.isEmpty ? "0" : String(whole)) + (fraction.isEmpty ? "" : "." + fraction)
    }
}
