import BusContract
import BusCore

/// A checkout as Stripe is asked for it: the request and what the deployment adds
/// (docs/contract/stripe-requests.md, "Checkout session").
package struct CheckoutRequest: Hashable, Sendable {
    /// What was asked for.
    package let message: ProviderCheckoutRequest
    /// What is bought, in Bus's words; empty when only a plan is named.
    package let features: [String]
    /// The prices, in order; empty when none is named and none configured.
    package let lines: [ProviderCheckoutRequest.Line]
    /// Where the payer comes back to.
    package let successURL: String
    /// Where the payer goes without buying.
    package let cancelURL: String
    /// What the caller repeats a request with.
    package let idempotencyKey: String

    /// Completes a request; `requestID` stands in for a missing key.
    package init(
        _ message: ProviderCheckoutRequest, requestID: String?, settings: StripeRequestSettings
    ) throws(BusError) {
        self.message = message
        try StripeRule.customer(message.customerID)
        features = message.features.isEmpty && message.planID == nil ? [MessageReader.defaultFeature] : message.features
        try StripeRule.metadata(features.joined(separator: ","), "features joined with commas")
        lines = try CheckoutRequest.lines(message, settings)
        let returnURL = try StripeRule.url(message.returnURL, "return_url", settings.mode)
        let fallback = returnURL ?? settings.fallbackURL
        guard let success = try StripeRule.url(message.successURL, "success_url", settings.mode) ?? fallback else {
            throw BusError(
                .invalidRequest, "success_url is missing; send it or return_url, or set BUS_STRIPE_RETURN_URL")
        }
        successURL = success
        cancelURL = try StripeRule.url(message.cancelURL, "cancel_url", settings.mode) ?? returnURL ?? success
        idempotencyKey = try StripeRule.key(message.idempotencyKey, or: requestID)
    }

    /// Who buys.
    package var accountID: String { message.accountID }

    /// The Bus keys for everything the session makes.
    package var metadata: StripeMetadata {
        StripeMetadata(accountID: accountID, features: features, planID: message.planID)
    }

    /// The named prices, or the deployment's (docs/contract/stripe-requests.md, "Which price").
    private static func lines(
        _ message: ProviderCheckoutRequest, _ settings: StripeRequestSettings
    ) throws(BusError) -> [ProviderCheckoutRequest.Line] {
        if message.mode == .setup { return [] }
        if !message.lines.isEmpty { return message.lines }
        if let id = settings.defaultPriceID { return [.init(.id(id), quantity: message.quantity)] }
        // Local mode asks nobody, so it needs no price.
        if settings.mode == .local { return [] }
        throw BusError(
            .priceUnresolved,
            "no price is named; send price_id, prices or price_lookup_key, or set BUS_STRIPE_DEFAULT_PRICE_ID")
    }

    /// The answer for the session that was made.
    package func answer(_ session: StripeSession, mode: StripeMode) -> ProviderCheckoutAnswer {
        ProviderCheckoutAnswer(
            page: session.page(for: accountID, mode: mode, ignoredFields: message.ignoredFields),
            expiresAt: session.expiresAt, features: features)
    }
}
