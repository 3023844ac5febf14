import BusContract
import BusCore

/// What a subscription went through, second by second, and where it ends.
struct SubscriptionWalk {
    /// The update that stands.
    let end: SubscriptionUpdate
    /// The last second's updates contradict each other.
    let isUndecided: Bool
    /// Since when its charges fail; nil unless they fail at the end.
    let failingSince: Timestamp?
    /// When it was active, the newest `Limits.entitledTimesMax`, the oldest first.
    let entitled: [SubscriptionStanding.EntitledTime]

    /// A status from a moment on.
    private struct Stay {
        let from: Timestamp
        let status: SubscriptionStatus
    }

    /// Goes through the set; nil when it is empty.
    init?(_ order: SubscriptionOrder) {
        var stays: [Stay] = []
        if let oldest = order.before?.newest {
            stays.append(Stay(from: order.before?.lastOther(than: oldest.status) ?? .earliest, status: oldest.status))
        }
        let last = SubscriptionWalk.go(through: order.updates, before: order.before, &stays)
        if let deletion = order.deletion {
            end = deletion
            isUndecided = false
        } else if let last {
            end = last.end
            isUndecided = last.isUndecided
        } else if let checkout = order.checkout {
            end = checkout
            isUndecided = false
        } else {
            return nil
        }
        if stays.isEmpty, let checkout = order.checkout {
            stays = [Stay(from: checkout.occurredAt, status: checkout.status)]
        }
        let deleted = order.deletion.map { $0.endedAt ?? $0.occurredAt }
        entitled = SubscriptionWalk.entitled(stays, until: deleted)
        let failing = stays.lastIndex { $0.status != .pastDue }.map { $0 + 1 } ?? 0
        failingSince = deleted == nil && failing < stays.endIndex ? stays[failing].from : nil
    }

    private static func go(
        through updates: [SubscriptionUpdate], before: SubscriptionOrder.Before?, _ stays: inout [Stay]
    ) -> UpdateSecond? {
        var last: UpdateSecond?
        var index = updates.startIndex
        while index < updates.endIndex {
            let second = updates[index].occurredAt.seconds
            let end = updates[index...].firstIndex { $0.occurredAt.seconds != second } ?? updates.endIndex
            let isComplete = before?.newest.occurredAt.seconds != second
            // An undecided second does not say where the next one starts, and neither does an update without its second.
            let start = last.flatMap { $0.isUndecided ? nil : UpdatePoint(after: $0.end) }
            last = UpdateSecond(updates[index..<end], after: start, isComplete: isComplete)
            if let end = last?.end { stays.append(Stay(from: end.occurredAt, status: end.status)) }
            index = end
        }
        return last
    }

    private static func entitled(_ stays: [Stay], until deleted: Timestamp?) -> [SubscriptionStanding.EntitledTime] {
        var times: [SubscriptionStanding.EntitledTime] = []
        var since: Timestamp?
        for stay in stays where deleted.map({ stay.from < $0 }) ?? true {
            if stay.status == .active {
                since = since ?? stay.from
            } else if let from = since {
                times.append(.init(from: from, until: stay.from))
                since = nil
            }
        }
        if let since { times.append(.init(from: since, until: deleted)) }
        return Array(times.suffix(Limits.entitledTimesMax))
    }
}
