import BusCore

/// `bus.billing.subscription.update`: a subscription's standing as one provider event tells it (bus.md 5.4, 6.5).
package struct SubscriptionUpdate: Hashable, Sendable {
    /// The provider's event id: what makes an update apply once.
    package var eventID: String
    /// Who pays and owns; a UUID.
    package var accountID: String
    /// The payment company's label, `stripe`.
    package var provider: String
    /// Provider-neutral standing.
    package var status: SubscriptionStatus
    /// The provider's id for the account.
    package var providerCustomerID: String?
    /// The provider's id for the subscription; a payment has none.
    package var providerSubscriptionID: String?
    /// The plan the account took.
    package var planID: String?
    /// What was bought; empty when the update does not say.
    package var features: [String]
    /// The provider's event time, which is whole seconds for Stripe; the time of publishing when it gave none.
    package var occurredAt: Timestamp
    /// What kind of event this came from; nil when the publisher does not say.
    package var kind: Kind?
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
        providerSubscriptionID: String?, planID: String?, features: [String], occurredAt: Timestamp, kind: Kind?,
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
                if !features.isEmpty { writer.member("features", features) }
                writer.member("occurred_at", occurredAt.rfc3339)
                writer.member("kind", optional: kind?.rawValue)
                writer.member("provider_status", optional: providerStatus)
                writer.member("previous_provider_status", optional: previousProviderStatus)
                writer.member("livemode", livemode)
            }
        }
    }
}

extension SubscriptionUpdate {
    /// Reads a payload; `publishedAt` stands in for a missing `occurred_at` (bus.md 6.5).
    package init(_ payload: JSONText, publishedAt: Timestamp) throws(RequestFault) {
        let fields = try RequestFields(payload)
        guard let eventID = try fields.identifier("event_id") else {
            throw .invalid("event_id is missing; send the provider's event id, so that the update applies once")
        }
        guard let provider = try fields.text("provider") else {
            throw .invalid("provider is missing; send the payment company's label, such as stripe")
        }
        guard FeatureList.isLabel(provider) else { throw .invalid("provider must match [a-z0-9][a-z0-9:._-]{0,99}") }
        guard let status = try fields.text("status") else {
            throw .invalid("status is missing; send missing, incomplete, active, past_due or canceled")
        }
        self.init(
            eventID: eventID, accountID: try fields.accountID(), provider: provider,
            status: SubscriptionStatus(rawValue: status) ?? .incomplete,
            providerCustomerID: try fields.identifier("provider_customer_id"),
            providerSubscriptionID: try fields.identifier("provider_subscription_id"),
            planID: try fields.identifier("plan_id"), features: try fields.features(),
            occurredAt: try fields.time("occurred_at") ?? publishedAt,
            kind: try fields.text("kind").flatMap(Kind.init(rawValue:)),
            providerStatus: try fields.identifier("provider_status"),
            previousProviderStatus: try fields.identifier("previous_provider_status"),
            livemode: fields.value("livemode")?.value.flag ?? false)
    }
}

/// A subscription's standing in Bus's words (bus.md 6.1).
package enum SubscriptionStatus: String, Sendable, CaseIterable {
    case missing, incomplete, active
    case pastDue = "past_due"
    case canceled
}
