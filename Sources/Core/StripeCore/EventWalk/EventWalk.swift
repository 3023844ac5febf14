import BusCore

/// Which part of Stripe's list of events to read next (docs/contract/webhooks.md, "Lost webhooks").
///
/// A value: whoever cannot hand on the events of a page throws the copy away that took the page, and asks for it again.
/// All times are Stripe's own, so the clock of this machine decides nothing.
package struct EventWalk: Hashable, Sendable {
    /// What comes after a page.
    package enum Step: Hashable, Sendable {
        /// The next page.
        case goesOn
        /// Nothing: everything was read.
        case ended
        /// Nothing: there is more than one walk reads.
        case cut
    }

    /// The newest event that an earlier walk handed on.
    private var seen: Timestamp?
    /// The oldest time that counts in this walk.
    private var floor: Timestamp?
    /// The newest event that this walk handed on.
    private var newest: Timestamp?
    /// The oldest event that this walk has read.
    private var cursor: String?
    private var pages = 0
    private var limit = Limits.eventWalkPageEvents

    /// The types that have a meaning and are listed; thin events are not.
    package static let types = StripeEvent.Topic.allCases.filter { $0 != .meterErrors }.map(\.rawValue)

    /// A walk that has seen nothing: it reads everything that counts.
    package init() {}

    /// The call for the next page.
    package var call: StripeCall {
        StripeForms.events(types: EventWalk.types, from: seen.map(EventWalk.overlap), after: cursor, limit: limit)
    }

    /// Takes the page that `call` led to; gives the events to hand on, oldest first, and what comes next.
    package mutating func take(_ page: StripeEventPage) -> (due: [StripeEventPage.Element], step: Step) {
        if cursor == nil {
            if let seen, let now = page.answeredAt, now < EventWalk.overlap(seen) {
                // The clock was set back, so what happens now would count as seen.
                self = EventWalk()
                return ([], .goesOn)
            }
            let now = page.answeredAt ?? page.elements.map(\.created).max()
            floor = seen.map(EventWalk.overlap) ?? now?.advanced(bySeconds: -Limits.eventWalkWindowSeconds)
        }
        let due = page.elements.filter { isDue($0, page) }
        newest = [newest, due.map(\.created).max()].compactMap(\.self).max()
        pages += 1
        limit = Limits.eventWalkPageEvents
        let step: Step
        if page.hasMore, let last = page.elements.last, isCounted(last) {
            step = pages < Limits.eventWalkPagesMax ? .goesOn : .cut
            cursor = last.id
        } else {
            step = .ended
        }
        if step != .goesOn { end() }
        return (due.reversed(), step)
    }

    /// Begins the walk again, where Stripe knows the event no longer behind which it goes on.
    package mutating func startOver() {
        (floor, newest, cursor, pages) = (nil, nil, nil, 0)
    }

    /// Asks for less at once, where a page is too large to be read.
    package mutating func shrink() {
        limit = max(1, limit / 4)
    }

    private mutating func end() {
        seen = [seen, newest].compactMap(\.self).max()
        startOver()
    }

    /// A webhook may still be on its way for a moment; the next walk looks again.
    private func isDue(_ event: StripeEventPage.Element, _ page: StripeEventPage) -> Bool {
        guard isCounted(event) else { return false }
        return page.answeredAt.map { event.created.advanced(bySeconds: Limits.eventWalkGraceSeconds) <= $0 } ?? true
    }

    private func isCounted(_ event: StripeEventPage.Element) -> Bool { floor.map { event.created >= $0 } ?? true }

    /// Stripe promises no order, so each walk begins a while before the end of the last one.
    private static func overlap(_ time: Timestamp) -> Timestamp {
        time.advanced(bySeconds: -Limits.eventWalkOverlapSeconds)
    }
}
