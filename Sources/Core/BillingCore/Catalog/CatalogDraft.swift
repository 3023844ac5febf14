import BusCore

/// A catalog as far as it could be read, each entry with its path, for the rules between entries.
struct CatalogDraft {
    let products: [ProductDraft]
    let prices: [PriceDraft]
    let meters: [MeterDraft]
    let plans: [PlanDraft]
    /// False when an array has unreadable entries; an unknown name may then belong to one of them.
    let hasAllProducts: Bool
    let hasAllMeters: Bool
    let hasAllPlans: Bool

    /// Reads a document and reports the problems inside its entries; nil when it is not an object.
    init?(
        _ body: JSONValue, _ unknownMembers: Catalog.UnknownMembers, _ purpose: Catalog.Purpose,
        _ problems: CatalogProblems
    ) {
        let known = ["products", "plans", "meters", "prices", "version"]
        guard let root = CatalogObject(body, at: .root, known: known, unknownMembers, problems) else { return nil }
        if let version = root.value("version"), version != .number("1"), !CatalogSecrets.isSecret(version) {
            root.report("version", "is not 1; write 1 or leave it out")
        }
        let products = root.objects("products", known: ProductDraft.known)
        let prices = root.objects("prices", known: PriceDraft.known)
        let meters = root.objects("meters", known: MeterDraft.known)
        let plans = root.objects("plans", known: PlanDraft.known)
        self.products = products.objects.map(ProductDraft.init)
        self.prices = prices.objects.map(PriceDraft.init)
        self.meters = meters.objects.map { MeterDraft($0, needsUnit: purpose != .sync) }
        self.plans = plans.objects.map(PlanDraft.init)
        hasAllProducts = root.has("products") && products.isWhole && self.products.allSatisfy(\.isNamed)
        // When an optional array is missing, a reference into it is the mistake. A missing required array is one itself.
        let mayLackMeters = purpose == .sync
        hasAllMeters = (mayLackMeters || root.has("meters")) && meters.isWhole && self.meters.allSatisfy(\.isNamed)
        hasAllPlans = root.has("plans") && plans.isWhole && self.plans.allSatisfy { $0.id != nil }

        root.require("products", "write an array of what is sold; it may be empty")
        switch purpose {
        case .store, .use:
            root.require("meters", "write an array of what is counted; it may be empty")
            root.require("plans", "write an array of plans; it may be empty")
        case .sync:
            if plans.isWhole, !self.plans.contains(where: \.hasPrices) {
                root.require("prices", "write an array of prices, or prices inside of plans")
            }
        }
    }
}

// MARK: - Reading a draft without problems

extension CatalogDraft {
    var readProducts: [Catalog.Product] { products.compactMap(\.product) }

    var readMeters: [Catalog.Meter] { meters.compactMap(\.meter) }

    var readPlans: [Catalog.Plan] {
        let products = productsByName
        return plans.compactMap { plan in
            plan.productName.flatMap { products[$0] }.flatMap { plan.plan(productID: $0.id) }
        }
    }

    /// The document's prices with the plan that lists them, then the prices that only a plan lists.
    var readPrices: [Catalog.Price] {
        var owners: [String: String] = [:]
        for plan in plans {
            for price in plan.prices {
                if let key = price.key { owners[key] = plan.id }
            }
        }
        let given = prices.compactMap { price in
            price.price(planID: price.planID ?? price.lookupKey.flatMap { owners[$0] })
        }
        let keys = Set(given.map(\.lookupKey))
        let products = productsByName
        return given
            + plans.flatMap { plan in
                plan.prices.compactMap { price in
                    plan.productName.flatMap { products[$0] }.flatMap { price.price(of: $0, planID: plan.id) }
                }
            }.filter { !keys.contains($0.lookupKey) }
    }

    private var productsByName: [String: Catalog.Product] {
        var products: [String: Catalog.Product] = [:]
        for product in readProducts {
            products[product.id] = product
            products[product.lookupKey] = product
        }
        return products
    }
}
