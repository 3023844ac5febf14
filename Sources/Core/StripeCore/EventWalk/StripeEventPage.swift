import BusCore

/// One page of Stripe's list of events, as it was answered.
package struct StripeEventPage: Sendable {
    /// One listed event.
    package struct Element: Sendable {
        /// `evt_…`.
        package let id: String
        /// When it happened, to the second.
        package let created: Timestamp
        /// The whole event.
        package let document: JSONValue

        /// An event of a list.
        package init(id: String, created: Timestamp, document: JSONValue) {
            self.id = id
            self.created = created
            self.document = document
        }
    }

    /// The events, newest first.
    package let elements: [Element]
    /// There are older ones.
    package let hasMore: Bool
    /// Stripe's time when it answered.
    package let answeredAt: Timestamp?

    /// A page.
    package init(_ elements: [Element], hasMore: Bool, answeredAt: Timestamp?) {
        self.elements = elements
        self.hasMore = hasMore
        self.answeredAt = answeredAt
    }

    /// Reads the body of an answer; fails unless it lists events.
    package init?(_ answer: JSONValue, answeredAt: Timestamp?) {
        guard let data = answer["data"]?.elements, let hasMore = answer["has_more"]?.flag else { return nil }
        let elements = data.compactMap { event -> Element? in
            guard let id = event["id"]?.text, let created = event["created"]?.integer.flatMap(Timestamp.init(seconds:))
            else { return nil }
            return Element(id: id, created: created, document: event)
        }
        // The list goes on behind the last element, so each must have a name.
        guard elements.count == data.count, !(hasMore && elements.isEmpty) else { return nil }
        self.init(elements, hasMore: hasMore, answeredAt: answeredAt)
    }
}
