import BusContract
import BusCore

/// Where Stripe's API is: plain HTTP would show the key to the network, so it is for doubles close by.
package struct StripeAddress: Hashable, Sendable {
    /// Without a slash at the end.
    package let url: String

    /// Stripe itself.
    package static let stripe = "https://api.stripe.com"
    /// What to say when a text cannot be the address that a key is sent to.
    package static let rule =
        "must be https, or http on this machine, or with a test key http on a private network; leave it unset to use Stripe"

    /// Reads an address; nil unless it is https, or http on a loopback host, or http on a private host without a live key.
    package init?(_ text: String, mode: StripeMode) {
        guard let base = BaseURL(text) else { return nil }
        guard base.isSecure || base.address.isLoopback || (mode != .live && base.address.isNearby) else { return nil }
        url = base.text
    }
}
