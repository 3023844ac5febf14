import BusContract

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
        guard let host = URLHost(text) else { return nil }
        switch host.scheme {
        case "https": break
        case "http": guard host.isLoopback || (mode != .live && host.isNearby) else { return nil }
        default: return nil
        }
        url = text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
