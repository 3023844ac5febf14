import BusCore

/// `bus.stripe.subscription.observe.request` (docs/contract/stripe-requests.md, "Observed subscription").
package struct ObserveRequest: Message {
    /// Whose subscription; a UUID.
    package var accountID = ""
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The payment company's id for the subscription.
    package var providerSubscriptionID = ""

    package init() {}

    /// A request about one subscription.
    package init(accountID: String, providerSubscriptionID: String) {
        self.accountID = accountID
        self.providerSubscriptionID = providerSubscriptionID
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("provider", .text, &provider)
        try fields.field(
            "provider_subscription_id", .identifier, &providerSubscriptionID,
            orSay: "send the payment company's id for the subscription")
    }
}

/// `bus.stripe.subscription.observe.response`: what was read and published.
package struct ObserveAnswer: Message {
    /// Whose subscription.
    package var accountID = ""
    /// The payment company's label.
    package var provider = ""
    /// The payment company's id for the subscription.
    package var providerSubscriptionID = ""
    /// The standing that was read.
    package var status = SubscriptionStatus.incomplete

    package init() {}

    /// What was read.
    package init(to request: ObserveRequest, provider: String, status: SubscriptionStatus) {
        accountID = request.accountID
        self.provider = provider
        providerSubscriptionID = request.providerSubscriptionID
        self.status = status
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("provider", .text, &provider, orSay: "send the payment company's label")
        try fields.field(
            "provider_subscription_id", .identifier, &providerSubscriptionID, orSay: "send the subscription")
        try fields.field("status", .word(orElse: .incomplete), &status, orSay: "send the standing")
    }
}
