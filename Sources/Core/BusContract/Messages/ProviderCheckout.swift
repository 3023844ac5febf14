import BusCore

/// `bus.stripe.checkout_session.create.request` (docs/contract/stripe-requests.md, "Checkout session").
package struct ProviderCheckoutRequest: Message {
    /// Who buys; a UUID.
    package var accountID = ""
    /// Whom it is for; nil means whoever reads it.
    package var provider: String?
    /// What is bought, in Bus's words; empty when only a plan is named.
    package var features: [String] = []
    /// The plan, when named.
    package var planID: String?
    /// What is paid for, in order; empty when no price is named.
    package var lines: [Line] = []
    /// The quantity of a price that is named alone.
    package var quantity: Int64?
    /// What kind of session; a subscription unless said otherwise.
    package var mode = Mode.subscription
    /// Where the payer goes after paying.
    package var successURL: String?
    /// Where the payer goes without paying.
    package var cancelURL: String?
    /// Stands in for the other two.
    package var returnURL: String?
    /// The payment company's id for the account, once known.
    package var customerID: String?
    /// Prefills the page of a buyer who is not a customer yet.
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
        package var price = Price.id("")
        /// As asked for; nil means 1 for licensed prices and nothing for metered ones.
        package var quantity: Int64?

        package init() {}

        /// A line.
        package init(_ price: Price, quantity: Int64? = nil) {
            self.price = price
            self.quantity = quantity
        }

        package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
            try fields.reading { reader throws(FieldFault) in price = try Line.price(reader) }
            fields.writing { [price] in
                switch price {
                case .id(let id): $0.member("price_id", id)
                case .lookupKey(let key): $0.member("lookup_key", key)
                }
            }
            try fields.field("quantity", .count, &quantity)
        }

        private static func price(_ reader: MessageReader) throws(FieldFault) -> Price {
            if let id = try reader.value("price_id", .text) { return .id(id) }
            if let key = try reader.value("lookup_key", spelled: ["lookup_key", "price_lookup_key"], .text) {
                return .lookupKey(key)
            }
            throw .invalid("prices[] must hold a price_id or a lookup_key each")
        }
    }

    package init() {}

    /// A request that names what is bought and nothing more.
    package init(accountID: String, features: [String], planID: String? = nil, lines: [Line] = []) {
        self.accountID = accountID
        self.features = features
        self.planID = planID
        self.lines = lines
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("provider", .text, &provider)
        try fields.features(&features)
        try fields.field("plan_id", .identifier, &planID)
        try fields.reading { reader throws(FieldFault) in lines = try ProviderCheckoutRequest.lines(reader) }
        fields.writing { [self] in writeLines(to: &$0) }
        try fields.field("quantity", .count, &quantity)
        try fields.field("mode", .word(of: "subscription, payment or setup"), &mode, unless: .subscription)
        try fields.field("success_url", .text, &successURL)
        try fields.field("cancel_url", .text, &cancelURL)
        try fields.field("return_url", .text, &returnURL)
        try fields.field(
            "provider_customer_id", spelled: ["customer_id", "provider_customer_id"], .identifier, &customerID)
        try fields.field("customer_email", spelled: ["customer_email", "email"], .text, &customerEmail)
        try fields.field(
            "idempotency_key", spelled: ["idempotency_key", "event_id"], .idempotencyKey, &idempotencyKey)
        try fields.ignored(&ignoredFields)
    }

    /// The first source that names a price.
    private static func lines(_ reader: MessageReader) throws(FieldFault) -> [Line] {
        let quantity = try reader.value("quantity", .count)
        if let id = try reader.value("price_id", .identifier) { return [Line(.id(id), quantity: quantity)] }
        let lines: [Line] = try reader.value("prices", .objects(countMax: Limits.checkoutLineItemsMax)) ?? []
        if lines.isEmpty,
            let key = try reader.value("price_lookup_key", spelled: ["price_lookup_key", "lookup_key"], .text)
        {
            return [Line(.lookupKey(key), quantity: quantity)]
        }
        return lines
    }

    /// One price stands beside its quantity; several are a list.
    private func writeLines(to json: inout JSONWriter) {
        var lines = lines
        if lines.count == 1, lines[0].quantity == quantity {
            switch lines[0].price {
            case .id(let id): json.member("price_id", id)
            case .lookupKey(let key): json.member("price_lookup_key", key)
            }
        } else {
            json.field("prices", .objects(), &lines, unless: [])
        }
    }
}

/// `bus.stripe.checkout_session.create.response`: a page to pay on.
///
/// Billing needs no more than its `url`.
package struct ProviderCheckoutAnswer: Message {
    /// The page; its session's features are those that were asked for.
    package var page = ProviderPage()
    /// When the page ends; local sessions never do.
    package var expiresAt: Timestamp?
    /// What is bought.
    package var features: [String] = []

    package init() {}

    /// A page as an answer.
    package init(page: ProviderPage, expiresAt: Timestamp?, features: [String]) {
        self.page = page
        self.expiresAt = expiresAt
        self.features = features
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try page.visit(&fields)
        try fields.field("expires_at", .time, &expiresAt)
        try fields.features(&features)
        try fields.field("ignored_fields", .texts, &page.ignoredFields, unless: [])
    }
}

/// A page at a payment company: what checkout and portal answers begin with.
package struct ProviderPage: Message {
    /// For whom.
    package var accountID: String?
    /// The payment company's label.
    package var provider: String?
    /// A credential: it goes into the answer and nowhere else.
    package var url = ""
    /// The payment company's id for the session.
    package var sessionID: String?
    /// Local, test or live.
    package var mode: StripeMode?
    /// Members of the request that look like secrets and were not used; the last member of both answers.
    package var ignoredFields: [String] = []

    package init() {}

    /// A page of Stripe's.
    package init(accountID: String, url: String, sessionID: String, mode: StripeMode, ignoredFields: [String]) {
        self.accountID = accountID
        provider = "stripe"
        self.url = url
        self.sessionID = sessionID
        self.mode = mode
        self.ignoredFields = ignoredFields
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("account_id", .text, &accountID)
        try fields.field("provider", .text, &provider)
        try fields.field("url", .text, &url, orSay: "send the page's address")
        try fields.field("session_id", .text, &sessionID)
        try fields.mode(&mode)
    }
}
