/// Where Stripe's API is: plain HTTP would show the key to the network, so it is for doubles on this machine only.
package struct StripeAddress: Hashable, Sendable {
    /// Without a slash at the end.
    package let url: String

    /// Stripe itself.
    package static let stripe = "https://api.stripe.com"
    /// What to say when a text is no address for a key.
    package static let rule = "must be https, or http on this machine; leave it unset to use Stripe"

    /// Reads an address; nil unless it is https, or http on a loopback host.
    package init?(_ text: String) {
        let loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        let isLoopback = loopback.contains { text == $0 || text.hasPrefix($0 + ":") || text.hasPrefix($0 + "/") }
        guard text.hasPrefix("https://") || isLoopback, !text.contains("@") else { return nil }
        url = text.hasSuffix("/") ? String(text.dropLast()) : text
    }
}
