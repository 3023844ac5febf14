import BusContract
import BusCore

/// Why a text is not a usable Stripe API key (docs/contract/stripe-facts.md, "Keys and modes").
package enum StripeKeyFault: Error, Equatable, Sendable {
    case publishable, signingSecret, organization, unknownPrefix, unprintable

    /// What is wrong and what to do, without the key.
    package var message: String {
        switch self {
        case .publishable:
            "the Stripe key is a publishable key (pk_); set the secret key (sk_ or rk_) instead"
        case .signingSecret:
            "the Stripe key is a webhook signing secret (whsec_); set it as BUS_STRIPE_WEBHOOK_SECRET instead"
        case .organization:
            "the Stripe key is an organization key (sk_org_), which is not supported; use a key of one account"
        case .unknownPrefix:
            "the Stripe key has an unknown prefix; use one that starts with sk_test_, sk_live_, rk_test_ or rk_live_"
        case .unprintable:
            "the Stripe key holds whitespace or control characters; store the key alone in its variable or file"
        }
    }
}

/// A secret or restricted API key whose mode is known.
package struct StripeKey: Sendable {
    /// `test` or `live`, from the key's prefix.
    package let mode: StripeMode
    /// The key itself, for the `Authorization` header only.
    package let secret: Secret

    /// Reads a key; whitespace around it is dropped.
    package init(_ configured: Secret) throws(StripeKeyFault) {
        let text = configured.reveal().trimmingASCIIWhitespace()
        if text.hasPrefix("pk_") { throw .publishable }
        if text.hasPrefix("whsec_") { throw .signingSecret }
        if text.hasPrefix("sk_org_") { throw .organization }
        if ["sk_test_", "rk_test_", "rkcs_test_"].contains(where: text.hasPrefix) {
            mode = .test
        } else if ["sk_live_", "rk_live_"].contains(where: text.hasPrefix) {
            mode = .live
        } else {
            throw .unknownPrefix
        }
        guard text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { throw .unprintable }
        secret = Secret(String(text))
    }
}
