/// The name of an event: dot-separated lower-case segments, 1 to 255 bytes (bus.md D-04).
package struct EventName: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The name as it goes over the wire.
    package let text: String

    /// Checks a name; nil for wildcards and everything else outside the grammar.
    package init?(_ text: String) {
        guard 1...Limits.eventNameBytesMax ~= text.utf8.count else { return nil }
        var segmentStarts = true
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                segmentStarts = false
            case UInt8(ascii: "_"), UInt8(ascii: "-"):
                if segmentStarts { return nil }
            case UInt8(ascii: "."):
                if segmentStarts { return nil }
                segmentStarts = true
            default: return nil
            }
        }
        if segmentStarts { return nil }
        self.text = text
    }

    init(known text: StaticString) {
        self.text = "\(text)"
    }

    /// The name as it goes over the wire.
    package var description: String { text }

    /// Byte order.
    package static func < (left: EventName, right: EventName) -> Bool { left.text < right.text }

    /// `<base>.request` → `<base>.response`, `….update` → `….result`; nil for a name nobody answers (bus.md 2.2).
    package var response: EventName? {
        for (request, response) in [(".request", ".response"), (".update", ".result")] where text.hasSuffix(request) {
            return EventName(text.dropLast(request.count) + response)
        }
        return nil
    }
}

extension EventName {
    /// A subscription's new standing, for the billing worker.
    package static let subscriptionUpdate = EventName(known: "bus.billing.subscription.update")
    /// What the billing worker did with an update.
    package static let subscriptionResult = EventName(known: "bus.billing.subscription.result")
    /// Asks for usage to be handed to the payment company.
    package static let usageExportRequest = EventName(known: "bus.billing.usage.export.request")
    /// Says whether the payment company took it.
    package static let usageExportResponse = EventName(known: "bus.billing.usage.export.response")
    /// Asks for a Stripe Checkout Session.
    package static let checkoutSessionCreateRequest = EventName(known: "bus.stripe.checkout_session.create.request")
    /// Carries a Checkout Session's URL.
    package static let checkoutSessionCreateResponse = EventName(known: "bus.stripe.checkout_session.create.response")
    /// Asks for a Stripe Customer Portal session.
    package static let portalSessionCreateRequest = EventName(known: "bus.stripe.portal_session.create.request")
    /// Carries a Customer Portal session's URL.
    package static let portalSessionCreateResponse = EventName(known: "bus.stripe.portal_session.create.response")
    /// Asks for the verification of a webhook.
    package static let webhookVerifyRequest = EventName(known: "bus.stripe.webhook.verify.request")
    /// Carries a webhook's verdict.
    package static let webhookVerifyResponse = EventName(known: "bus.stripe.webhook.verify.response")
    /// Asks for a meter event.
    package static let meterEventRecordRequest = EventName(known: "bus.stripe.meter_event.record.request")
    /// Says whether Stripe took a meter event.
    package static let meterEventRecordResponse = EventName(known: "bus.stripe.meter_event.record.response")
}
