import BusContract
import BusCore

/// Finds what a checkout sells in a catalog, or says what it sells instead.
struct PlanChoice {
    private let catalog: Catalog

    init(_ catalog: Catalog) {
        self.catalog = catalog
    }

    // MARK: The plan

    /// A plan that sells every wanted feature and has a price.
    func plan(named id: String?, selling wanted: [String]) throws(FieldFault) -> Catalog.Plan {
        guard let id else { return try plan(selling: wanted) }
        guard let plan = catalog.plan(id: id) else {
            throw .invalid("plan_id names no plan of the catalog; it has \(listed(catalog.plans.map(\.id)))")
        }
        if let missing = wanted.first(where: { !plan.features.contains($0) }) {
            let sellers = catalog.plans(selling: missing).map(\.id)
            throw .invalid(
                "feature \(missing) is not sold by the plan \(id); "
                    + (sellers.isEmpty ? sold() : "it is sold by \(listed(sellers))"))
        }
        guard !catalog.prices(of: plan).isEmpty else {
            throw .invalid("plan_id names a plan without a price; add a price to \(id) in the catalog")
        }
        return plan
    }

    /// The default plan that sells all of it, else the first.
    private func plan(selling wanted: [String]) throws(FieldFault) -> Catalog.Plan {
        if let unsold = wanted.first(where: { !catalog.sells($0) }) {
            throw .invalid("feature \(unsold) is not sold by any plan; \(sold())")
        }
        let sellers = catalog.plans.filter { plan in wanted.allSatisfy(plan.features.contains) }
        guard let first = sellers.first else {
            throw .invalid("feature names what no plan sells together; buy one after the other: \(listed(wanted))")
        }
        let priced = sellers.filter { !catalog.prices(of: $0).isEmpty }
        guard let plan = priced.first(where: \.isDefault) ?? priced.first else {
            throw .invalid("feature is sold by \(first.id) without a price; add a price to it in the catalog")
        }
        return plan
    }

    private func sold() -> String {
        let features = FeatureList.union(
            catalog.plans.filter { !catalog.prices(of: $0).isEmpty }.flatMap(\.features))
        return features.isEmpty ? "no plan has a price" : "for sale are \(listed(features))"
    }

    // MARK: Its prices

    /// Every price of the plan that one session can hold: one currency and one rhythm
    /// (docs/contract/stripe-facts.md, "Checkout Sessions").
    func prices(
        of plan: Catalog.Plan, paidEvery interval: CheckoutSessionRequest.Interval?
    ) throws(FieldFault) -> [Catalog.Price] {
        let keys = FeatureList.union(plan.prices.map(\.lookupKey) + catalog.prices(of: plan).map(\.lookupKey))
        let byKey = Dictionary(
            catalog.prices(of: plan).map { ($0.lookupKey, $0) }, uniquingKeysWith: { first, _ in first })
        let prices = keys.compactMap { byKey[$0] }
        let recurring = prices.filter { $0.interval != nil }
        let first: Catalog.Price?
        if let interval {
            let fitting = recurring.filter { $0.interval?.rawValue == interval.rawValue }
            first = fitting.first { ($0.intervalCount ?? 1) == 1 } ?? fitting.first
            guard first != nil else {
                let offered = FeatureList.union(recurring.compactMap { $0.interval?.rawValue })
                throw .invalid(
                    "interval \(interval.rawValue) has no price in the plan \(plan.id); "
                        + (offered.isEmpty ? "it is paid once, leave interval out" : "it has \(listed(offered))"))
            }
        } else {
            first = recurring.first ?? prices.first
        }
        guard let first else { return [] }
        return prices.filter { price in
            price.currency == first.currency
                && (price.interval == nil
                    || (price.interval == first.interval && (price.intervalCount ?? 1) == (first.intervalCount ?? 1)))
        }
    }

    /// The first of many names, so that a message stays readable.
    private func listed(_ names: [String]) -> String {
        let most = 20
        let rest = names.count > most ? " and \(names.count - most) more" : ""
        return names.prefix(most).joined(separator: ", ") + rest
    }
}
