import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

/// Any order of arrival, with any repetitions, ends in the same subscription, and in the right one.
struct SubscriptionOrderTests {
    @Test("every permutation of every history up to seven updates ends in the same subscription")
    func permutations() async {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for count in 1...7 {
            for await _ in Rounds(count == 7 ? 2 : 10, proof: count == 7 ? 60 : 400) {
                let history = SubscriptionHistory(count: count, habits(&random), &random)
                let updates = Array(history.updates.prefix(7))
                let expected = SubscriptionHistory.decided(updates)
                forEachPermutation(of: updates) { order in
                    #expect(SubscriptionHistory.decided(order) == expected, "seed \(PropertySettings.seed)")
                }
            }
        }
    }

    @Test("any order with any duplicates of a history up to 200 updates ends in the same subscription")
    func shuffles() async {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(100, proof: 10_000) {
            let history = SubscriptionHistory(count: Int.random(in: 8...200, using: &random), habits(&random), &random)
            let expected = SubscriptionHistory.decided(history.updates)
            let copies = history.updates.filter { _ in random.chance(30) }
            let order = (history.updates + copies).shuffled(using: &random)
            let decided = SubscriptionHistory.decided(order)
            #expect(decided == expected, "seed \(PropertySettings.seed)")
            #expect(decided?.standing == expected?.standing, "seed \(PropertySettings.seed)")
        }
    }

    @Test("what is decided is what the provider says, and what is undecided grants no more than that")
    func truth() async {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var (decided, undecided) = (0, 0)
        for await round in Rounds(2_000, proof: 100_000) {
            let count =
                round % 20 == 0 ? Int.random(in: 60...200, using: &random) : Int.random(in: 1...12, using: &random)
            let history = SubscriptionHistory(count: count, habits(&random), &random)
            // Half of the histories have lost their beginning, so that nobody knows where the first second started.
            let known = random.chance(50) ? history.updates : withoutBeginning(history.updates, &random)
            guard let standing = SubscriptionHistory.decided(known.shuffled(using: &random))?.standing else {
                Issue.record("a history without updates")
                return
            }
            let truth = history.isDeleted ? .canceled : SubscriptionHistory.standing(history.status)
            if standing.isUndecided {
                undecided += 1
                #expect(standing.status.entitlement <= truth.entitlement, "seed \(PropertySettings.seed)")
            } else {
                decided += 1
                #expect(standing.status == truth, "seed \(PropertySettings.seed): \(history.updates)")
                if !history.isDeleted {
                    #expect(standing.prices.map(\.id) == history.prices, "seed \(PropertySettings.seed)")
                }
            }
        }
        print("  subscription histories decided \(decided), undecided \(undecided), seed \(PropertySettings.seed)")
        #expect(decided > undecided && undecided > 0)
    }

    @Test("an update older than all that is kept changes neither status nor plan nor prices, whenever it comes")
    func olderThanKept() async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(50, proof: 2_000) {
            let history = SubscriptionHistory(count: 150, habits(&random), &random)
            guard var subscription = SubscriptionHistory.decided(history.updates), subscription.order.before != nil,
                let before = subscription.standing, var late = history.updates.last(where: { $0.kind == .updated })
            else { continue }
            late.eventID = "evt_late"
            late.occurredAt = history.updates[0].occurredAt
            late.status = late.status == .active ? .canceled : .active
            subscription.apply(late)
            let after = try #require(subscription.standing)
            #expect(after.status == before.status && after.prices == before.prices, "seed \(PropertySettings.seed)")
            #expect(after.planID == before.planID && after.isUndecided == before.isUndecided)
            #expect(subscription.order.updates.count == Limits.subscriptionUpdatesMax)
        }
    }

    @Test("test and live updates of one id are two subscriptions, and neither moves the other")
    func modes() async {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(50, proof: 2_000) {
            let test = SubscriptionHistory(count: 12, habits(&random), &random)
            let live = SubscriptionHistory(count: 12, .init(sameSecond: 60, isLive: true), &random)
            var stored: [SubscriptionKey: Subscription] = [:]
            for update in (test.updates + live.updates).shuffled(using: &random) {
                let key = SubscriptionKey(update)
                if stored[key]?.apply(update) == nil { stored[key] = Subscription(update) }
            }
            let ends = Set(stored.values)
            let expected = Set([test, live].compactMap { SubscriptionHistory.decided($0.updates) })
            #expect(ends == expected, "seed \(PropertySettings.seed)")
        }
    }

    @Test("the rules people write first depend on arrival or end wrong", arguments: WrongRule.allCases)
    func wrongRules(_ rule: WrongRule) {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var wrong = 0
        for _ in 0..<100 {
            let history = SubscriptionHistory(count: 5, sameSecond: 60, &random)
            let truth = history.isDeleted ? .canceled : SubscriptionHistory.standing(history.status)
            var outcomes: Set<SubscriptionStatus?> = [truth]
            forEachPermutation(of: Array(history.updates.prefix(6))) { outcomes.insert(rule.status($0)) }
            let ours = SubscriptionHistory.decided(history.updates)?.standing
            if outcomes.count > 1, ours?.isUndecided == false { wrong += 1 }
        }
        #expect(wrong > 10, "\(wrong) of 100 histories")
    }

    /// The updates from some second on, in which the subscription itself was heard of.
    private func withoutBeginning(
        _ updates: [SubscriptionUpdate], _ random: inout SeededGenerator
    ) -> [SubscriptionUpdate] {
        let seconds = Set(updates.filter { $0.kind != .checkout }.map(\.occurredAt.seconds))
        guard let first = seconds.sorted().randomElement(using: &random) else { return updates }
        return updates.filter { $0.occurredAt.seconds >= first }
    }

    private func habits(_ random: inout SeededGenerator) -> SubscriptionHistory.Habits {
        .init(sameSecond: Int.random(in: 20...95, using: &random), unlinked: random.chance(50) ? 40 : 0)
    }
}

/// Heap's algorithm.
func forEachPermutation<Element>(of elements: [Element], _ body: ([Element]) -> Void) {
    var order = elements
    func permute(_ count: Int) {
        if count <= 1 { return body(order) }
        for index in 0..<count {
            permute(count - 1)
            order.swapAt(count.isMultiple(of: 2) ? index : 0, count - 1)
        }
    }
    permute(order.count)
}
