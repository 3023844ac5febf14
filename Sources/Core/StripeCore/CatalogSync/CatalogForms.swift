import BillingCore
import BusContract
import BusCore
import Crypto

/// Turns the steps of a sync into calls of Stripe.
package enum CatalogForms {
    /// Stripe's longest page of a list.
    private static let pageObjectsMax: Int64 = 100

    /// The lists that a sync reads; without a filter they hold active and archived objects.
    package enum Listing: String, Sendable {
        case meters = "/v1/billing/meters"
        case products = "/v1/products"
        case prices = "/v1/prices"
        case portals = "/v1/billing_portal/configurations"

        /// The field that Stripe leaves out unless asked for.
        fileprivate var expanded: String? {
            switch self {
            case .meters, .products: nil
            case .prices: "data.currency_options"
            case .portals: "data.features.subscription_update.products"
            }
        }
    }

    /// One page of a list, after the object with that id.
    package static func page(_ listing: Listing, status: String? = nil, after id: String?) -> StripeCall {
        var form = StripeForm()
        form.add("limit", pageObjectsMax)
        form.add("status", status)
        form.add("active", listing == .portals ? true : nil)
        form.add("expand[]", listing.expanded)
        form.add("starting_after", id)
        return .get(listing.rawValue, form)
    }

    /// `GET /v1/account`: the account that is about to change.
    package static let account = StripeCall.get("/v1/account")

    /// `GET /v1/balance`: whether the key works, and its mode (docs/contract/stripe-facts.md, "Credential probe").
    package static let balance = StripeCall.get("/v1/balance")

    /// The path and the form of a step's write.
    ///
    /// - Parameter id: Turns a reference into the id to send.
    static func content<Fault: Error>(
        of write: CatalogSyncStep.Write, mode: StripeMode, id: (CatalogSyncStep.Reference) throws(Fault) -> String
    ) throws(Fault) -> (path: String, form: StripeForm) {
        var form = StripeForm()
        switch write {
        case .createMeter(let meter):
            add(meter, to: &form)
            return ("/v1/billing/meters", form)
        case .renameMeter(let id, let displayName):
            form.add("display_name", displayName)
            return ("/v1/billing/meters/\(StripeForm.percentEncoded(id))", form)
        case .reactivateMeter(let id):
            return ("/v1/billing/meters/\(StripeForm.percentEncoded(id))/reactivate", form)
        case .createProduct(let product):
            form.add("name", product.name)
            form.add("description", product.description)
            form.add(CatalogMark(product.lookupKey, mode: mode))
            return ("/v1/products", form)
        case .updateProduct(let id, let changes):
            form.add("active", changes.isActive)
            form.add("name", changes.name)
            form.add("description", changes.description)
            if let mark = changes.mark { form.add(mark) }
            return ("/v1/products/\(StripeForm.percentEncoded(id))", form)
        case .setDefaultPrice(let productID, let price):
            if let price { form.add("default_price", try id(price)) } else { form.unset("default_price") }
            return ("/v1/products/\(StripeForm.percentEncoded(productID))", form)
        case .createPrice(let price, let traits, let product, let meter):
            form.add("product", try id(product))
            add(price, meterID: try meter.map(id), to: &form)
            add(traits, to: &form)
            form.add(CatalogMark(price.lookupKey, mode: mode))
            return ("/v1/prices", form)
        case .updatePrice(let id, let changes):
            form.add("active", changes.isActive)
            form.add("lookup_key", changes.lookupKey)
            form.add("transfer_lookup_key", changes.lookupKey.map { _ in true })
            add(changes.traits, to: &form)
            if let mark = changes.mark { form.add(mark) }
            return ("/v1/prices/\(StripeForm.percentEncoded(id))", form)
        }
    }

    private static func add(_ meter: Catalog.Meter, to form: inout StripeForm) {
        form.add("display_name", meter.displayName)
        form.add("event_name", meter.eventName)
        form.add("default_aggregation[formula]", meter.aggregationFormula.rawValue)
        form.add("customer_mapping[type]", meter.customerMappingType.rawValue)
        form.add("customer_mapping[event_payload_key]", meter.customerMappingEventPayloadKey)
        form.add("value_settings[event_payload_key]", meter.valueSettingsEventPayloadKey)
    }

    private static func add(_ price: Catalog.Price, meterID: String?, to form: inout StripeForm) {
        form.add("currency", price.currency)
        form.add("unit_amount", price.unitAmount)
        form.add("unit_amount_decimal", price.unitAmount == nil ? price.unitAmountDecimal : nil)
        if let interval = price.interval {
            form.add("recurring[interval]", interval.rawValue)
            form.add("recurring[interval_count]", price.intervalCount)
            form.add("recurring[usage_type]", price.usageType.rawValue)
            form.add("recurring[meter]", meterID)
        }
        form.add("lookup_key", price.lookupKey)
        form.add("transfer_lookup_key", true)
    }

    private static func add(_ traits: PriceTraits, to form: inout StripeForm) {
        form.add("tax_behavior", traits.taxBehavior)
        form.add("nickname", traits.nickname)
        for (code, option) in traits.currencyOptions.sorted(by: { $0.key < $1.key }) {
            let field = option.amount.isWhole ? "unit_amount" : "unit_amount_decimal"
            form.add("currency_options[\(code)][\(field)]", option.amount.text)
            form.add("currency_options[\(code)][tax_behavior]", option.taxBehavior)
        }
        for (key, value) in traits.metadata.sorted(by: { $0.key < $1.key }) { form.add("metadata[\(key)]", value) }
    }

    /// `bus-catalog-<mode>-<kind>-<sha256 of name, content and salt>`.
    ///
    /// A call that creates something has the same salt in every process. A run that was killed during the call and the
    /// next run therefore create one object. A call that changes something is salted with its run. With a constant key,
    /// Stripe would answer a change from memory without doing it, even after somebody has undone it by hand. Doing a
    /// change twice is harmless.
    static func idempotencyKey(
        _ object: CatalogSyncObject, _ mode: StripeMode, path: String, _ form: StripeForm, salt: String
    ) -> String {
        let content = [object.lookupKey, path, form.encoded(), salt].joined(separator: "\n")
        return "bus-catalog-\(mode.rawValue)-\(object.kind.rawValue)-\(hexText(SHA256.hash(data: Array(content.utf8))))"
    }
}

extension StripeForm {
    fileprivate mutating func add(_ key: String, _ value: Bool?) {
        add(key, value.map { $0 ? "true" : "false" })
    }

    /// Stripe merges metadata: keys that are not ours stay as they are.
    fileprivate mutating func add(_ mark: CatalogMark) {
        add("metadata[\(CatalogMark.markerKey)]", mark.marker)
        add("metadata[\(CatalogMark.nameKey)]", mark.lookupKey)
    }
}
