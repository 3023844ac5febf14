import BusCore

/// `bus.billing.subscription.update`: a subscription's standing as one provider event tells it
/// (docs/contract/billing.md, "Subscription update").
package struct SubscriptionUpdate: Message {
    /// The provider's event id: what makes an update apply once.
    package var eventID = ""
    /// Who pays and owns, a UUID; nil only inside of an `UnlinkedUpdate`.
    package var accountID: String?
    /// The payment company's label, `stripe`.
    package var provider = ""
    /// Provider-neutral standing.
    package var status = SubscriptionStatus.incomplete
    /// The provider's id for the account.
    package var providerCustomerID: String?
    /// The provider's id for the subscription; a payment has none.
    package var providerSubscriptionID: String?
    /// The plan the account took.
    package var planID: String?
    /// What was bought; empty when the update does not say.
    package var features: [String] = []
    /// The provider's event time, which is whole seconds for Stripe; the time of publishing when it gave none.
    package var occurredAt = Timestamp.earliest
    /// What kind of event this came from; nil when the publisher does not say.
    package var kind: Kind?
    /// The provider's own status word.
    package var providerStatus: String?
    /// The provider's status word before the event.
    package var previousProviderStatus: String?
    /// False for test mode.
    package var livemode = false
    /// What is paid for, in the provider's order, at most 50; empty when the update does not say.
    package var prices: [Price] = []
    /// What was paid for before the event; empty when the event did not change it.
    package var previousPrices: [Price] = []
    /// The time that is paid for.
    package var currentPeriodStart: Timestamp?
    package var currentPeriodEnd: Timestamp?
    /// When the subscription ends, once that is decided.
    package var cancelAt: Timestamp?
    /// When it ended.
    package var endedAt: Timestamp?
    /// When its trial ends or ended.
    package var trialEnd: Timestamp?
    /// How the provider treats invoices while collection is paused.
    package var collectionPaused: String?
    /// What a checkout sold.
    package var mode: Mode?
    /// The provider's id of the checkout.
    package var sessionID: String?

    /// One price of a subscription.
    package struct Price: Message {
        /// The provider's id, `price_…`.
        package var id = ""
        /// The catalog's name for it.
        package var lookupKey: String?
        /// The provider's id of its product.
        package var productID: String?
        /// How many; metered prices have none.
        package var quantity: Int64?

        package init() {}

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.field("id", .identifier, &id, orSay: "send the provider's id of each price")
            try fields.field("lookup_key", .text, &lookupKey)
            try fields.field("product_id", .identifier, &productID)
            // A paused item can have a quantity of 0.
            try fields.field("quantity", .amount, &quantity)
        }
    }

    /// What an update was made from.
    package enum Kind: String, Sendable {
        case checkout, created, updated, deleted, observed
    }

    /// What a checkout sells.
    package enum Mode: String, Sendable {
        case subscription, payment
    }

    package init() {}

    /// An update with what each one has.
    package init(
        eventID: String, accountID: String?, provider: String, status: SubscriptionStatus, occurredAt: Timestamp
    ) {
        self.eventID = eventID
        self.accountID = accountID
        self.provider = provider
        self.status = status
        self.occurredAt = occurredAt
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try visit(&fields, isLinked: true)
    }

    /// Visits each field; only the facts of a linked subscription must name their account.
    fileprivate mutating func visit<Fields: FieldVisitor>(
        _ fields: inout Fields, isLinked: Bool
    ) throws(Fields.Fault) {
        try fields.field(
            "event_id", .identifier, &eventID, orSay: "send the provider's event id, so that the update applies once")
        try fields.account(&accountID, isRequired: isLinked)
        try fields.field("provider", .label, &provider, orSay: "send the payment company's label, such as stripe")
        try fields.field(
            "status", .word(orElse: .incomplete), &status,
            orSay: "send missing, incomplete, active, past_due or canceled")
        try fields.field("provider_customer_id", .identifier, &providerCustomerID)
        try fields.field("provider_subscription_id", .identifier, &providerSubscriptionID)
        try fields.field("plan_id", .identifier, &planID)
        try fields.featureList(&features)
        try fields.published("occurred_at", &occurredAt, orSay: "send the provider's event time")
        try fields.field("kind", .word(), &kind)
        try fields.field("provider_status", .identifier, &providerStatus)
        try fields.field("previous_provider_status", .identifier, &previousProviderStatus)
        try fields.field("livemode", .lenientFlag, &livemode, else: false)
        try fields.field("prices", .objects(countMax: Limits.updatePricesMax), &prices, unless: [])
        try fields.field("previous_prices", .objects(countMax: Limits.updatePricesMax), &previousPrices, unless: [])
        try fields.field("current_period_start", .time, &currentPeriodStart)
        try fields.field("current_period_end", .time, &currentPeriodEnd)
        try fields.field("cancel_at", .time, &cancelAt)
        try fields.field("ended_at", .time, &endedAt)
        try fields.field("trial_end", .time, &trialEnd)
        try fields.field("collection_paused", .identifier, &collectionPaused)
        try fields.field("mode", .word(), &mode)
        try fields.field("session_id", .identifier, &sessionID)
    }
}

/// `bus.billing.subscription.unlinked`: what an event says about a subscription without naming its account
/// (docs/contract/billing.md, "Unlinked updates").
package struct UnlinkedUpdate: Message {
    /// The facts, as an update has them.
    package var update = SubscriptionUpdate()

    package init() {}

    /// Facts without an account or without features.
    package init(_ update: SubscriptionUpdate) {
        self.update = update
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try update.visit(&fields, isLinked: false)
        try fields.reading { reader throws(FieldFault) in
            _ = try reader.required(
                "provider_subscription_id", .identifier, orSay: "send the subscription that the facts are about")
        }
    }
}

/// `bus.billing.subscription.result`: what an update changed.
package struct SubscriptionResult: Message {
    /// Whose subscription; nil while nothing has named its account.
    package var accountID: String?
    /// The account's status now.
    package var status = SubscriptionStatus.incomplete
    /// False for a repetition, and for an update that changes nothing.
    package var isApplied = false
    /// The updates of the newest second contradict each other.
    package var isUndecided = false

    package init() {}

    /// A result with every field.
    package init(accountID: String?, status: SubscriptionStatus, isApplied: Bool, isUndecided: Bool) {
        self.accountID = accountID
        self.status = status
        self.isApplied = isApplied
        self.isUndecided = isUndecided
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID, isRequired: false)
        try fields.field("status", .word(orElse: .incomplete), &status, orSay: "send the account's standing")
        try fields.field("applied", .flag, &isApplied)
        try fields.field("undecided", .flag, &isUndecided, unless: false)
    }
}

/// A standing in Bus's words (docs/contract/billing.md, "Account statuses").
///
/// Words of a later release read as `incomplete`, which grants nothing.
package enum SubscriptionStatus: String, Sendable, CaseIterable {
    case missing, incomplete, active
    case pastDue = "past_due"
    case canceled
}
