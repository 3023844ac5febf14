import BusCore

/// `bus.stripe.portal_session.create.request` (docs/contract/stripe-requests.md, "Portal session").
package struct ProviderPortalRequest: Message {
    /// Whose portal; a UUID.
    package var accountID = ""
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// The payment company's id for the account; nil asks it for the customer with this account's metadata.
    package var customerID: String?
    /// Where the person comes back to.
    package var returnURL: String?
    /// The portal configuration; nil takes the default.
    package var configurationID: String?
    /// What makes repeating the request harmless.
    package var idempotencyKey: String?
    /// Members that look like secrets.
    package private(set) var ignoredFields: [String] = []

    package init() {}

    /// A request for one account.
    package init(accountID: String) {
        self.accountID = accountID
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("provider", .text, &provider)
        try fields.field(
            "provider_customer_id", spelled: ["provider_customer_id", "customer_id"], .identifier, &customerID)
        try fields.field("return_url", .text, &returnURL)
        try fields.field("configuration_id", .identifier, &configurationID)
        try fields.field(
            "idempotency_key", spelled: ["idempotency_key", "event_id"], .idempotencyKey, &idempotencyKey)
        try fields.ignored(&ignoredFields)
    }
}

/// `bus.stripe.portal_session.create.response`: a page to manage billing on.
package struct ProviderPortalAnswer: Message {
    /// The page.
    package var page = ProviderPage()

    package init() {}

    /// A page as an answer.
    package init(page: ProviderPage) {
        self.page = page
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try page.visit(&fields)
        try fields.field("ignored_fields", .texts, &page.ignoredFields, unless: [])
    }
}
