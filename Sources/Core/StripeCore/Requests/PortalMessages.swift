import BusCore

/// `bus.stripe.portal_session.create.request`, read (bus.md 5.3).
package struct PortalRequest: Hashable, Sendable {
    /// Whose portal.
    package let accountID: String
    /// `cus_…`; nil asks Stripe for the customer with this account's metadata.
    package let customerID: String?
    /// Where the person comes back to.
    package let returnURL: String
    /// `bpc_…`; nil takes the account's default.
    package let configurationID: String?
    /// What the caller repeats a request with.
    package let idempotencyKey: String
    /// D-31.
    package let ignoredFields: [String]

    /// Reads a payload; `requestID` stands in for a missing key.
    package init(_ payload: JSONText, requestID: String?, settings: StripeRequestSettings) throws(RequestFault) {
        let fields = try RequestFields(forStripe: payload)
        accountID = try fields.accountID()
        customerID = try fields.identifier("provider_customer_id", "customer_id")
        guard let url = try fields.url("return_url", mode: settings.mode) ?? settings.fallbackURL else {
            throw .invalid("return_url is missing; send it, or set BUS_STRIPE_RETURN_URL")
        }
        returnURL = url
        configurationID = try fields.identifier("configuration_id")
        guard let key = try fields.idempotencyKey(or: requestID) else {
            throw .invalid("idempotency_key is missing; send one, or a correlationId")
        }
        idempotencyKey = key
        ignoredFields = fields.ignoredFields
    }
}

/// `bus.stripe.portal_session.create.response` (bus.md 5.3).
package struct PortalResponse: Hashable, Sendable {
    /// `bps_…`.
    package let sessionID: String
    /// A credential: it goes into the answer and nowhere else.
    package let url: String

    /// A session as Stripe or local mode made it.
    package init(sessionID: String, url: String) {
        self.sessionID = sessionID
        self.url = url
    }

    /// The event's payload.
    package func payload(for request: PortalRequest, mode: StripeMode) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", request.accountID)
                writer.member("provider", "stripe")
                writer.member("url", url)
                writer.member("session_id", sessionID)
                writer.member("stripe_mode", mode.rawValue)
                writer.member("livemode", mode == .live)
                writer.member("ignored_fields", unlessEmpty: request.ignoredFields)
            }
        }
    }
}
