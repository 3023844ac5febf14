import BillingCore
import BusContract
import BusCore

/// A subscription read from Stripe, not told by an event.
package struct ObservedSubscription: Hashable, Sendable {
    /// The subscription as it stood.
    package let object: StripeEventObject
    /// Stripe's clock at its answer, in whole seconds; nil when the answer does not say.
    package let answeredAt: Timestamp?

    /// What an answer said, and when.
    package init(_ object: StripeEventObject, answeredAt: Timestamp?) {
        self.object = object
        self.answeredAt = answeredAt
    }

    /// What follows from it, and the metadata keys that are left out.
    ///
    /// Everything comes from the subscription. Only where it names no account, the account counts that was known before.
    package func facts(
        readAt: Timestamp, accountID: String?, livemode: Bool
    ) -> (outcome: WebhookOutcome, ignoredFields: [String]) {
        let metadata = BusMetadata(object.metadata)
        var update = SubscriptionUpdate(
            eventID: "observed:\(object.id ?? ""):\(readAt.rfc3339)", accountID: metadata.accountID ?? accountID,
            provider: "stripe", status: SubscriptionMapper.status(ofSubscription: object.status), occurredAt: readAt)
        update.kind = .observed
        update.livemode = livemode
        update.take(subscription: object, metadata)
        return (SubscriptionMapper.outcome(of: update), metadata.ignoredFields)
    }
}

/// The times of readings: each is later than the one before, as the readings were.
///
/// Stripe's clock is right for its own events, but its `Date` has whole seconds, and servers behind one name can differ.
/// Our clock adds the fraction of a second, never 0: it tells two readings of one second apart, and a reading from an
/// event.
package struct ReadingTimes: Sendable {
    private var last = Timestamp.earliest

    /// Before the first reading.
    package init() {}

    /// The time of a reading that ends now: never before Stripe's second, and after every reading before it.
    package mutating func next(answeredAt: Timestamp?, now: Timestamp) -> Timestamp {
        let fraction = max(now.nanoseconds - now.seconds * 1_000_000_000, 1)
        let answered = answeredAt.map { Timestamp(clampingNanoseconds: $0.nanoseconds + fraction) } ?? now
        last = max(answered, Timestamp(clampingNanoseconds: last.nanoseconds + 1))
        return last
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
