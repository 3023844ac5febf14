import BusCore

// One entry each, as far as it could be read. Reading reports the problems inside the entry. Nil means absent, or
// reported as a problem.

struct ProductDraft {
    static let known = ["id", "lookup_key", "name", "description", "stripe_product_id"]

    let path: CatalogPath
    let id: String?
    let lookupKey: String?
    /// All its names could be read.
    let isNamed: Bool
    let product: Catalog.Product?

    init(_ object: CatalogObject) {
        path = object.path
        id = object.identifier("id")
        lookupKey = object.identifier("lookup_key")
        let description = object.text("description", most: Limits.productDescriptionCharactersMax)
        let stripeProductID = object.identifier("stripe_product_id")
        if !object.has("lookup_key") { object.require("id", "name the product, such as \"llm\"") }
        object.require("name", "write what customers read, such as \"LLM access\"")
        let name = object.text("name", most: Limits.productNameCharactersMax)
        isNamed =
            object.has("id") == (id != nil) && object.has("lookup_key") == (lookupKey != nil)
            && (id != nil || lookupKey != nil)
        if let id = id ?? lookupKey, let lookupKey = lookupKey ?? self.id, let name {
            product = Catalog.Product(
                id: id, lookupKey: lookupKey, name: name, description: description, stripeProductID: stripeProductID)
        } else {
            product = nil
        }
    }
}

struct MeterDraft {
    static let known = [
        "name", "unit", "units", "lookup_key", "display_name", "event_name", "aggregation_formula",
        "customer_mapping_type", "customer_mapping_event_payload_key", "value_settings_event_payload_key",
    ]

    let path: CatalogPath
    /// Its names as written.
    let names: [(member: String, name: String)]
    let lookupKey: String?
    let eventName: String?
    /// All its names could be read.
    let isNamed: Bool
    let meter: Catalog.Meter?

    init(_ object: CatalogObject, needsUnit: Bool) {
        path = object.path
        let given = (
            name: object.identifier("name", most: Limits.meterNameCharactersMax),
            eventName: object.identifier("event_name", most: Limits.meterNameCharactersMax),
            lookupKey: object.identifier("lookup_key")
        )
        if !object.has("event_name") { object.require("name", "name the meter, such as \"bus_llm_tokens\"") }
        if needsUnit, !object.has("units") { object.require("unit", "write what is counted, such as \"tokens\"") }
        let units = [object.text("unit", most: 200), object.text("units", most: 200)]
        let displayName = object.text("display_name", most: Limits.meterDisplayNameCharactersMax)
        let formula = object.choice("aggregation_formula", of: Catalog.AggregationFormula.self)
        let mapping = object.choice("customer_mapping_type", of: Catalog.CustomerMappingType.self)
        let customerKey = object.identifier("customer_mapping_event_payload_key", most: Limits.meterNameCharactersMax)
        let valueKey = object.identifier("value_settings_event_payload_key", most: Limits.meterNameCharactersMax)

        let all = [("name", given.name), ("event_name", given.eventName), ("lookup_key", given.lookupKey)]
        names = all.compactMap { member, name in name.map { (member, $0) } }
        isNamed =
            all.allSatisfy { member, name in object.has(member) == (name != nil) }
            && (given.name != nil || given.eventName != nil)
        let name = given.name ?? given.eventName
        eventName = given.eventName ?? name
        lookupKey = given.lookupKey ?? name
        if let name, let eventName, let lookupKey {
            meter = Catalog.Meter(
                name: name, unit: units.compactMap { $0 }.first, lookupKey: lookupKey,
                displayName: displayName ?? String(name.map { $0 == "_" ? " " : $0 }), eventName: eventName,
                aggregationFormula: formula ?? .sum, customerMappingType: mapping ?? .byID,
                customerMappingEventPayloadKey: customerKey ?? "stripe_customer_id",
                valueSettingsEventPayloadKey: valueKey ?? "value")
        } else {
            meter = nil
        }
    }
}

struct PlanDraft {
    static let known = ["id", "product_id", "name", "default", "features", "prices", "quotas"]

    let path: CatalogPath
    let id: String?
    /// An `id` or `lookup_key` of a product.
    let productName: String?
    let name: String?
    let isDefault: Bool
    /// Nil when one of them could not be read.
    let features: [String]?
    let prices: [PlanPriceDraft]
    let quotas: [QuotaDraft]
    /// True when it lists prices, readable or not.
    let hasPrices: Bool

    init(_ object: CatalogObject) {
        path = object.path
        object.require("id", "name the plan, such as \"llm-basic\"")
        object.require("product_id", "write the id of the product that is sold")
        object.require("features", "list what the plan sells, such as [\"llm:proxy\"]")
        let id = object.identifier("id", most: Limits.planIDCharactersMax)
        self.id = id
        productName = object.identifier("product_id")
        name = object.text("name", most: Limits.productNameCharactersMax)
        isDefault = object.flag("default") ?? false
        features = object.features("features")
        let prices = object.objects("prices", known: PlanPriceDraft.known)
        hasPrices = !prices.isWhole || !prices.objects.isEmpty
        self.prices = prices.objects.map { PlanPriceDraft($0, planID: id) }
        quotas = object.objects("quotas", known: QuotaDraft.known).objects.map(QuotaDraft.init)
    }

    func plan(productID: String) -> Catalog.Plan? {
        guard let id, let features else { return nil }
        return Catalog.Plan(
            id: id, productID: productID, name: name, isDefault: isDefault, features: features,
            prices: prices.compactMap(\.planPrice), quotas: quotas.compactMap(\.quota))
    }
}

struct QuotaDraft {
    static let known = ["feature", "meter_event_name", "window", "limit", "upgrade_plan_id"]

    let path: CatalogPath
    let feature: String?
    let meterEventName: String?
    let window: QuotaWindow?
    let upgradePlanID: String?
    let quota: Quota?

    init(_ object: CatalogObject) {
        path = object.path
        let windows = QuotaWindow.allCases.map(\.rawValue)
        object.require("feature", "write the feature that is limited, such as \"llm:proxy\"")
        object.require("meter_event_name", "write the meter that is counted")
        object.require("window", "use \(windows.joined(separator: ", "))")
        object.require("limit", "write how many units the window allows")
        feature = object.feature("feature")
        meterEventName = object.identifier("meter_event_name", most: Limits.meterNameCharactersMax)
        window = object.word("window", windows, read: { QuotaWindow($0) })
        upgradePlanID = object.identifier("upgrade_plan_id", most: Limits.planIDCharactersMax)
        let limit = object.integer("limit", 1...Limits.quotaUnitsMax)
        if let feature, let meterEventName, let window, let limit {
            quota = Quota(
                feature: feature, meterEventName: meterEventName, window: window, limit: limit,
                upgradePlanID: upgradePlanID)
        } else {
            quota = nil
        }
    }

    /// Reports quotas with the same feature, meter and window.
    static func checkRepeats(_ quotas: [QuotaDraft], _ problems: CatalogProblems) {
        var first: [[String]: CatalogPath] = [:]
        for quota in quotas {
            guard let feature = quota.feature, let meter = quota.meterEventName, let window = quota.window else {
                continue
            }
            let key = [feature, meter, window.rawValue]
            if let other = first[key] {
                problems.report(
                    quota.path, "has the feature, meter and window of \(other.text); keep one of the two")
            } else {
                first[key] = quota.path
            }
        }
    }
}
