import BusContract
import StripeCore
import Testing

/// A key goes to Stripe over TLS, or to a double close by, and nowhere else.
struct StripeAddressTests {
    @Test(arguments: [
        ("https://api.stripe.com", "https://api.stripe.com"), ("https://api.stripe.com/", "https://api.stripe.com"),
        ("http://127.0.0.1:12111", "http://127.0.0.1:12111"), ("http://localhost:1/", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"), ("http://127.0.0.1/x", "http://127.0.0.1/x"),
    ])
    func takes(_ text: String, _ url: String) {
        for mode in [StripeMode.local, .test, .live] { #expect(StripeAddress(text, mode: mode)?.url == url) }
    }

    /// A stand-in in the next container, which a live key must never reach.
    @Test(arguments: [
        "http://10.0.0.1:1", "http://172.16.3.4", "http://192.168.1.2:12111", "http://[fd00::1]:1",
        "http://stripe-sandbox:12111", "http://stripe.localhost:1",
    ])
    func takesPrivateHostsWithoutLiveKey(_ text: String) {
        for mode in [StripeMode.local, .test] { #expect(StripeAddress(text, mode: mode)?.url == text) }
        #expect(StripeAddress(text, mode: .live) == nil)
    }

    @Test(arguments: [
        "", "api.stripe.com", "http://api.stripe.com", "http://127.0.0.1.evil.example",
        "http://localhost.evil.example:1", "ftp://127.0.0.1", "https://user:password@api.stripe.com",
        "http://127.0.0.1:1@evil.example", "http://user@10.0.0.1", "http://user@sandbox:1", "HTTP://evil.example",
        "http://134744072", "http://0x08080808", "http://8.8.8.8", "http://172.32.0.1", "http://[2001:db8::1]",
        "http://sandbox:port", "http://",
    ])
    func refuses(_ text: String) {
        for mode in [StripeMode.local, .test, .live] { #expect(StripeAddress(text, mode: mode) == nil) }
    }
}
