import BusCore

/// A price of the document's `prices`.
struct PriceDraft {
    static let known = [
        "lookup_key", "product_lookup_key", "plan_id", "currency", "unit_amount", "unit_amount_decimal", "interval",
        "interval_count", "usage_type", "meter_lookup_key",
    ]

    let path: CatalogPath
    let lookupKey: String?
    let productKey: String?
    let planID: String?
    let currency: String?
    let unitAmount: Int64?
    let unitAmountDecimal: String?
    let interval: ReadInterval
    let intervalCount: Int64?
    let usageType: Catalog.UsageType?
    let meterKey: String?

    init(_ object: CatalogObject) {
        path = object.path
        object.require("lookup_key", "name the price, such as \"bus_llm_basic_eur_month\"")
        object.require("product_lookup_key", "write the lookup_key of the product that is sold")
        lookupKey = object.identifier("lookup_key")
        productKey = object.identifier("product_lookup_key")
        planID = object.identifier("plan_id", most: Limits.planIDCharactersMax)
        currency = object.currency()
        unitAmount = object.unitAmount()
        unitAmountDecimal = object.unitAmountDecimal()
        interval = ReadInterval(object)
        intervalCount = object.intervalCount(of: interval)
        meterKey = object.identifier("meter_lookup_key")
        let usageType = object.choice("usage_type", of: Catalog.UsageType.self)
        self.usageType = usageType ?? (object.has("usage_type") ? nil : .licensed)
        switch self.usageType {
        case .licensed: PriceDraft.checkLicensed(object)
        case .metered: PriceDraft.checkMetered(object)
        case nil: return
        }
    }

    private static func checkLicensed(_ object: CatalogObject) {
        if object.has("meter_lookup_key") {
            object.report("meter_lookup_key", "is for metered prices; set usage_type to \"metered\" or remove it")
        } else if object.has("unit_amount_decimal") {
            object.report("unit_amount_decimal", "is for metered prices; write unit_amount")
        } else {
            object.require("unit_amount", "write the price in minor units, such as 1000 for 10.00 EUR")
        }
    }

    private static func checkMetered(_ object: CatalogObject) {
        object.require("interval", "say how often usage is charged, such as \"month\"")
        object.require("meter_lookup_key", "write the lookup_key of the meter that is charged")
        if object.has("unit_amount"), object.has("unit_amount_decimal") {
            object.report("unit_amount_decimal", "is given beside unit_amount; keep one of the two")
        } else if !object.has("unit_amount_decimal") {
            object.require("unit_amount", "write the price in minor units, or unit_amount_decimal such as \"0.02\"")
        }
    }

    func price(planID: String?) -> Catalog.Price? {
        guard let lookupKey, let productKey, let currency, let usageType else { return nil }
        return Catalog.Price(
            lookupKey: lookupKey, productLookupKey: productKey, planID: planID, currency: currency,
            unitAmount: unitAmount, unitAmountDecimal: unitAmountDecimal, interval: interval.value,
            intervalCount: intervalCount, usageType: usageType, meterLookupKey: meterKey)
    }
}

/// A price as a plan lists it.
struct PlanPriceDraft {
    static let known = ["lookup_key", "currency", "unit_amount", "interval"]

    let path: CatalogPath
    /// The path of its key; its own path when the key is derived.
    let keyPath: CatalogPath
    /// As written, or `<plan id>-<currency>-<interval or once>`.
    let key: String?
    let currency: String?
    let unitAmount: Int64?
    let interval: ReadInterval

    init(_ object: CatalogObject, planID: String?) {
        path = object.path
        currency = object.currency()
        object.require("unit_amount", "write the price in minor units, such as 1000 for 10.00 EUR")
        unitAmount = object.unitAmount()
        interval = ReadInterval(object)
        if object.has("lookup_key") {
            keyPath = path.member("lookup_key")
            key = object.identifier("lookup_key")
        } else {
            keyPath = path
            if let planID, let currency, interval.isReadable {
                key = "\(planID)-\(currency)-\(interval.value?.rawValue ?? "once")"
            } else {
                key = nil
            }
        }
    }

    var planPrice: Catalog.PlanPrice? {
        guard let key, let currency, let unitAmount else { return nil }
        return Catalog.PlanPrice(lookupKey: key, currency: currency, unitAmount: unitAmount, interval: interval.value)
    }

    /// The price for the document's `prices` when it is missing there.
    func price(of product: Catalog.Product, planID: String?) -> Catalog.Price? {
        planPrice.map { price in
            Catalog.Price(
                lookupKey: price.lookupKey, productLookupKey: product.lookupKey, planID: planID,
                currency: price.currency, unitAmount: price.unitAmount, unitAmountDecimal: nil,
                interval: price.interval, intervalCount: nil, usageType: .licensed, meterLookupKey: nil)
        }
    }
}

/// How often a price is paid; an absent interval means once; an unreadable one is a problem.
struct ReadInterval {
    let value: Catalog.Interval?
    let isReadable: Bool

    init(_ object: CatalogObject) {
        value = object.choice("interval", of: Catalog.Interval.self)
        isReadable = object.has("interval") == (value != nil)
    }
}

extension CatalogObject {
    /// Three letters, lower-cased.
    fileprivate func currency() -> String? {
        require("currency", "write three letters such as \"eur\"")
        guard let text = text("currency", most: Limits.catalogNameCharactersMax) else { return nil }
        let currency = text.lowercased()
        if currency.utf8.count == 3, currency.utf8.allSatisfy({ UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 }) {
            return currency
        }
        report("currency", "\(CatalogText.quoted(text)) is no currency; write three letters such as \"eur\"")
        return nil
    }

    fileprivate func unitAmount() -> Int64? {
        integer("unit_amount", 1...Limits.priceMinorUnitsMax)
    }

    fileprivate func unitAmountDecimal() -> String? {
        guard let text = text("unit_amount_decimal", most: Limits.catalogNameCharactersMax) else { return nil }
        if CatalogText.isPositiveDecimal(text) { return text }
        report(
            "unit_amount_decimal",
            "\(CatalogText.quoted(text)) is no price; write a positive number of at most 12 decimals such as \"0.02\"")
        return nil
    }

    /// One payment covers at most three years in Stripe.
    fileprivate func intervalCount(of interval: ReadInterval) -> Int64? {
        guard has("interval_count"), interval.isReadable else { return nil }
        switch interval.value {
        case .day: return integer("interval_count", 1...1095)
        case .week: return integer("interval_count", 1...156)
        case .month: return integer("interval_count", 1...36)
        case .year: return integer("interval_count", 1...3)
        case nil:
            report("interval_count", "counts intervals, but there is no interval; write one or remove the count")
            return nil
        }
    }
}
