import BusContract
import BusCore

/// What an account may use at one moment, by what it has paid and by what is sold at present.
package struct AccountAccess: Sendable {
    /// What it has bought.
    package let standing: AccountStanding
    /// What is sold.
    package let tariff: Tariff
    /// How long features stay after the first failed charge.
    package let grace: Duration
    /// The moment.
    package let moment: Timestamp
    /// What it may use, the subscription that says most about the account first.
    package let grants: [Grant]

    /// The access of an account; its features stay for the grace after the first failed charge.
    package init(_ standing: AccountStanding, tariff: Tariff, grace: Duration, at moment: Timestamp) {
        self.standing = standing
        self.tariff = tariff
        self.grace = grace
        self.moment = moment
        var grants: [Grant] = []
        for subscription in standing.subscriptions {
            let graceUntil = subscription.graceUntil(grace)
            guard subscription.isEntitled(until: graceUntil, at: moment) else { continue }
            for var grant in tariff.grants(of: subscription, at: moment) {
                grant.graceUntil = graceUntil
                grants.append(grant)
            }
        }
        self.grants = grants
    }

    /// Everything that may be used, without doubles.
    package var features: [String] { FeatureList.union(grants.flatMap(\.features)) }

    /// The grants of one feature.
    package func sellers(of feature: String) -> [Grant] { grants.filter { $0.features.contains(feature) } }

    /// The quotas that count for the account; of several plans the most generous for each meter and window.
    package var limits: [CurrentQuota] {
        var limits: [CurrentQuota] = []
        var places: [Quota.Subject: Int] = [:]
        for limit in grants.flatMap({ $0.limits(at: moment) }) {
            if let place = places[limit.quota.subject] {
                if limits[place].quota.limit < limit.quota.limit { limits[place] = limit }
            } else {
                places[limit.quota.subject] = limits.count
                limits.append(limit)
            }
        }
        return limits
    }

    // MARK: Changing it

    /// The subscription that already sells one of these features, paid or late.
    package func owner(of features: [String]) -> (subscription: SubscriptionStanding, feature: String)? {
        for subscription in standing.subscriptions where subscription.status.isBought {
            for grant in tariff.grants(of: subscription, at: moment) {
                if let feature = features.first(where: grant.features.contains) { return (subscription, feature) }
            }
        }
        return nil
    }

    /// What helps an account whose quota is used up; nil when only time does.
    ///
    /// A running subscription changes its plan in the portal. A single payment cannot, so the larger plan is bought
    /// beside it.
    package func commandForMore(than quota: Quota, of grant: Grant) -> String? {
        guard grant.isPayment else { return BillingCommand.portal }
        return quota.upgradePlanID.flatMap(tariff.catalog.plan(id:)).flatMap { plan in
            tariff.catalog.prices(of: plan).isEmpty
                ? nil : "\(BillingCommand.setup) --plan \(plan.id) --additional"
        }
    }
}

extension SubscriptionStanding {
    /// Active, or late and still in its grace.
    func isEntitled(until graceUntil: Timestamp?, at moment: Timestamp) -> Bool {
        status == .active || graceUntil.map { moment < $0 } == true
    }

    /// The first moment without access after the first failed charge; nil unless charges fail and there is a grace.
    ///
    /// A provider that gives up collecting says `unpaid`, which has no grace.
    package func graceUntil(_ grace: Duration) -> Timestamp? {
        guard status == .pastDue, grace > .zero, providerStatus.map({ $0 == "past_due" }) ?? true else { return nil }
        return pastDueSince?.advanced(bySeconds: grace.components.seconds)
    }
}

extension SubscriptionKey {
    /// One payment, which no portal can change.
    package var isPayment: Bool { name.hasPrefix("payment:") }
}

extension SubscriptionStatus {
    /// Something is bought, though its last bill may be unpaid.
    package var isBought: Bool { self == .active || self == .pastDue }
}

/// What a person can type next.
package enum BillingCommand {
    /// Buys.
    package static let setup = "bus billing setup"
    /// Manages what was bought.
    package static let portal = "bus billing portal"
}
