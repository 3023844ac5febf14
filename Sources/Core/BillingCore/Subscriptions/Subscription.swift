import BusContract
import BusCore

/// A subscription: a function of the set of updates seen for it, whether they name its account or not.
package struct Subscription: Hashable, Sendable {
    /// Which one.
    package let key: SubscriptionKey
    /// What was seen, as far as the order needs it.
    package private(set) var order = SubscriptionOrder()
    /// The newest words on what an update may leave out.
    package private(set) var told = ToldMembers()

    /// The subscription after its first update.
    package init(_ update: SubscriptionUpdate) {
        key = SubscriptionKey(update)
        apply(update)
    }

    /// A subscription as it was stored.
    package init(_ key: SubscriptionKey, order: SubscriptionOrder, told: ToldMembers) {
        self.key = key
        self.order = order
        self.told = told
    }

    /// Takes one more update into the set.
    package mutating func apply(_ update: SubscriptionUpdate) {
        var update = update
        // The key says what these say.
        update.mode = nil
        update.sessionID = nil
        update.trialEnd = nil
        order.add(update)
        told.remember(update)
    }

    /// What the set of updates says now; nil only for a stored state without any.
    package var standing: SubscriptionStanding? {
        guard let walk = SubscriptionWalk(order) else { return nil }
        let update = walk.end
        var standing = SubscriptionStanding(
            key: key, accountID: update.accountID ?? told.account?.value, status: status(of: update),
            occurredAt: update.occurredAt)
        standing.isUndecided = walk.isUndecided
        standing.features = update.features.isEmpty ? told.features?.value ?? [] : update.features
        standing.planID = update.planID
        standing.prices = update.prices
        standing.customerID = update.providerCustomerID
        if !update.isWhole {
            standing.planID = standing.planID ?? told.plan?.value
            standing.customerID = standing.customerID ?? told.customer?.value
            if standing.prices.isEmpty { standing.prices = told.prices?.value ?? [] }
        }
        standing.kind = update.kind
        standing.providerStatus = update.providerStatus
        standing.currentPeriodStart = told.period?.value.start
        standing.currentPeriodEnd = told.period?.value.end
        if let end = update.currentPeriodEnd {
            standing.currentPeriodStart = update.currentPeriodStart
            standing.currentPeriodEnd = end
        }
        standing.cancelAt = update.cancelAt
        standing.collectionPaused = update.collectionPaused
        standing.pastDueSince = walk.failingSince
        standing.entitled = key.isUnnamedSession ? [] : walk.entitled
        return standing
    }

    private func status(of update: SubscriptionUpdate) -> SubscriptionStatus {
        if update.kind == .deleted { return .canceled }
        return key.isUnnamedSession && update.status == .active ? .incomplete : update.status
    }
}
