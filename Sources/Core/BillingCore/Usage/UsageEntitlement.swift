import BusContract
import BusCore

extension AccountStanding {
    /// True when usage of a moment counts: something was bought then, also if it has ended since.
    ///
    /// Who says no moment reports what is used now, and an account that is active now may use it, whatever the clocks say.
    package func counts(_ usage: UsageExportRequest, usedAt: Timestamp) -> Bool {
        if usage.occurredAt == nil, status == .active { return true }
        return subscriptions.contains { $0.wasActive(at: usedAt) }
    }

    /// Whom usage of a feature is billed to: the customer of the subscription that has the feature, else any of the account.
    package func customerID(provider: String, feature: String, usedAt: Timestamp) -> String? {
        let known = subscriptions.filter { $0.key.provider == provider && $0.customerID != nil }
        let selling = known.filter { $0.features.contains(feature) }
        return (selling.first { $0.wasActive(at: usedAt) } ?? selling.first ?? known.first)?.customerID
    }
}

extension SubscriptionStanding {
    /// An active subscription that tells no times is taken for active all along.
    fileprivate func wasActive(at moment: Timestamp) -> Bool {
        if entitled.isEmpty { return status == .active }
        return entitled.contains { $0.from <= moment && $0.until.map { moment < $0 } ?? true }
    }
}
