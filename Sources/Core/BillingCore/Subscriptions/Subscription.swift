import BusContract
import BusCore

/// Identifies a subscription; test and live never share one.
package struct SubscriptionKey: Hashable, Sendable {
    /// The payment company's label.
    package let provider: String
    /// False for test mode.
    package let livemode: Bool
    /// The provider's subscription id, or what stands in for it.
    package let name: String

    /// A key as it was stored.
    package init(provider: String, livemode: Bool, name: String) {
        self.provider = provider
        self.livemode = livemode
        self.name = name
    }

    /// Where an update belongs.
    ///
    /// A checkout without a subscription is a payment of its own. Other updates without one belong to the account's one
    /// unnamed subscription.
    package init(_ update: SubscriptionUpdate) {
        provider = update.provider
        livemode = update.livemode
        if let id = update.providerSubscriptionID {
            name = "subscription:\(id)"
        } else if update.kind == .checkout {
            name = "payment:\(update.eventID)"
        } else {
            name = "account:\(update.accountID ?? "")"
        }
    }
}

/// A subscription: a function of the set of updates seen for it.
package struct Subscription: Hashable, Sendable {
    /// What was seen, as far as the order needs it.
    package private(set) var order: SubscriptionOrder
    /// The newest words on what an update may leave out.
    package private(set) var plan: Told<String>?
    package private(set) var customer: Told<String>?
    package private(set) var features: Told<[String]>?

    /// A value with the update that told it; of two at the same instant the greater event id counts as the newer.
    package struct Told<Value: Hashable & Sendable>: Hashable, Sendable {
        /// What was told.
        package let value: Value
        /// When, by the provider's clock.
        package let at: Timestamp
        /// By which event.
        package let eventID: String

        /// A value as it was stored.
        package init(_ value: Value, at: Timestamp, eventID: String) {
            self.value = value
            self.at = at
            self.eventID = eventID
        }

        fileprivate func newer(_ other: Told?) -> Told {
            guard let other else { return self }
            return (other.at, other.eventID) < (at, eventID) ? self : other
        }
    }

    /// The subscription after its first update.
    package init(_ update: SubscriptionUpdate) {
        order = SubscriptionOrder(update)
        remember(update)
    }

    /// A subscription as it was stored.
    package init(
        order: SubscriptionOrder, plan: Told<String>?, customer: Told<String>?, features: Told<[String]>?
    ) {
        self.order = order
        self.plan = plan
        self.customer = customer
        self.features = features
    }

    /// Takes one more update into the set.
    package mutating func apply(_ update: SubscriptionUpdate) {
        order.add(update)
        remember(update)
    }

    private mutating func remember(_ update: SubscriptionUpdate) {
        let (at, id) = (update.occurredAt, update.eventID)
        if let value = update.planID { plan = Told(value, at: at, eventID: id).newer(plan) }
        if let value = update.providerCustomerID { customer = Told(value, at: at, eventID: id).newer(customer) }
        if !update.features.isEmpty { features = Told(update.features, at: at, eventID: id).newer(features) }
    }

    /// What the set of updates says now; nil only for a stored state without any.
    package var standing: SubscriptionStanding? {
        guard let (update, isUndecided) = order.verdict else { return nil }
        var standing = SubscriptionStanding(
            key: SubscriptionKey(update), accountID: update.accountID,
            status: update.kind == .deleted ? .canceled : update.status, occurredAt: update.occurredAt)
        standing.isUndecided = isUndecided
        standing.features = update.features.isEmpty ? features?.value ?? [] : update.features
        standing.planID = update.planID ?? plan?.value
        standing.customerID = update.providerCustomerID ?? customer?.value
        standing.kind = update.kind
        standing.providerStatus = update.providerStatus
        return standing
    }
}
