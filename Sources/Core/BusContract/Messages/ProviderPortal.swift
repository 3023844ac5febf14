import BusCore

/// `bus.stripe.portal_session.create.request` (docs/contract/stripe-requests.md, "Portal session").
package struct ProviderPortalRequest: Message {
    /// Whose portal; a UUID.
    package var accountID: String
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

    /// A request for one account.
    package init(
        accountID: String, provider: String?, customerID: String?, returnURL: String?, idempotencyKey: String?
    ) {
        self.accountID = accountID
        self.provider = provider
        self.customerID = customerID
        self.returnURL = returnURL
        self.idempotencyKey = idempotencyKey
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        provider = try fields.text("provider")
        customerID = try fields.identifier("provider_customer_id", "customer_id")
        returnURL = try fields.text("return_url")
        configurationID = try fields.identifier("configuration_id")
        idempotencyKey = try fields.idempotencyKey()
        ignoredFields = fields.ignoredFields
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("provider", optional: provider)
        object.member("provider_customer_id", optional: customerID)
        object.member("return_url", optional: returnURL)
        object.member("configuration_id", optional: configurationID)
        object.member("idempotency_key", optional: idempotencyKey)
    }
}

/// `bus.stripe.portal_session.create.response`: a page to manage billing on.
package struct ProviderPortalAnswer: Message {
    /// The page.
    package var page: ProviderPage

    /// A page as an answer.
    package init(page: ProviderPage) {
        self.page = page
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        page = try ProviderPage(from: fields)
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        page.write(to: &object)
        object.member("ignored_fields", unlessEmpty: page.ignoredFields)
    }
}
