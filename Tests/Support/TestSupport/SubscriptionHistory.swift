import BillingCore
import BusContract
import BusCore

/// A life that a subscription can really have, as its provider would tell it: whole seconds, many of them shared.
package struct SubscriptionHistory {
    /// Whose subscription.
    package static let account = "00000000-0000-4000-8000-000000000001"

    /// What the provider told, in its order.
    package var updates: [SubscriptionUpdate] = []
    /// The provider's status at the end.
    package private(set) var status = "incomplete"
    /// It ended with a deletion.
    package private(set) var isDeleted = false
    private var second: Int64 = 1_785_600_000

    private static let next: [String: [String]] = [
        "incomplete": ["active", "incomplete_expired"], "active": ["past_due", "canceled", "paused"],
        "past_due": ["active", "unpaid", "canceled"], "unpaid": ["active", "canceled"], "paused": ["active"],
        "canceled": [], "incomplete_expired": [],
    ]

    /// A life of `count` updates; `sameSecond` of 100 of them share the second of the one before.
    package init(count: Int, sameSecond: Int, _ random: inout SeededGenerator) {
        status = random.chance(70) ? "incomplete" : "active"
        tell(.created, from: nil, &random)
        while updates.count < count, !isDeleted {
            if !random.chance(sameSecond) { second += Int64.random(in: 1...100, using: &random) }
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<55: step(&random)
            case 55..<70: tell(.updated, from: nil, &random)
            case 70..<82: tell(.observed, from: nil, &random)
            case 82..<94: tell(.checkout, from: nil, &random)
            default:
                isDeleted = random.chance(30)
                if isDeleted { tell(.deleted, from: nil, &random) }
            }
        }
    }

    private mutating func step(_ random: inout SeededGenerator) {
        guard let next = Self.next[status]?.randomElement(using: &random) else {
            return tell(.updated, from: nil, &random)
        }
        let previous = status
        status = next
        tell(.updated, from: previous, &random)
    }

    private mutating func tell(
        _ kind: SubscriptionUpdate.Kind, from previous: String?, _ random: inout SeededGenerator
    ) {
        // A checkout tells the payment's word, and only once the payment is through.
        if kind == .checkout, Self.standing(status) != .active { return }
        var update = SubscriptionUpdate(
            eventID: "evt_\(updates.count)_\(UInt16.random(in: 0...UInt16.max, using: &random))",
            accountID: Self.account, provider: "stripe", status: kind == .deleted ? .canceled : Self.standing(status),
            occurredAt: Timestamp(clampingSeconds: second))
        update.providerCustomerID = random.chance(50) ? "cus_1" : nil
        update.providerSubscriptionID = "sub_1"
        update.planID = random.chance(50) ? "plan_\(Int.random(in: 0..<3, using: &random))" : nil
        update.features = random.chance(70) ? ["llm:proxy"] : []
        update.kind = kind
        update.providerStatus = kind == .checkout ? "paid" : status
        update.previousProviderStatus = previous
        updates.append(update)
    }

    /// The standing that a status word of the provider means.
    package static func standing(_ word: String) -> SubscriptionStatus {
        switch word {
        case "active": .active
        case "past_due", "unpaid", "paused": .pastDue
        case "canceled", "incomplete_expired": .canceled
        default: .incomplete
        }
    }

    /// The order rule, adding in the given order.
    package static func decided(_ updates: some Collection<SubscriptionUpdate>) -> Subscription? {
        guard let first = updates.first else { return nil }
        var subscription = Subscription(first)
        for update in updates.dropFirst() { subscription.apply(update) }
        return subscription
    }
}

extension SeededGenerator {
    /// True in `percent` of 100 cases.
    package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}
