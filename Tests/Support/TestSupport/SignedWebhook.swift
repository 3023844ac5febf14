/// A Stripe webhook as it arrives: bytes and the header that signs them.
package struct SignedWebhook: Sendable {
    /// The event id inside the body.
    package let eventID: String
    package let body: [UInt8]
    /// The value of `Stripe-Signature`.
    package let signature: String

    /// `customer.subscription.updated` in its full shape, the one that `make demo` sends, signed at `now`.
    package init(eventID: String, secret: String, now: Int64, template: String) {
        let text = template.replacing("@EVENT_ID@", with: eventID).replacing("@CREATED@", with: String(now))
        self.init(eventID: eventID, body: Array(text.utf8), secret: secret, now: now)
    }

    /// Any body, signed at `now`.
    package init(eventID: String, body: [UInt8], secret: String, now: Int64) {
        self.eventID = eventID
        self.body = body
        signature = StripeSigner.header(body, at: now, secret: secret)
    }

    /// A body under a signature that need not be its own.
    package init(eventID: String, body: [UInt8], signature: String) {
        self.eventID = eventID
        self.body = body
        self.signature = signature
    }

    /// The file with the full shape.
    package static func template() throws -> String {
        try Repository.text("Examples/customer.subscription.updated.json")
    }

    /// Where webhooks go.
    package static let path = "/api/internal/stripe/webhook"

    /// Posts it to the ingress.
    package func send(to ingress: LoopbackClient, signature other: String? = nil) async throws -> LoopbackClient.Answer
    {
        try await ingress.post(
            Self.path, body,
            headers: ["Stripe-Signature": other ?? signature, "Content-Type": "application/json; charset=utf-8"])
    }
}
