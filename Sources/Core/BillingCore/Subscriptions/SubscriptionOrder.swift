import BusContract
import BusCore

/// The set of a subscription's updates, as far as it decides (docs/contract/billing.md, "Order of updates").
///
/// A provider stamps whole seconds and promises no order, so comparing two updates cannot work. Every part of this
/// value is the greatest, or the greatest few, of a total order over all updates seen: adding them in any order, any
/// number of times, ends in an equal value.
package struct SubscriptionOrder: Hashable, Sendable {
    /// The newest deletion; a deleted subscription never comes back under its id.
    package private(set) var deletion: SubscriptionUpdate?
    /// The newest checkout; it decides only while nothing else is known.
    package private(set) var checkout: SubscriptionUpdate?
    /// The newest of all others, the oldest first, at most `Limits.subscriptionUpdatesMax`.
    package private(set) var updates: [SubscriptionUpdate] = []
    /// What is kept of those before them.
    package private(set) var before: Before?

    /// What is kept of updates that are not kept themselves.
    ///
    /// Every member is a maximum or a minimum, so an update that comes late changes it as it would have in time. None
    /// of them reaches the end: that follows from the newest second alone, and from the one before.
    package struct Before: Hashable, Sendable {
        /// The newest of them.
        package private(set) var newest: SubscriptionUpdate
        /// The time of the oldest one.
        package private(set) var first: Timestamp
        /// The newest time of each status.
        package private(set) var last: [SubscriptionStatus: Timestamp]

        /// What is known of one update.
        package init(_ update: SubscriptionUpdate) {
            newest = update
            first = update.occurredAt
            last = [update.status: update.occurredAt]
        }

        /// What was stored.
        package init(newest: SubscriptionUpdate, first: Timestamp, last: [SubscriptionStatus: Timestamp]) {
            self.newest = newest
            self.first = first
            self.last = last
        }

        fileprivate mutating func add(_ update: SubscriptionUpdate) {
            if newest.isEarlier(than: update) { newest = update }
            first = min(first, update.occurredAt)
            last[update.status] = max(last[update.status] ?? .earliest, update.occurredAt)
        }

        /// The last moment with another status; the first moment of all when there was no other.
        func lastOther(than status: SubscriptionStatus) -> Timestamp {
            last.filter { $0.key != status }.values.max() ?? first
        }
    }

    /// Nothing yet.
    package init() {}

    /// A state that was stored.
    package init(
        deletion: SubscriptionUpdate?, checkout: SubscriptionUpdate?, updates: [SubscriptionUpdate], before: Before?
    ) {
        self.deletion = deletion
        self.checkout = checkout
        self.updates = updates
        self.before = before
    }

    /// Takes one more update into the set.
    package mutating func add(_ update: SubscriptionUpdate) {
        switch update.kind {
        case .deleted:
            if deletion?.isEarlier(than: update) ?? true { deletion = update }
        case .checkout:
            if checkout?.isEarlierCheckout(than: update) ?? true { checkout = update }
        case .created, .updated, .observed, nil: insert(update)
        }
    }

    private mutating func insert(_ update: SubscriptionUpdate) {
        if before.map({ !$0.newest.isEarlier(than: update) }) ?? false {
            before?.add(update)
            return
        }
        // One event told in two wordings: the greater one counts, whichever came first.
        if let twin = updates.lastIndex(where: { $0.occurredAt == update.occurredAt && $0.eventID == update.eventID }) {
            guard updates[twin].isEarlier(than: update) else { return }
            updates.remove(at: twin)
        }
        // Most updates are newer than all before them.
        var index = updates.endIndex
        while index > 0, update.isEarlier(than: updates[index - 1]) { index -= 1 }
        updates.insert(update, at: index)
        if updates.count > Limits.subscriptionUpdatesMax {
            let oldest = updates.removeFirst()
            if before == nil { before = Before(oldest) } else { before?.add(oldest) }
        }
    }
}

extension SubscriptionUpdate {
    /// A total order: by time; at one instant the less entitled is the later, then by event id and content.
    func isEarlier(than other: SubscriptionUpdate) -> Bool {
        if occurredAt != other.occurredAt { return occurredAt < other.occurredAt }
        if status != other.status { return status.entitlement > other.status.entitlement }
        if eventID != other.eventID { return eventID < other.eventID }
        return self != other && content < other.content
    }

    /// Checkouts by second; within one, what came of the payment is later than the wait for it.
    fileprivate func isEarlierCheckout(than other: SubscriptionUpdate) -> Bool {
        if occurredAt.seconds != other.occurredAt.seconds { return occurredAt < other.occurredAt }
        if (status == .incomplete) != (other.status == .incomplete) { return status == .incomplete }
        return isEarlier(than: other)
    }

    /// More said, then by the text: only to choose between two wordings of one event.
    private var content: String {
        let text = String(decoding: payload.bytes, as: UTF8.self)
        let digits = String(text.utf8.count)
        return String(repeating: "0", count: max(0, 9 - digits.utf8.count)) + digits + text
    }

    /// Least entitled first; the event id makes it a total order over one provider's updates.
    func isLessEntitled(than other: SubscriptionUpdate) -> Bool {
        (status.entitlement, eventID) < (other.status.entitlement, other.eventID)
    }
}

extension SubscriptionStatus {
    /// How much it grants, least first.
    package var entitlement: Int {
        switch self {
        case .missing: 0
        case .canceled: 1
        case .incomplete: 2
        case .pastDue: 3
        case .active: 4
        }
    }
}

extension Timestamp {
    /// True for the times of providers that stamp whole seconds: when inside the second is unknown.
    package var isWholeSecond: Bool { nanoseconds % 1_000_000_000 == 0 }
}
