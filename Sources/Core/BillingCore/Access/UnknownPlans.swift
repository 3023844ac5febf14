import BusContract
import BusCore

/// The subscriptions that are paid and whose plan nobody knows, as far as they were looked at.
package struct UnknownPlans: Hashable, Sendable {
    /// What a subscription names, none of which the catalog has.
    private struct Names: Hashable {
        let planID: String?
        let prices: [String]
    }

    private var unknown: [SubscriptionKey: Names] = [:]
    /// What was known before everything is looked at anew.
    private var before: [SubscriptionKey: Names]?
    private var mode: BillingMode?
    private var catalogVersion: Int64?
    private var lookedAt: Timestamp?
    private var lookedAgainAt: Timestamp?

    /// Nothing was looked at.
    package init() {}

    /// How many there are.
    package var count: Int { unknown.count }

    /// Begins a look: the moment since which changes are to be noted, or nil when everything is.
    ///
    /// Workers' clocks differ, and a change is stored some time after its own. So each look goes back a little behind the
    /// last one, and once a minute one goes back a minute more: a change is read about three times, however many there are.
    package mutating func begin(mode: BillingMode, catalogVersion: Int64?, at now: Timestamp) -> Timestamp? {
        defer { (self.mode, self.catalogVersion, lookedAt) = (mode, catalogVersion, now) }
        guard let lookedAt, let lookedAgainAt, mode == self.mode, catalogVersion == self.catalogVersion else {
            before = unknown
            unknown = [:]
            lookedAgainAt = now
            return nil
        }
        if now < lookedAgainAt.advanced(bySeconds: Limits.planWatchAgainSeconds) {
            return lookedAt.advanced(bySeconds: -1)
        }
        self.lookedAgainAt = now
        return lookedAgainAt.advanced(bySeconds: -Limits.planWatchAgainSeconds)
    }

    /// Notes a subscription; true when it is news that its plan is unknown.
    package mutating func note(_ subscription: SubscriptionStanding, _ tariff: Tariff) -> Bool {
        let key = subscription.key
        guard subscription.accountID != nil, subscription.status == .active,
            tariff.plans(of: subscription) == .unknown
        else {
            unknown[key] = nil
            return false
        }
        let names = Names(planID: subscription.planID, prices: subscription.prices.map { $0.lookupKey ?? $0.id })
        let isNews = (before ?? unknown)[key] != names
        unknown[key] = names
        return isNews
    }

    /// Ends a look.
    package mutating func end() { before = nil }
}
