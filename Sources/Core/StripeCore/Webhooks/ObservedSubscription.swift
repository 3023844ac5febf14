import BillingCore
import BusContract
import BusCore

/// A subscription as read from Stripe, not as reported by an event.
package struct ObservedSubscription: Hashable, Sendable {
    /// Stripe's word for its standing.
    package let status: String
    /// Stripe's clock at its answer.
    package let observedAt: Timestamp?

    /// What an answer said, and when.
    package init(status: String, at observedAt: Timestamp?) {
        self.status = status
        self.observedAt = observedAt
    }

    /// An event's update with the standing read afterwards; it counts from the time of the reading.
    package func replacing(_ update: SubscriptionUpdate) -> SubscriptionUpdate {
        var observed = update
        observed.status = SubscriptionMapper.status(ofSubscription: status)
        observed.occurredAt = max(observedAt ?? update.occurredAt, update.occurredAt)
        observed.kind = .observed
        observed.providerStatus = status
        observed.previousProviderStatus = nil
        return observed
    }
}

extension Timestamp {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the one form of HTTP dates that servers still send (RFC 9110).
    package init?(httpDate text: String) {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(where: { $0 == parts[2] }) else {
            return nil
        }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        self.init(rfc3339: "\(parts[3])-\(number)-\(parts[1])T\(parts[4])Z")
    }
}
