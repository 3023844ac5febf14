import BusCore

/// `bus.billing.checkout_session.request` (docs/contract/billing.md, "Sessions").
package struct CheckoutSessionRequest: Message {
    /// Who buys; a UUID.
    package var accountID = ""
    /// What is wanted; empty when only a plan is named, or nothing at all.
    package var features: [String] = []
    /// The plan, when named.
    package var planID: String?
    /// How often it is paid, where the plan has several prices.
    package var interval: Interval?
    /// A second subscription beside the one that runs is meant.
    package var isAdditional = false
    /// Where the payer goes afterwards.
    package var returnURL: String?
    /// Where the payer goes after paying.
    package var successURL: String?
    /// Where the payer goes without paying.
    package var cancelURL: String?

    /// How often a price is paid.
    package enum Interval: String, CaseIterable, Sendable {
        case day, week, month, year
    }

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.features(&features)
        try fields.field("plan_id", .identifier, &planID)
        try fields.field("interval", .word(of: "day, week, month or year"), &interval)
        try fields.field("additional", .flag, &isAdditional, unless: false)
        try fields.field("return_url", .webAddress, &returnURL)
        try fields.field("success_url", .webAddress, &successURL)
        try fields.field("cancel_url", .webAddress, &cancelURL)
    }
}

/// `bus.billing.portal_session.request` (docs/contract/billing.md, "Sessions").
package struct PortalSessionRequest: Message {
    /// Whose portal; a UUID.
    package var accountID = ""
    /// Where the person comes back to.
    package var returnURL: String?

    package init() {}

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.account(&accountID)
        try fields.field("return_url", .webAddress, &returnURL)
    }
}

/// The response to both: a page of the payment company.
package struct ProviderSession: Message {
    /// Whose page.
    package var provider = ""
    /// A credential: it goes into the answer and nowhere else.
    package var url = ""

    package init() {}

    /// A page.
    package init(url: String, provider: String) {
        self.url = url
        self.provider = provider
    }

    package mutating func visit<Fields: FieldVisitor>(_ fields: inout Fields) throws(Fields.Fault) {
        try fields.field("provider", .text, &provider, orSay: "send the payment company's label")
        try fields.field("url", .text, &url, orSay: "send the page's address")
    }
}
