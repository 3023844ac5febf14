import BusCore

/// A price of the document's `prices`.
struct PriceDraft {
    static let known =
        [
            "lookup_key", "product_lookup_key", "plan_id", "currency", "unit_amount", "unit_amount_decimal", "interval",
            "interval_count", "usage_type", "meter_lookup_key",
        ] + PriceExtrasDraft.known

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
    let extras: PriceExtrasDraft

    init(_ object: CatalogObject) {
        path = object.path
        object.require("lookup_key", "name the price, such as \"bus_llm_basic_eur_month\"")
        object.require("product_lookup_key", "write the lookup_key of the product that is sold")
        lookupKey = object.identifier("lookup_key")
        productKey = object.identifier("product_lookup_key")
        planID = object.identifier("plan_id", most: Limits.planIDCharactersMax)
        currency = object.currency()
        unitAmount = object.unitAmount(in: currency)
        unitAmountDecimal = object.unitAmountDecimal(in: currency)
        interval = ReadInterval(object)
        intervalCount = object.intervalCount(of: interval)
        meterKey = object.identifier("meter_lookup_key")
        let usageType = object.choice("usage_type", of: Catalog.UsageType.self)
        self.usageType = usageType ?? (object.has("usage_type") ? nil : .licensed)
        extras = PriceExtrasDraft(object, besides: currency, self.usageType)
        switch self.usageType {
        case .licensed where object.has("meter_lookup_key"):
            object.report("meter_lookup_key", "is for metered prices; set usage_type to \"metered\" or remove it")
        case .licensed: object.checkAmountMembers(.licensed)
        case .metered:
            object.require("interval", "say how often usage is charged, such as \"month\"")
            object.require("meter_lookup_key", "write the lookup_key of the meter that is charged")
            object.checkAmountMembers(.metered)
        case nil: return
        }
    }

    func price(planID: String?) -> Catalog.Price? {
        guard let lookupKey, let productKey, let currency, let usageType else { return nil }
        return Catalog.Price(
            lookupKey: lookupKey, productLookupKey: productKey, planID: planID, currency: currency,
            unitAmount: unitAmount, unitAmountDecimal: unitAmountDecimal, interval: interval.value,
            intervalCount: intervalCount, usageType: usageType, meterLookupKey: meterKey, extras: extras.extras)
    }
}

/// A price as a plan lists it.
struct PlanPriceDraft {
    static let known = ["lookup_key", "currency", "unit_amount", "interval"] + PriceExtrasDraft.known

    let path: CatalogPath
    /// The path of its key; its own path when the key is derived.
    let keyPath: CatalogPath
    /// As written, or `<plan id>-<currency>-<interval or once>`.
    let key: String?
    let currency: String?
    let unitAmount: Int64?
    let interval: ReadInterval
    let extras: PriceExtrasDraft

    init(_ object: CatalogObject, planID: String?) {
        path = object.path
        currency = object.currency()
        object.require("unit_amount", "write the price in minor units, such as 1000 for 10.00 EUR")
        unitAmount = object.unitAmount(in: currency)
        interval = ReadInterval(object)
        extras = PriceExtrasDraft(object, besides: currency, .licensed)
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
                interval: price.interval, intervalCount: nil, usageType: .licensed, meterLookupKey: nil,
                extras: extras.extras)
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
