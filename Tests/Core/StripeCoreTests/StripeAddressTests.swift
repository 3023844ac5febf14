import StripeCore
import Testing

/// A key goes to Stripe over TLS, or to a double on this machine, and nowhere else.
struct StripeAddressTests {
    @Test(arguments: [
        ("https://api.stripe.com", "https://api.stripe.com"), ("https://api.stripe.com/", "https://api.stripe.com"),
        ("http://127.0.0.1:12111", "http://127.0.0.1:12111"), ("http://localhost:1/", "http://localhost:1"),
        ("http://[::1]:1", "http://[::1]:1"), ("http://127.0.0.1/x", "http://127.0.0.1/x"),
    ])
    func takes(_ text: String, _ url: String) {
        #expect(StripeAddress(text)?.url == url)
    }

    @Test(arguments: [
        "", "api.stripe.com", "http://api.stripe.com", "http://127.0.0.1.evil.example",
        "http://localhost.evil.example:1",
        "ftp://127.0.0.1", "http://10.0.0.1:1", "https://user:password@api.stripe.com",
        "http://127.0.0.1:1@evil.example",
        "HTTP://evil.example",
    ])
    func refuses(_ text: String) {
        #expect(StripeAddress(text) == nil)
    }
}
