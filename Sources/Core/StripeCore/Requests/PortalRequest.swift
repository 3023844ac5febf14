import BusContract
import BusCore

/// A portal session as Stripe is asked for it: the request and what the deployment adds
/// (docs/contract/stripe-requests.md, "Portal session").
package struct PortalRequest: Hashable, Sendable {
    /// What was asked for.
    package let message: ProviderPortalRequest
    /// Where the person comes back to.
    package let returnURL: String
    /// What the caller repeats a request with.
    package let idempotencyKey: String

    /// Completes a request; `requestID` stands in for a missing key.
    package init(
        _ message: ProviderPortalRequest, requestID: String?, settings: StripeRequestSettings
    ) throws(BusError) {
        self.message = message
        try StripeRule.customer(message.customerID)
        let url = try StripeRule.url(message.returnURL, "return_url", settings.mode)
        guard let url = url ?? settings.fallbackURL else {
            throw BusError(.invalidRequest, "return_url is missing; send it, or set BUS_STRIPE_RETURN_URL")
        }
        returnURL = url
        idempotencyKey = try StripeRule.key(message.idempotencyKey, or: requestID)
    }

    /// Whose portal.
    package var accountID: String { message.accountID }

    /// The answer for the session that was made.
    package func answer(_ session: StripeSession, mode: StripeMode) -> ProviderPortalAnswer {
        ProviderPortalAnswer(
            page: session.page(for: accountID, mode: mode, ignoredFields: message.ignoredFields))
    }
}
