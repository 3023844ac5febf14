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

    /// The name in the metadata that comes next, in the form of a catalog's lookup keys; blanks around it are dropped.
    static func lookupKey(from reader: inout JSONReader) throws(JSONFault) -> String? {
        var found: String?
        try reader.enterObject()
        while let key = try reader.nextMember() {
            if key == "bus_lookup_key" { found = try reader.lenientString() } else { try reader.skipValue() }
        }
        guard let name = found.map({ String($0.trimmingASCIIWhitespace()) }), Labels.isIdentifier(name) else {
            return nil
        }
        return name
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
        /// What can be changed, and what a new price takes over.
        package let traits: PriceTraits
        /// What no price of a catalog can have, under Stripe's names.
        package let foreign: [String]

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
            traits = PriceTraits(of: value)
            foreign = Price.foreign(in: value)
        }

        private static func foreign(in value: JSONValue) -> [String] {
            var names: [String] = []
            if value["billing_scheme"]?.text == "tiered" { names.append("tiers") }
            if value["transform_quantity"] != nil { names.append("transform_quantity") }
            if value["custom_unit_amount"] != nil { names.append("custom_unit_amount") }
            if value["recurring"]?["trial_period_days"]?.integer ?? 0 > 0 { names.append("trial_period_days") }
            if case .object(let options)? = value["currency_options"] {
                let unreadable = options.filter {
                    $0.key != value["currency"]?.text && PriceTraits.amount(of: $0.value) == nil
                }
                names += unreadable.keys.sorted().map { "currency_options[\($0)]" }
            }
            return names
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
    var expandedID: String? { text ?? self["id"]?.text }
}
