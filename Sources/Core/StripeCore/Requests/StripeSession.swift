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
