import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

struct SubscriptionOrderTests {
    @Test("every permutation of every history up to seven updates ends in the same subscription")
    func permutations() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for count in 1...7 {
            for _ in 0..<PropertySettings.rounds(count == 7 ? 3 : 12, proof: count == 7 ? 60 : 400) {
                let history = SubscriptionHistory(
                    count: count, sameSecond: Int.random(in: 20...95, using: &random), &random)
                guard let expected = SubscriptionHistory.decided(history.updates) else { continue }
                forEachPermutation(of: history.updates) { order in
                    #expect(SubscriptionHistory.decided(order) == expected, "seed \(PropertySettings.seed)")
                }
            }
        }
    }

    @Test("any order with any duplicates of a history up to 200 updates ends in the same subscription")
    func shuffles() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for _ in 0..<PropertySettings.rounds(150, proof: 10_000) {
            let history = SubscriptionHistory(
                count: Int.random(in: 8...200, using: &random), sameSecond: Int.random(in: 20...95, using: &random),
                &random)
            let expected = SubscriptionHistory.decided(history.updates)
            let copies = history.updates.filter { _ in random.chance(30) }
            let order = (history.updates + copies).shuffled(using: &random)
            #expect(SubscriptionHistory.decided(order) == expected, "seed \(PropertySettings.seed)")
        }
    }

    @Test("what is decided is what the provider says, and what is undecided grants no more than that")
    func truth() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var (decided, undecided) = (0, 0)
        for _ in 0..<PropertySettings.rounds(2_000, proof: 100_000) {
            let history = SubscriptionHistory(
                count: Int.random(in: 1...12, using: &random), sameSecond: Int.random(in: 20...95, using: &random),
                &random)
            guard let standing = SubscriptionHistory.decided(history.updates.shuffled(using: &random))?.standing else {
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
            }
        }
        #expect(decided > undecided)
    }

    @Test("the two rules people write first depend on arrival", arguments: WrongRule.allCases)
    func wrongRules(_ rule: WrongRule) {
        var random = SeededGenerator(seed: PropertySettings.seed)
        var wrong = 0
        for _ in 0..<100 {
            let history = SubscriptionHistory(count: 5, sameSecond: 60, &random)
            var outcomes: Set<SubscriptionStatus?> = []
            forEachPermutation(of: history.updates) { outcomes.insert(rule.status($0)) }
            if outcomes.count > 1 { wrong += 1 }
        }
        #expect(wrong > 10, "\(wrong) of 100 histories")
    }

    @Test("the events of one checkout share a second and end active, in any order")
    func checkout() {
        let updates = [
            update("evt_created", .created, .incomplete, "incomplete"),
            update("evt_updated", .updated, .active, "active", from: "incomplete"),
            update("evt_checkout", .checkout, .active, "paid"),
        ]
        forEachPermutation(of: updates) { order in
            let standing = SubscriptionHistory.decided(order)?.standing
            #expect(standing?.status == .active)
            #expect(standing?.isUndecided == false)
        }
    }

    @Test("a deletion is final, also when a later second says otherwise")
    func deletion() {
        let updates = [
            update("evt_1", .updated, .active, "active", at: 10),
            update("evt_2", .deleted, .canceled, "canceled", at: 5),
            update("evt_3", .observed, .active, "active", at: 20),
        ]
        forEachPermutation(of: updates) { order in
            #expect(SubscriptionHistory.decided(order)?.standing?.status == .canceled)
        }
    }

    @Test("contradicting updates of one second leave the least entitled one, and say so")
    func undecided() {
        let updates = [
            update("evt_1", .updated, .active, "active", from: "past_due"),
            update("evt_2", .updated, .pastDue, "past_due", from: "active"),
        ]
        forEachPermutation(of: updates) { order in
            let standing = SubscriptionHistory.decided(order)?.standing
            #expect(standing?.status == .pastDue)
            #expect(standing?.isUndecided == true)
        }
    }

    @Test("more updates in one second than are kept fail closed, in any order")
    func overfull() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let updates = (0..<40).map { number in
            update(
                "evt_\(number)", .updated, number == 7 ? .incomplete : .active, number == 7 ? "incomplete" : "active")
        }
        let expected = SubscriptionHistory.decided(updates)
        #expect(expected?.standing?.status == .incomplete)
        for _ in 0..<50 {
            #expect(SubscriptionHistory.decided(updates.shuffled(using: &random)) == expected)
        }
        #expect(expected?.order.candidates.count == Limits.subscriptionCandidatesMax)
    }

    @Test("times with a fraction order updates inside a second")
    func exactTimes() {
        var first = update("evt_1", nil, .active, nil)
        var second = update("evt_2", nil, .canceled, nil)
        first.occurredAt = Timestamp(clampingNanoseconds: 1_785_600_000_100_000_000)
        second.occurredAt = Timestamp(clampingNanoseconds: 1_785_600_000_200_000_000)
        forEachPermutation(of: [first, second]) { order in
            let standing = SubscriptionHistory.decided(order)?.standing
            #expect(standing?.status == .canceled)
            #expect(standing?.isUndecided == false)
        }
    }

    @Test("what an update leaves out is what the newest one that says it said")
    func missingFields() {
        var old = update("evt_1", .created, .active, "active", at: 1)
        old.planID = "llm-basic"
        old.providerCustomerID = "cus_1"
        let new = update("evt_2", .updated, .active, "active", at: 2, features: [])
        forEachPermutation(of: [old, new]) { order in
            let standing = SubscriptionHistory.decided(order)?.standing
            #expect(standing?.planID == "llm-basic")
            #expect(standing?.customerID == "cus_1")
            #expect(standing?.features == ["llm:proxy"])
        }
    }
}

private func update(
    _ id: String, _ kind: SubscriptionUpdate.Kind?, _ status: SubscriptionStatus, _ word: String?,
    from previous: String? = nil, at second: Int64 = 1_785_600_000, features: [String] = ["llm:proxy"]
) -> SubscriptionUpdate {
    var update = SubscriptionUpdate(
        eventID: id, accountID: SubscriptionHistory.account, provider: "stripe", status: status,
        occurredAt: Timestamp(clampingSeconds: second))
    update.providerSubscriptionID = "sub_1"
    update.features = features
    update.kind = kind
    update.providerStatus = word
    update.previousProviderStatus = previous
    return update
}

/// Heap's algorithm.
private func forEachPermutation<Element>(of elements: [Element], _ body: ([Element]) -> Void) {
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
