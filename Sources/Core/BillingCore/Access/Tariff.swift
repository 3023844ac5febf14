import BusContract
import BusCore

/// What is sold at present: the active catalog, and the quotas that count.
package struct Tariff: Sendable {
    /// The active catalog; empty while none is stored.
    package let catalog: Catalog
    /// Those of a file, else the catalog's.
    package let quotas: PlanQuotas

    /// The tariff of a catalog; the quotas of a file take the place of the catalog's.
    package init(_ catalog: Catalog, quotaFile: PlanQuotas? = nil) {
        self.catalog = catalog
        quotas = quotaFile ?? catalog.quotas
    }

    /// Which plans a subscription stands for, and how that is known (docs/contract/billing.md, "Plans and features").
    package enum Plans: Hashable, Sendable {
        /// Its prices belong to these plans.
        case paid([Catalog.Plan])
        /// The catalog knows none of its prices; its metadata names this plan.
        case named(Catalog.Plan)
        /// The catalog knows neither a price nor the plan.
        case unknown
        /// Without a catalog the metadata decides.
        case metadata

        /// Ids of the plans that the catalog knows.
        package var ids: [String] {
            switch self {
            case .paid(let plans): plans.map(\.id)
            case .named(let plan): [plan.id]
            case .unknown, .metadata: []
            }
        }
    }

    /// The plans that a subscription stands for.
    package func plans(of subscription: SubscriptionStanding) -> Plans {
        if catalog.plans.isEmpty { return .metadata }
        var paid: [Catalog.Plan] = []
        for price in subscription.prices {
            guard let plan = price.lookupKey.flatMap(catalog.plan(ofPrice:)) ?? catalog.plan(ofPrice: price.id),
                !paid.contains(where: { $0.id == plan.id })
            else { continue }
            paid.append(plan)
        }
        if !paid.isEmpty { return .paid(paid) }
        return subscription.planID.flatMap(catalog.plan(id:)).map(Plans.named) ?? .unknown
    }

    /// What a subscription lets its account use at a moment while it is paid for.
    package func grants(of subscription: SubscriptionStanding, at moment: Timestamp) -> [Grant] {
        let (named, period) = (subscription.features, subscription.paidPeriod(at: moment))
        func grant(_ planID: String?, _ features: [String], _ quotas: [Quota], isUnknown: Bool = false) -> Grant {
            Grant(
                planID: planID, isUnknown: isUnknown, features: features, quotas: quotas, period: period,
                isPayment: subscription.key.isPayment)
        }
        /// A plan, and what an operator added by hand beside everything that is sold.
        func grant(_ plan: Catalog.Plan) -> Grant {
            let extras = named.filter { !catalog.sells($0) }
            return grant(
                plan.id, extras.isEmpty ? plan.features : FeatureList.union(plan.features + extras), quotas[plan.id])
        }
        switch plans(of: subscription) {
        case .metadata:
            return [grant(subscription.planID, named, subscription.planID.map { quotas[$0] } ?? [])]
        case .paid(let plans): return plans.map { grant($0) }
        case .named(let plan):
            // What the plan does not sell is limited as in the plan that allows least.
            let others = named.filter { catalog.sells($0) && !plan.features.contains($0) }
            let rest = others.isEmpty ? [] : [grant(plan.id, others, others.flatMap(quotas.smallest(of:)))]
            return [grant(plan)] + rest
        case .unknown:
            return [grant(subscription.planID, named, named.flatMap(quotas.smallest(of:)), isUnknown: true)]
        }
    }
}

/// What one plan of a subscription lets its account use.
package struct Grant: Hashable, Sendable {
    /// The plan, as the catalog or else the metadata names it.
    package let planID: String?
    /// The catalog knows neither the plan nor a price.
    package let isUnknown: Bool
    /// What may be used.
    package let features: [String]
    /// Within which limits.
    package let quotas: [Quota]
    /// The time that is paid for.
    package let period: PaidPeriod?
    /// It was paid once, and no portal can change it.
    package let isPayment: Bool
    /// When access ends although the last charge failed; nil for one that is paid.
    package var graceUntil: Timestamp?

    /// All limits, or those on a feature, in the windows of a moment.
    package func limits(on feature: String? = nil, at moment: Timestamp) -> [CurrentQuota] {
        quotas.filter { feature == nil || $0.feature == feature }
            .map { CurrentQuota($0, period: period, at: moment) }
    }
}
