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
        /// There is no catalog, so the metadata decides.
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

    /// What a subscription lets its account use while it is paid for.
    package func grants(of subscription: SubscriptionStanding) -> [Grant] {
        let named = subscription.features
        // What an operator added by hand, beside everything that is sold.
        let extras = named.filter { !catalog.sells($0) }
        switch plans(of: subscription) {
        case .metadata:
            return [grant(subscription, subscription.planID, named, quotasOf: subscription.planID)]
        case .paid(let plans):
            return plans.map { plan in
                grant(subscription, plan.id, plan.features.adding(extras), quotasOf: plan.id)
            }
        case .named(let plan):
            let own = grant(subscription, plan.id, plan.features.adding(extras), quotasOf: plan.id)
            let others = named.filter { catalog.sells($0) && !plan.features.contains($0) }
            return others.isEmpty ? [own] : [own, smallest(subscription, plan.id, others)]
        case .unknown:
            return [smallest(subscription, subscription.planID, named)]
        }
    }

    private func grant(
        _ subscription: SubscriptionStanding, _ planID: String?, _ features: [String], quotasOf limitingID: String?
    ) -> Grant {
        Grant(
            subscription: subscription, planID: planID, features: features,
            quotas: limitingID.map { quotas[$0] } ?? [])
    }

    /// Features that no known plan of the subscription sells are limited as in the plan that allows least.
    private func smallest(_ subscription: SubscriptionStanding, _ planID: String?, _ features: [String]) -> Grant {
        Grant(
            subscription: subscription, planID: planID, features: features,
            quotas: features.flatMap(quotas.smallest(of:)))
    }
}

/// What one plan of a subscription lets its account use.
package struct Grant: Hashable, Sendable {
    /// What is paid.
    package let subscription: SubscriptionStanding
    /// The plan, as the catalog or else the metadata names it.
    package let planID: String?
    /// What may be used.
    package let features: [String]
    /// Within which limits.
    package let quotas: [Quota]

    /// The limits on a feature, in the windows of a moment.
    package func limits(on feature: String, at moment: Timestamp) -> [CurrentQuota] {
        current(quotas.filter { $0.feature == feature }, at: moment)
    }

    /// All limits, in the windows of a moment.
    package func limits(at moment: Timestamp) -> [CurrentQuota] {
        current(quotas, at: moment)
    }

    private func current(_ quotas: [Quota], at moment: Timestamp) -> [CurrentQuota] {
        if quotas.isEmpty { return [] }
        let period = subscription.paidPeriod(at: moment)
        return quotas.map { CurrentQuota($0, period: period, at: moment) }
    }
}

extension [String] {
    fileprivate func adding(_ others: [String]) -> [String] {
        others.isEmpty ? self : FeatureList.union(self + others)
    }
}
