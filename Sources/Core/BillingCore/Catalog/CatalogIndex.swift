/// What is looked up in a catalog at every check, found once when the catalog is read.
struct CatalogIndex: Hashable, Sendable {
    /// Positions of plans by the names of their prices.
    let planOfPrice: [String: Int]
    /// Positions of plans by their ids.
    let planOfID: [String: Int]
    /// Every feature that some plan sells.
    let soldFeatures: Set<String>
    /// The quotas of all plans.
    let quotas: PlanQuotas

    init(plans: [Catalog.Plan], prices: [Catalog.Price]) {
        let planOfID = Dictionary(plans.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
        var planOfPrice: [String: Int] = [:]
        for price in prices { planOfPrice[price.lookupKey] = price.planID.flatMap { planOfID[$0] } }
        for (position, plan) in plans.enumerated() {
            for price in plan.prices { planOfPrice[price.lookupKey] = position }
        }
        self.planOfID = planOfID
        self.planOfPrice = planOfPrice
        soldFeatures = Set(plans.flatMap(\.features))
        quotas = PlanQuotas(
            Dictionary(plans.map { ($0.id, $0.quotas) }, uniquingKeysWith: { first, _ in first }))
    }
}
