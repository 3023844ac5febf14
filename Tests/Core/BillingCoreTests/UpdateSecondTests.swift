import BusContract
import BusCore
import TestSupport
import Testing

@testable import BillingCore

/// The end of one second's updates, beside a slow oracle that tries every ordering.
struct UpdateSecondTests {
    @Test("counting how often points are entered and left finds what trying every ordering finds")
    func everyOrdering() async {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var (decided, undecided) = (0, 0)
        for await _ in Rounds(1_500, proof: 100_000) {
            let updates = (0..<Int.random(in: 2...5, using: &random)).map { RandomStep.update($0, &random) }
            let start = random.chance(60) ? UpdatePoint(after: RandomStep.update(9, &random)) : nil
            let sorted = updates.sorted { $0.isEarlier(than: $1) }
            guard let second = UpdateSecond(sorted[...], after: start, isComplete: true) else { continue }
            let expected = Self.end(of: updates, after: start)
            #expect(second.isUndecided == (expected == nil), "seed \(PropertySettings.seed): \(updates)")
            if let expected {
                decided += 1
                #expect(UpdatePoint(after: second.end) == expected, "seed \(PropertySettings.seed): \(updates)")
            } else {
                undecided += 1
                let least = updates.map(\.status.entitlement).min()
                #expect(second.end.status.entitlement == least)
            }
        }
        #expect(decided > 100 && undecided > 100)
    }

    @Test("a second with more updates than are kept is decided at once, and stays undecided")
    func manyUpdates() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let updates = (0..<500).map { RandomStep.update($0, &random) }.sorted { $0.isEarlier(than: $1) }
        let second = UpdateSecond(updates[...], after: nil, isComplete: false)
        #expect(second?.isUndecided == true)
        #expect(second?.end.status == .canceled)
    }

    /// The rule as it is told: orderings that start there, else any; their one end, or nil.
    private static func end(of updates: [SubscriptionUpdate], after start: UpdatePoint?) -> UpdatePoint? {
        var (starting, any): (Set<UpdatePoint>, Set<UpdatePoint>) = ([], [])
        let created = updates.filter { $0.kind == .created }
        let beginning = start ?? (created.count == 1 ? UpdatePoint(after: created[0]) : nil)
        forEachPermutation(of: updates) { order in
            let isChain = zip(order, order.dropFirst()).allSatisfy {
                UpdatePoint(after: $0) == RandomStep.point(before: $1)
            }
            guard isChain, let first = order.first, let last = order.last else { return }
            any.insert(UpdatePoint(after: last))
            if beginning == RandomStep.point(before: first) { starting.insert(UpdatePoint(after: last)) }
        }
        let ends = starting.isEmpty ? any : starting
        let all = Set(updates.map { UpdatePoint(after: $0) })
        return ends.isEmpty ? (all.count == 1 ? all.first : nil) : (ends.count == 1 ? ends.first : nil)
    }
}

/// Updates of one second that need not make sense together.
private enum RandomStep {
    private static let words = ["active", "past_due", "canceled"]

    static func update(_ number: Int, _ random: inout SeededGenerator) -> SubscriptionUpdate {
        let word = words[Int.random(in: 0..<3, using: &random)]
        var update = SubscriptionUpdate(
            eventID: "evt_\(number)", accountID: SubscriptionHistory.account, provider: "stripe",
            status: SubscriptionHistory.standing(word), occurredAt: Timestamp(clampingSeconds: 1_785_600_000))
        update.kind = random.chance(10) ? .created : .updated
        update.providerStatus = word
        if random.chance(70) { update.previousProviderStatus = words[Int.random(in: 0..<3, using: &random)] }
        update.prices = prices(random.chance(80) ? 1 : 2)
        if random.chance(30) { update.previousPrices = prices(random.chance(50) ? 1 : 2) }
        return update
    }

    /// Where an update comes from: what it does not say was as it is.
    static func point(before update: SubscriptionUpdate) -> UpdatePoint {
        var before = update
        before.providerStatus = update.previousProviderStatus ?? update.providerStatus
        if !update.previousPrices.isEmpty { before.prices = update.previousPrices }
        return UpdatePoint(after: before)
    }

    private static func prices(_ number: Int) -> [SubscriptionUpdate.Price] {
        var price = SubscriptionUpdate.Price()
        price.id = "price_\(number)"
        return [price]
    }
}
