import BusCore

/// `bus.stripe.checkout_session.create.request` (docs/contract/stripe-requests.md, "Checkout session").
package struct ProviderCheckoutRequest: Message {
    /// Who buys; a UUID.
    package var accountID: String
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// What is bought, in Bus's words; empty when only a plan is named.
    package var features: [String]
    /// The plan, when named.
    package var planID: String?
    /// What is paid for, in order; empty when no price is named.
    package var lines: [Line]
    /// The quantity of a price that is named alone.
    package var quantity: Int64?
    /// What kind of session; a subscription unless said otherwise.
    package var mode: Mode
    /// Where the payer goes after paying.
    package var successURL: String?
    /// Where the payer goes without paying.
    package var cancelURL: String?
    /// Stands in for the other two.
    package var returnURL: String?
    /// The payment company's id for the account, once known.
    package var customerID: String?
    /// Prefills the page when there is no customer.
    package var customerEmail: String?
    /// What makes repeating the request harmless.
    package var idempotencyKey: String?
    /// Members that look like secrets.
    package private(set) var ignoredFields: [String] = []

    /// What kind of session it is.
    package enum Mode: String, Sendable {
        case subscription, payment, setup
    }

    /// One line: a price under its id, or under a lookup key.
    package struct Line: Message {
        /// How the price is named.
        package enum Price: Hashable, Sendable {
            case id(String)
            case lookupKey(String)

            /// The id or the lookup key.
            package var text: String {
                switch self {
                case .id(let text), .lookupKey(let text): text
                }
            }
        }

        /// The price.
        package let price: Price
        /// As asked for; nil means 1 for licensed prices and nothing for metered ones.
        package let quantity: Int64?

        /// A line.
        package init(_ price: Price, quantity: Int64? = nil) {
            self.price = price
            self.quantity = quantity
        }

        /// Reads the fields.
        package init(from fields: MessageFields) throws(FieldFault) {
            if let value = fields.value("quantity")?.value {
                quantity = try MessageFields.count(value, "prices[].quantity")
            } else {
                quantity = nil
            }
            if let id = try fields.text("price_id") {
                price = .id(id)
            } else if let key = try fields.text("lookup_key", "price_lookup_key") {
                price = .lookupKey(key)
            } else {
                throw .invalid("prices[] must hold a price_id or a lookup_key each")
            }
        }

        /// Writes the members.
        package func write(to object: inout JSONWriter) {
            switch price {
            case .id(let id): object.member("price_id", id)
            case .lookupKey(let key): object.member("lookup_key", key)
            }
            object.member("quantity", optional: quantity)
        }
    }

    /// A request that names what is bought and nothing more.
    package init(accountID: String, features: [String], planID: String? = nil, lines: [Line] = []) {
        self.accountID = accountID
        self.features = features
        self.planID = planID
        self.lines = lines
        mode = .subscription
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.accountID()
        provider = try fields.text("provider")
        features = try fields.features()
        planID = try fields.text("plan_id")
        guard let mode = Mode(rawValue: try fields.text("mode") ?? "subscription") else {
            throw .invalid("mode must be subscription, payment or setup")
        }
        self.mode = mode
        quantity = try fields.count("quantity")
        lines = try ProviderCheckoutRequest.lines(fields, quantity)
        successURL = try fields.text("success_url")
        cancelURL = try fields.text("cancel_url")
        returnURL = try fields.text("return_url")
        customerID = try fields.identifier("customer_id", "provider_customer_id")
        customerEmail = try fields.text("customer_email", "email")
        idempotencyKey = try fields.idempotencyKey()
        ignoredFields = fields.ignoredFields
    }

    /// The first source that names a price.
    private static func lines(_ fields: MessageFields, _ quantity: Int64?) throws(FieldFault) -> [Line] {
        if let id = try fields.identifier("price_id") { return [Line(.id(id), quantity: quantity)] }
        var lines: [Line] = []
        for line in try fields.objects("prices", countMax: Limits.checkoutLineItemsMax) ?? [] {
            lines.append(try Line(from: line))
        }
        if lines.isEmpty, let key = try fields.text("price_lookup_key", "lookup_key") {
            return [Line(.lookupKey(key), quantity: quantity)]
        }
        return lines
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", accountID)
        object.member("provider", optional: provider)
        object.member("feature", optional: features.first)
        object.member("features", unlessEmpty: features)
        object.member("plan_id", optional: planID)
        if lines.count == 1, let line = lines.first, line.quantity == quantity {
            switch line.price {
            case .id(let id): object.member("price_id", id)
            case .lookupKey(let key): object.member("price_lookup_key", key)
            }
        } else {
            object.member("prices", unlessEmpty: lines)
        }
        object.member("quantity", optional: quantity)
        if mode != .subscription { object.member("mode", mode.rawValue) }
        object.member("success_url", optional: successURL)
        object.member("cancel_url", optional: cancelURL)
        object.member("return_url", optional: returnURL)
        object.member("provider_customer_id", optional: customerID)
        object.member("customer_email", optional: customerEmail)
        object.member("idempotency_key", optional: idempotencyKey)
    }
}

/// `bus.stripe.checkout_session.create.response`: a page to pay on.
///
/// Billing needs no more than its `url`.
package struct ProviderCheckoutAnswer: Message {
    /// The page; its session's features are those that were asked for.
    package var page: ProviderPage
    /// When the page ends; local sessions never do.
    package var expiresAt: Timestamp?
    /// What is bought.
    package var features: [String]

    /// An answer with every field.
    package init(page: ProviderPage, expiresAt: Timestamp?, features: [String]) {
        self.page = page
        self.expiresAt = expiresAt
        self.features = features
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        page = try ProviderPage(from: fields)
        expiresAt = try fields.time("expires_at")
        features = try fields.features()
    }

    /// Writes the members.
    package func write(to object: inout JSONWriter) {
        page.write(to: &object)
        object.member("expires_at", optional: expiresAt)
        object.member("feature", optional: features.first)
        object.member("features", unlessEmpty: features)
        object.member("ignored_fields", unlessEmpty: page.ignoredFields)
    }
}

/// A page at a payment company: what checkout and portal answers share.
package struct ProviderPage: Message {
    /// For whom.
    package var accountID: String?
    /// The payment company's label.
    package var provider: String?
    /// A credential: it goes into the answer and nowhere else.
    package var url: String
    /// The payment company's id for the session.
    package var sessionID: String?
    /// Local, test or live.
    package var mode: StripeMode?
    /// Members of the request that look like secrets and were not used.
    package var ignoredFields: [String]

    /// A page of Stripe's.
    package init(
        accountID: String, url: String, sessionID: String, mode: StripeMode, ignoredFields: [String]
    ) {
        self.accountID = accountID
        provider = "stripe"
        self.url = url
        self.sessionID = sessionID
        self.mode = mode
        self.ignoredFields = ignoredFields
    }

    /// Reads the fields.
    package init(from fields: MessageFields) throws(FieldFault) {
        accountID = try fields.text("account_id")
        provider = try fields.text("provider")
        url = try fields.requiredText("url", orSay: "send the page's address")
        sessionID = try fields.text("session_id")
        mode = try fields.text("stripe_mode").flatMap(StripeMode.init(rawValue:))
        ignoredFields = try fields.texts("ignored_fields") ?? []
    }

    /// Writes the members that both answers begin with.
    package func write(to object: inout JSONWriter) {
        object.member("account_id", optional: accountID)
        object.member("provider", optional: provider)
        object.member("url", url)
        object.member("session_id", optional: sessionID)
        object.member(mode: mode)
    }
}

extension JSONWriter {
    /// Writes the mode under both of its names.
    mutating func member(mode: StripeMode?) {
        guard let mode else { return }
        member("stripe_mode", mode.rawValue)
        member("livemode", mode == .live)
    }
}
