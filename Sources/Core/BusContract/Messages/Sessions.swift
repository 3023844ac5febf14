import BusCore

/// `bus.billing.checkout_session.request` (docs/contract/billing.md, "Sessions").
package struct CheckoutSessionRequest: Message {
    /// Who buys; a UUID.
    package var accountID: String
    /// What is wanted; empty when only a plan is named, or nothing at all.
    package var features: [String]
    /// The plan, when named.
    package var planID: String?
    /// Where the payer goes afterwards.
    package var returnURL: String?
    /// Where the payer goes after paying.
    package var successURL: String?
    /// Where the payer goes without paying.
    package var cancelURL: String?

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        features = try fields.features()
        planID = try fields.identifier("plan_id")
        returnURL = try fields.webAddress("return_url")
        successURL = try fields.webAddress("success_url")
        cancelURL = try fields.webAddress("cancel_url")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("feature", optional: features.first)
        object.member("features", unlessEmpty: features)
        object.member("plan_id", optional: planID)
        object.member("return_url", optional: returnURL)
        object.member("success_url", optional: successURL)
        object.member("cancel_url", optional: cancelURL)
    }
}

/// `bus.billing.portal_session.request` (docs/contract/billing.md, "Sessions").
package struct PortalSessionRequest: Message {
    /// Whose portal; a UUID.
    package var accountID: String
    /// Where the person comes back to.
    package var returnURL: String?

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        returnURL = try fields.webAddress("return_url")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("return_url", optional: returnURL)
    }
}

/// The response to both: a page of the payment company.
package struct ProviderSession: Message {
    /// A credential: it goes into the answer and nowhere else.
    package let url: String
    /// Whose page.
    package let provider: String

    /// A page.
    package init(url: String, provider: String) {
        self.url = url
        self.provider = provider
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        url = try fields.requiredText("url", orSay: "send the page's address")
        provider = try fields.requiredText("provider", orSay: "send the payment company's label")
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("provider", provider)
        object.member("url", url)
    }
}
