import BusCore

/// `bus.stripe.checkout_session.create.request`, read (bus.md 5.2).
package struct CheckoutRequest: Hashable, Sendable {
    /// Who buys.
    package let accountID: String
    /// What is bought, in Bus's words; empty when only a plan is named.
    package let features: [String]
    /// The plan, when named.
    package let planID: String?
    /// The prices, in order; empty when none is named and none configured.
    package let items: [Item]
    /// Stripe's mode word.
    package let mode: Mode
    /// Where the payer comes back to.
    package let successURL: String
    /// Where the payer goes without buying.
    package let cancelURL: String
    /// `cus_…`, once known.
    package let customerID: String?
    /// Prefills the page when there is no customer.
    package let customerEmail: String?
    /// What the caller repeats a request with.
    package let idempotencyKey: String
    /// The quantity as asked for.
    package let quantity: Int64?
    /// D-31.
    package let ignoredFields: [String]

    /// What kind of session it is.
    package enum Mode: String, Sendable {
        case subscription, payment, setup
    }

    /// One line: a price under its id, or under a lookup key that Stripe has to resolve.
    package struct Item: Hashable, Sendable {
        /// How the price is named.
        package enum Price: Hashable, Sendable {
            case id(String)
            case lookupKey(String)
        }

        /// The price.
        package let price: Price
        /// As asked for; nil means 1 for licensed prices and nothing for metered ones.
        package let quantity: Int64?
    }

    /// Reads a payload; `requestID` stands in for a missing key.
    package init(_ payload: JSONText, requestID: String?, settings: StripeRequestSettings) throws(RequestFault) {
        let fields = try RequestFields(forStripe: payload)
        accountID = try fields.accountID()
        planID = try fields.metadataText("plan_id")
        let named = try fields.features()
        features = named.isEmpty && planID == nil ? ["llm:proxy"] : named
        guard features.joined(separator: ",").count <= Limits.stripeMetadataValueCharactersMax else {
            throw .invalid("features joined with commas must fit 500 characters; name fewer")
        }
        guard let mode = Mode(rawValue: try fields.text("mode") ?? "subscription") else {
            throw .invalid("mode must be subscription, payment or setup")
        }
        self.mode = mode
        quantity = try fields.count("quantity")
        items = mode == .setup ? [] : try CheckoutRequest.items(fields, quantity, settings)
        let returnURL = try fields.url("return_url", mode: settings.mode)
        guard let success = try fields.url("success_url", mode: settings.mode) ?? returnURL ?? settings.fallbackURL
        else { throw .invalid("success_url is missing; send it or return_url, or set BUS_STRIPE_RETURN_URL") }
        successURL = success
        cancelURL = try fields.url("cancel_url", mode: settings.mode) ?? returnURL ?? success
        customerID = try fields.identifier("customer_id", "provider_customer_id")
        let email = try fields.text("customer_email", "email")
        customerEmail = customerID == nil ? email : nil
        guard let key = try fields.idempotencyKey(or: requestID) else {
            throw .invalid("idempotency_key is missing; send one, or a correlationId")
        }
        idempotencyKey = key
        ignoredFields = fields.ignoredFields
    }

    /// The Bus keys for everything the session makes.
    package var metadata: StripeMetadata {
        StripeMetadata(accountID: accountID, features: features, planID: planID)
    }

    /// D-28: the first source that names a price; a key that resolves to nothing does not fall through later.
    private static func items(
        _ fields: RequestFields, _ quantity: Int64?, _ settings: StripeRequestSettings
    ) throws(RequestFault) -> [Item] {
        if let id = try fields.identifier("price_id") { return [Item(price: .id(id), quantity: quantity)] }
        if let prices = fields.value("prices")?.value {
            let items = try listedItems(prices)
            if !items.isEmpty { return items }
        }
        if let key = try fields.text("price_lookup_key", "lookup_key") {
            return [Item(price: .lookupKey(key), quantity: quantity)]
        }
        if let id = settings.defaultPriceID { return [Item(price: .id(id), quantity: quantity)] }
        // Local mode asks nobody, so it needs no price (bus.md 5.8).
        if settings.mode == .local { return [] }
        throw RequestFault(
            code: .priceUnresolved,
            message: "no price is named; send price_id, prices or price_lookup_key, or set BUS_STRIPE_DEFAULT_PRICE_ID")
    }

    private static func listedItems(_ prices: JSONValue) throws(RequestFault) -> [Item] {
        guard let elements = prices.elements, elements.count <= Limits.checkoutLineItemsMax else {
            throw .invalid("prices must be an array of at most \(Limits.checkoutLineItemsMax) objects")
        }
        var items: [Item] = []
        for element in elements {
            var quantity: Int64?
            if let value = element["quantity"] { quantity = try RequestFields.count(value, "prices[].quantity") }
            if let id = element["price_id"]?.text?.nonEmpty {
                items.append(Item(price: .id(id), quantity: quantity))
            } else if let key = (element["lookup_key"] ?? element["price_lookup_key"])?.text?.nonEmpty {
                items.append(Item(price: .lookupKey(key), quantity: quantity))
            } else {
                throw .invalid("prices[] must hold a price_id or a lookup_key each")
            }
        }
        return items
    }
}

/// `bus.stripe.checkout_session.create.response` (bus.md 5.2).
package struct CheckoutResponse: Hashable, Sendable {
    /// `cs_…`.
    package let sessionID: String
    /// Where the payer goes.
    package let url: String
    /// When the page ends; local sessions never do.
    package let expiresAt: Timestamp?

    /// A session as Stripe or local mode made it.
    package init(sessionID: String, url: String, expiresAt: Timestamp?) {
        self.sessionID = sessionID
        self.url = url
        self.expiresAt = expiresAt
    }

    /// The event's payload.
    package func payload(for request: CheckoutRequest, mode: StripeMode) -> JSONText {
        JSONText { writer in
            writer.object { writer in
                writer.member("account_id", request.accountID)
                writer.member("provider", "stripe")
                writer.member("url", url)
                writer.member("session_id", sessionID)
                writer.member("stripe_mode", mode.rawValue)
                writer.member("livemode", mode == .live)
                writer.member("expires_at", optional: expiresAt?.rfc3339)
                writer.member("feature", optional: request.features.first)
                writer.member("features", unlessEmpty: request.features)
                writer.member("ignored_fields", unlessEmpty: request.ignoredFields)
            }
        }
    }
}

extension JSONWriter {
    /// Writes an array-of-strings member, or nothing for an empty one.
    mutating func member(_ name: String, unlessEmpty values: [String]) {
        if !values.isEmpty { member(name, values) }
    }
}
