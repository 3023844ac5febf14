import BusContract
import BusCore

/// A Checkout or portal session as Stripe or local mode made it.
package struct StripeSession: Hashable, Sendable {
    /// `cs_…` or `bps_…`.
    package let id: String
    /// A credential: it goes into the answer and nowhere else.
    package let url: String
    /// When the page ends; portal and local sessions do not say.
    package let expiresAt: Timestamp?

    /// A session.
    package init(id: String, url: String, expiresAt: Timestamp? = nil) {
        self.id = id
        self.url = url
        self.expiresAt = expiresAt
    }

    func page(for accountID: String, mode: StripeMode, ignoredFields: [String]) -> ProviderPage {
        ProviderPage(accountID: accountID, url: url, sessionID: id, mode: mode, ignoredFields: ignoredFields)
    }
}

/// What the making of a Checkout Session led to.
package enum CheckoutCreation: Hashable, Sendable {
    /// A page to pay on.
    case open(StripeSession)
    /// A page that was paid on, or that has expired.
    case ended(id: String)

    /// Reads a Checkout Session; nil when it is none.
    package init?(_ value: JSONValue) {
        guard let id = value["id"]?.text else { return nil }
        if ["complete", "expired"].contains(value["status"]?.text) {
            self = .ended(id: id)
            return
        }
        guard let url = value["url"]?.text else { return nil }
        let expiresAt = value["expires_at"]?.integer.flatMap(Timestamp.init(seconds:))
        self = .open(StripeSession(id: id, url: url, expiresAt: expiresAt))
    }
}
