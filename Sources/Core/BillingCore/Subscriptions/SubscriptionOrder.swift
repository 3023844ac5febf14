import BusContract
import BusCore

/// Decides a subscription's state from its updates in any order (docs/contract/billing.md, "Order of updates").
///
/// A provider stamps whole seconds and promises no order, so comparing two updates cannot work. Every part of this
/// value is a maximum, or the first few of a total order, over all updates seen: adding them in any order, any number
/// of times, ends in an equal value.
package struct SubscriptionOrder: Hashable, Sendable {
    /// The newest deletion; a deleted subscription never comes back under its id.
    package private(set) var deletion: SubscriptionUpdate?
    /// The newest second that any update named.
    package private(set) var second: Int64
    /// Updates of that second, least entitled first, at most `Limits.subscriptionCandidatesMax`.
    package private(set) var candidates: [SubscriptionUpdate] = []
    /// The latest of those whose time has a fraction, which orders them among themselves.
    package private(set) var latestExact: SubscriptionUpdate?
    /// There were more candidates than are kept.
    package private(set) var isOverfull = false

    /// What one update decides.
    package init(_ update: SubscriptionUpdate) {
        second = update.occurredAt.seconds
        add(update)
    }

    /// A state that was stored.
    package init(
        deletion: SubscriptionUpdate?, second: Int64, candidates: [SubscriptionUpdate],
        latestExact: SubscriptionUpdate?, isOverfull: Bool
    ) {
        self.deletion = deletion
        self.second = second
        self.candidates = candidates
        self.latestExact = latestExact
        self.isOverfull = isOverfull
    }

    /// Takes one more update into the set.
    package mutating func add(_ update: SubscriptionUpdate) {
        if update.kind == .deleted { deletion = [deletion, update].compactMap { $0 }.max(by: isEarlier) }
        if update.occurredAt.seconds < second { return }
        if update.occurredAt.seconds > second {
            second = update.occurredAt.seconds
            candidates = []
            latestExact = nil
            isOverfull = false
        }
        if update.occurredAt.isWholeSecond {
            insert(update)
        } else {
            latestExact = [latestExact, update].compactMap { $0 }.max(by: isEarlier)
        }
    }

    private mutating func insert(_ update: SubscriptionUpdate) {
        if candidates.contains(where: { $0.eventID == update.eventID }) { return }
        let index = candidates.firstIndex { isLessEntitled(update, $0) } ?? candidates.endIndex
        candidates.insert(update, at: index)
        if candidates.count > Limits.subscriptionCandidatesMax {
            candidates.removeLast()
            isOverfull = true
        }
    }

    /// The update that stands, and whether the set left it open.
    package var verdict: (update: SubscriptionUpdate, isUndecided: Bool)? {
        if let deletion { return (deletion, false) }
        let all = candidates + [latestExact].compactMap { $0 }
        guard let least = all.min(by: isLessEntitled) else { return nil }
        if isOverfull { return (least, true) }
        if let end = StatusChain(all).end { return (end, false) }
        let isUnanimous = all.allSatisfy { $0.status == least.status }
        return (isUnanimous ? all.max(by: isWeaker) ?? least : least, !isUnanimous)
    }
}

/// The chain of statuses within one second: each update names the status it came from.
struct StatusChain {
    private let steps: [SubscriptionUpdate]
    private let points: [SubscriptionUpdate]

    init(_ updates: [SubscriptionUpdate]) {
        let isStep: (SubscriptionUpdate) -> Bool = { update in
            update.previousProviderStatus != nil && update.providerStatus != nil
                && update.previousProviderStatus != update.providerStatus
        }
        steps = updates.filter(isStep)
        points = updates.filter { !isStep($0) }
    }

    /// The update that the way ends with; nil unless all updates lie on one way with one end.
    ///
    /// Every step leaves one status and enters another, so all statuses are entered as often as they are left, but for
    /// the first and the last.
    var end: SubscriptionUpdate? {
        var balance: [String: Int] = [:]
        for step in steps {
            balance[step.previousProviderStatus ?? "", default: 0] -= 1
            balance[step.providerStatus ?? "", default: 0] += 1
        }
        let (open, others) = (balance.filter { $0.value != 0 }, balance)
        guard open.count == 2, let first = open.first(where: { $0.value == -1 })?.key,
            let last = open.first(where: { $0.value == 1 })?.key, isConnected(from: first)
        else { return nil }
        let statuses = Set(steps.map(\.status))
        let isOnTheWay = points.allSatisfy { point in
            point.providerStatus.map { others[$0] != nil } == true || statuses.contains(point.status)
        }
        guard isOnTheWay else { return nil }
        return steps.filter { $0.providerStatus == last }.min(by: isLessEntitled)
    }

    /// True when every step can be reached from `start`.
    private func isConnected(from start: String) -> Bool {
        var reached: Set<String> = [start]
        var grew = true
        while grew {
            grew = false
            for step in steps where reached.contains(step.previousProviderStatus ?? "") {
                if reached.insert(step.providerStatus ?? "").inserted { grew = true }
            }
        }
        return steps.allSatisfy { reached.contains($0.previousProviderStatus ?? "") }
    }
}

/// Least entitled first; the event id makes it a total order over one provider's updates.
private func isLessEntitled(_ left: SubscriptionUpdate, _ right: SubscriptionUpdate) -> Bool {
    (left.status.entitlement, left.eventID) < (right.status.entitlement, right.eventID)
}

/// By time, then as `isLessEntitled` reversed: of two at the same instant the less entitled counts as the later.
private func isEarlier(_ left: SubscriptionUpdate, _ right: SubscriptionUpdate) -> Bool {
    left.occurredAt == right.occurredAt ? isLessEntitled(right, left) : left.occurredAt < right.occurredAt
}

/// Orders two updates with the same status by how much they know; a subscription that was read again knows most.
private func isWeaker(_ left: SubscriptionUpdate, _ right: SubscriptionUpdate) -> Bool {
    (left.kind.knowledge, left.eventID) < (right.kind.knowledge, right.eventID)
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

extension SubscriptionUpdate.Kind? {
    fileprivate var knowledge: Int {
        switch self {
        case nil: 0
        case .checkout: 1
        case .created: 2
        case .updated: 3
        case .observed: 4
        case .deleted: 5
        }
    }
}

extension Timestamp {
    /// True for the times of providers that stamp whole seconds: when inside the second is unknown.
    package var isWholeSecond: Bool { nanoseconds % 1_000_000_000 == 0 }
}
