import BillingCore
import BusContract
import BusCore

/// A life that a subscription can really have, as its provider would tell it: whole seconds, many of them shared.
package struct SubscriptionHistory {
    /// Whose subscription.
    package static let account = "00000000-0000-4000-8000-000000000001"

    /// How often what happens, in 100 cases.
    package struct Habits {
        /// An update shares the second of the one before.
        package var sameSecond = 60
        /// An event names no account and no feature.
        package var unlinked = 0
        /// Live updates; the others are of test mode.
        package var isLive = false

        /// Habits with so many shared seconds.
        package init(sameSecond: Int, unlinked: Int = 0, isLive: Bool = false) {
            self.sameSecond = sameSecond
            self.unlinked = unlinked
            self.isLive = isLive
        }
    }

    /// What the provider told, in its order.
    package var updates: [SubscriptionUpdate] = []
    /// The provider's status at the end.
    package private(set) var status = "incomplete"
    /// What is paid for at the end.
    package private(set) var prices = ["price_1"]
    /// It ended with a deletion.
    package private(set) var isDeleted = false
    private let habits: Habits
    private var second: Int64 = 1_785_600_000
    /// When in the present second it was read; what happens afterwards is read again.
    private var readAt: Int64 = 0

    private static let next: [String: [String]] = [
        "incomplete": ["active", "incomplete_expired"], "active": ["past_due", "canceled", "paused"],
        "past_due": ["active", "unpaid", "canceled"], "unpaid": ["active", "canceled"], "paused": ["active"],
        "canceled": [], "incomplete_expired": [],
    ]

    /// A life of about `count` updates; `sameSecond` of 100 of them share the second of the one before.
    package init(count: Int, sameSecond: Int, _ random: inout SeededGenerator) {
        self.init(count: count, Habits(sameSecond: sameSecond), &random)
    }

    /// A life of about `count` updates.
    package init(count: Int, _ habits: Habits, _ random: inout SeededGenerator) {
        self.habits = habits
        status = random.chance(70) ? "incomplete" : "active"
        tell(.created, &random)
        while updates.count < count, !isDeleted {
            if !random.chance(habits.sameSecond) {
                second += Int64.random(in: 1...100, using: &random)
                readAt = 0
            }
            let before = updates.count
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<45: change(status: true, prices: false, &random)
            case 45..<57: change(status: false, prices: true, &random)
            case 57..<63: change(status: true, prices: true, &random)
            case 63..<73: tell(.updated, &random)
            case 73..<82: read(&random)
            case 82..<96: checkOut(&random)
            default:
                isDeleted = random.chance(30)
                if isDeleted { tell(.deleted, &random) }
            }
            if readAt > 0, updates.count > before, updates.last?.kind == .updated { read(&random) }
        }
    }

    private mutating func change(
        status changesStatus: Bool, prices changesPrices: Bool, _ random: inout SeededGenerator
    ) {
        let (oldStatus, oldPrices) = (status, prices)
        if changesStatus, let next = Self.next[status]?.randomElement(using: &random) { status = next }
        if changesPrices {
            prices = (random.chance(80) ? ["base"] : []) + ["price_\(Int.random(in: 1...3, using: &random))"]
        }
        tell(
            .updated, from: status == oldStatus ? nil : oldStatus, previousPrices: prices == oldPrices ? [] : oldPrices,
            &random)
    }

    private mutating func read(_ random: inout SeededGenerator) {
        readAt += Int64.random(in: 1...1_000_000, using: &random)
        tell(.observed, &random)
    }

    /// A checkout tells what became of its payment, whatever the subscription is at that time.
    private mutating func checkOut(_ random: inout SeededGenerator) {
        tell(.checkout, &random)
        let isPaid = random.chance(60)
        updates[updates.count - 1].status = isPaid ? .active : .incomplete
        updates[updates.count - 1].providerStatus = isPaid ? "paid" : "unpaid"
        updates[updates.count - 1].prices = []
    }

    private mutating func tell(
        _ kind: SubscriptionUpdate.Kind, from previous: String? = nil, previousPrices: [String] = [],
        _ random: inout SeededGenerator
    ) {
        var update = SubscriptionUpdate(
            eventID: "evt_\(habits.isLive ? "live" : "test")_\(updates.count)_\(random.next() % 65_536)",
            accountID: Self.account, provider: "stripe", status: kind == .deleted ? .canceled : Self.standing(status),
            occurredAt: Timestamp(clampingNanoseconds: second * 1_000_000_000 + (kind == .observed ? readAt : 0)))
        update.livemode = habits.isLive
        update.providerCustomerID = random.chance(50) ? "cus_1" : nil
        update.providerSubscriptionID = "sub_1"
        update.planID = random.chance(50) ? "plan_\(Int.random(in: 0..<3, using: &random))" : nil
        update.features = random.chance(70) ? ["llm:proxy"] : []
        if kind != .checkout, random.chance(habits.unlinked) { (update.accountID, update.features) = (nil, []) }
        update.kind = kind
        update.providerStatus = status
        update.previousProviderStatus = previous
        update.prices = Self.list(prices)
        update.previousPrices = Self.list(previousPrices)
        if random.chance(70) {
            update.currentPeriodStart = Timestamp(clampingSeconds: second)
            update.currentPeriodEnd = Timestamp(clampingSeconds: second + 2_592_000)
        }
        if random.chance(20) { update.cancelAt = Timestamp(clampingSeconds: second + 2_592_000) }
        updates.append(update)
    }

    private static func list(_ ids: [String]) -> [SubscriptionUpdate.Price] {
        ids.map { id in
            var price = SubscriptionUpdate.Price()
            (price.id, price.lookupKey, price.quantity) = (id, "\(id)_month", 1)
            return price
        }
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
