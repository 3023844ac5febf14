import BusCore

/// Where Stripe's API is.
///
/// Plain HTTP would show the key to the network, so only this machine may use it.
package struct StripeAddress: Hashable, Sendable {
    /// Without a slash at the end.
    package let url: String

    /// Stripe itself.
    package static let stripe = "https://api.stripe.com"
    /// What to say when a key may not be sent to an address.
    package static let rule = "must be https, or http on this machine; leave it unset to use Stripe"

    /// Reads an address; nil unless it is https, or http on a loopback host.
    package init?(_ text: String) {
        guard let base = BaseURL(text), base.isSecure || base.isLoopback else { return nil }
        url = base.text
    }
}
