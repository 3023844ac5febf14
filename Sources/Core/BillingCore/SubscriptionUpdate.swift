import BusCore

/// `bus.billing.subscription.update`: a subscription's standing as one provider event tells it (bus.md 5.4, 6.5).
package struct SubscriptionUpdate: Hashable, Sendable {
    /// The provider's event id: what makes an update apply once.
    package var eventID: String
    /// Who pays and owns; a UUID.
    package var accountID: String
    /// `stripe`.
    package var provider: String
    /// Provider-neutral standing.
    package var status: SubscriptionStatus
    /// The provider's id for the account.
    package var providerCustomerID: String?
    /// The provider's id for the subscription; a payment has none.
    package var providerSubscriptionID: String?
    /// The plan the account took.
    package var planID: String?
    /// What was bought; never empty.
    package var features: [String]
    /// The provider's event time, to the second.
    package var occurredAt: Timestamp
    /// What kind of event this came from.
    package var kind: Kind
    /// The provider's own status word.
    package var providerStatus: String?
    /// The provider's status word before the event.
    package var previousProviderStatus: String?
    /// False for test mode.
    package var livemode: Bool

    /// What an update was made from (D-40).
    package enum Kind: String, Sendable {
        case checkout, created, updated, deleted, observed
    }

    /// An update with every field.
    package init(
        eventID: String, accountID: String, provider: String, status: SubscriptionStatus, providerCustomerID: String?,
        providerSubscriptionID: String?, planID: String?, features: [String], occurredAt: Timestamp, kind: Kind,
        providerStatus: String?, previousProviderStatus: String?, livemode: Bool
    ) {
        self.eventID = eventID
        self.accountID = accountID
        self.provider = provider
        self.status = status
        self.providerCustomerID = providerCustomerID
        self.providerSubscriptionID = providerSubscriptionID
        self.planID = planID
        self.features = features
        self.occurredAt = occurredAt
        self.kind = kind
        self.providerStatus = providerStatus
        self.previousProviderStatus = previousProviderStatus
        self.livemode = livemode
    }

    /// The event's payload; equal updates give equal bytes.
    package func payload() -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("event_id", eventID)
                writer.member("account_id", accountID)
                writer.member("provider", provider)
                writer.member("status", status.rawValue)
                writer.member("provider_customer_id", optional: providerCustomerID)
                writer.member("provider_subscription_id", optional: providerSubscriptionID)
                writer.member("plan_id", optional: planID)
                writer.member("features", features)
                writer.member("occurred_at", occurredAt.rfc3339)
                writer.member("kind", kind.rawValue)
                writer.member("provider_status", optional: providerStatus)
                writer.member("previous_provider_status", optional: previousProviderStatus)
                writer.member("livemode", livemode)
            }
        }
    }
}

/// A subscription's standing in Bus's words (bus.md 6.1).
package enum SubscriptionStatus: String, Sendable, CaseIterable {
    case missing, incomplete, active
    case pastDue = "past_due"
    case canceled
}
