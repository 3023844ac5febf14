import BusContract
import BusCore

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

/// The newest words on what an update may leave out.
package struct ToldMembers: Hashable, Sendable {
    /// Who pays and owns.
    package var account: Told<String>?
    /// The plan; a reading says that there is none.
    package var plan: Told<String?>?
    /// The provider's id for the account.
    package var customer: Told<String?>?
    /// What was bought.
    package var features: Told<[String]>?
    /// What is paid for.
    package var prices: Told<[SubscriptionUpdate.Price]>?
    /// The time that is paid for.
    package var period: Told<Period>?

    /// A time that is paid for.
    package struct Period: Hashable, Sendable {
        /// The first moment, when it is known.
        package let start: Timestamp?
        /// The first moment after it.
        package let end: Timestamp

        /// A period as it was told.
        package init(start: Timestamp?, end: Timestamp) {
            self.start = start
            self.end = end
        }
    }

    /// Nothing yet.
    package init() {}

    /// Takes over what an update says and nothing newer has said.
    package mutating func remember(_ update: SubscriptionUpdate) {
        func told<Value>(_ value: Value, unless newest: Told<Value>?) -> Told<Value> {
            Told(value, at: update.occurredAt, eventID: update.eventID).newer(newest)
        }
        if let value = update.accountID { account = told(value, unless: account) }
        if update.planID != nil || update.isWhole { plan = told(update.planID, unless: plan) }
        if update.providerCustomerID != nil || update.isWhole {
            customer = told(update.providerCustomerID, unless: customer)
        }
        if !update.features.isEmpty { features = told(update.features, unless: features) }
        if !update.prices.isEmpty { prices = told(update.prices, unless: prices) }
        if let end = update.currentPeriodEnd {
            period = told(Period(start: update.currentPeriodStart, end: end), unless: period)
        }
    }
}

extension SubscriptionUpdate {
    /// A reading with Bus's keys leaves nothing out: what it does not say, there is not.
    var isWhole: Bool { kind == .observed && !features.isEmpty }
}
