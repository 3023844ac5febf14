import BusCore

/// `bus.billing.subscription.update`: a subscription's standing as one provider event tells it
/// (docs/contract/billing.md, "Subscription update").
package struct SubscriptionUpdate: Message {
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
    /// What is paid for, in the provider's order, at most 50; empty when the update does not say.
    package var prices: [Price] = []

    /// One price of a subscription.
    package struct Price: Message {
        /// The provider's id, `price_…`.
        package var id: String
        /// The catalog's name for it.
        package var lookupKey: String?
        /// The provider's id of its product.
        package var productID: String?
        /// How many; metered prices have none.
        package var quantity: Int64?

        /// Reads the fields.
        package init(from fields: MessageFields) throws(FieldFault) {
            guard let id = try fields.identifier("id") else { throw .invalid("prices[] must hold an id each") }
            self.id = id
            lookupKey = try fields.text("lookup_key")
            productID = try fields.identifier("product_id")
            // A paused item can have a quantity of 0.
            quantity = fields.value("quantity") == nil ? nil : try fields.amount("quantity")
        }

        /// Writes the members.
        package func write(to object: inout JSONWriter) {
            object.member("id", id)
            object.member("lookup_key", optional: lookupKey)
            object.member("product_id", optional: productID)
            object.member("quantity", optional: quantity)
        }
    }

    /// What an update was made from.
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

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        guard let eventID = try fields.identifier("event_id") else {
            throw .invalid("event_id is missing; send the provider's event id, so that the update applies once")
        }
        self.eventID = eventID
        accountID = try fields.accountID()
        guard let provider = try fields.label("provider") else {
            throw .invalid("provider is missing; send the payment company's label, such as stripe")
        }
        self.provider = provider
        status = SubscriptionStatus(
            word: try fields.requiredText(
                "status", orSay: "send missing, incomplete, active, past_due or canceled"))
        providerCustomerID = try fields.identifier("provider_customer_id")
        providerSubscriptionID = try fields.identifier("provider_subscription_id")
        planID = try fields.identifier("plan_id")
        features = try fields.features()
        guard let time = try fields.time("occurred_at") ?? fields.publishedAt else {
            throw .invalid("occurred_at is missing; send the provider's event time")
        }
        occurredAt = time
        kind = try fields.text("kind").flatMap(Kind.init(rawValue:))
        providerStatus = try fields.identifier("provider_status")
        previousProviderStatus = try fields.identifier("previous_provider_status")
        livemode = fields.value("livemode")?.value.flag ?? false
        for price in try fields.objects("prices", countMax: Limits.updatePricesMax) ?? [] {
            prices.append(try Price(from: price))
        }
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("event_id", eventID)
        object.member("account_id", accountID)
        object.member("provider", provider)
        object.member("status", status.rawValue)
        object.member("provider_customer_id", optional: providerCustomerID)
        object.member("provider_subscription_id", optional: providerSubscriptionID)
        object.member("plan_id", optional: planID)
        object.member("features", unlessEmpty: features)
        object.member("occurred_at", optional: occurredAt)
        object.member("kind", optional: kind?.rawValue)
        object.member("provider_status", optional: providerStatus)
        object.member("previous_provider_status", optional: previousProviderStatus)
        object.member("livemode", livemode)
        object.member("prices", unlessEmpty: prices)
    }
}

/// `bus.billing.subscription.result`: what an update changed.
package struct SubscriptionResult: Message {
    /// Whose subscription.
    package var accountID: String
    /// The account's status now.
    package var status: SubscriptionStatus
    /// False for a repetition, and for an update that changes nothing.
    package var isApplied: Bool
    /// The updates of the newest second contradict each other.
    package var isUndecided: Bool

    /// A result with every field.
    package init(accountID: String, status: SubscriptionStatus, isApplied: Bool, isUndecided: Bool) {
        self.accountID = accountID
        self.status = status
        self.isApplied = isApplied
        self.isUndecided = isUndecided
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        status = SubscriptionStatus(word: try fields.requiredText("status", orSay: "send the account's standing"))
        isApplied = try fields.requiredFlag("applied")
        isUndecided = try fields.flag("undecided") ?? false
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("status", status.rawValue)
        object.member("applied", isApplied)
        if isUndecided { object.member("undecided", true) }
    }
}

/// A standing in Bus's words (docs/contract/billing.md, "Account statuses").
package enum SubscriptionStatus: String, Sendable, CaseIterable {
    case missing, incomplete, active
    case pastDue = "past_due"
    case canceled

    /// The standing behind a word; words of the future grant nothing.
    package init(word: String) {
        self = SubscriptionStatus(rawValue: word) ?? .incomplete
    }
}
