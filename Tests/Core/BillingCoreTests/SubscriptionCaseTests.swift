import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

/// What happened to people, as updates in every order of arrival.
struct SubscriptionCaseTests {
    @Test("the events of one checkout share a second and end active, in any order")
    func oneCheckout() {
        let updates = [
            update("evt_created", .created, .incomplete, "incomplete"),
            update("evt_updated", .updated, .active, "active", from: "incomplete"),
            update("evt_checkout", .checkout, .active, "paid"),
        ]
        expectAll(updates) { $0.status == .active && !$0.isUndecided }
    }

    @Test("an unpaid session that comes later than the active subscription takes nothing away")
    func unpaidSessionLater() {
        let updates = [
            update("evt_created", .created, .active, "active"),
            update("evt_session", .checkout, .incomplete, "unpaid", at: 1),
        ]
        expectAll(updates) { $0.status == .active && !$0.isUndecided }
    }

    @Test("an unpaid session in the second of the checkout leaves the subscription active and decided")
    func unpaidSessionInTheSameSecond() {
        let updates = [
            update("evt_created", .created, .incomplete, "incomplete"),
            update("evt_updated", .updated, .active, "active", from: "incomplete"),
            update("evt_session", .checkout, .incomplete, "unpaid"),
        ]
        expectAll(updates) { $0.status == .active && !$0.isUndecided }
    }

    @Test("a paid session alone grants until the subscription itself is heard of")
    func sessionAlone() {
        let session = update("evt_session", .checkout, .active, "paid", at: 5)
        expectAll([session]) { $0.status == .active }
        expectAll([session, update("evt_created", .created, .incomplete, "incomplete")]) { $0.status == .incomplete }
    }

    @Test("a bank debit that comes through days later completes the purchase, and one that fails ends it")
    func debit() {
        for (status, word) in [(SubscriptionStatus.active, "paid"), (.canceled, "failed")] {
            var updates = [
                update("evt_completed", .checkout, .incomplete, "unpaid"),
                update("evt_async", .checkout, status, word, at: 200_000),
            ]
            for index in updates.indices {
                updates[index].providerSubscriptionID = nil
                updates[index].mode = .payment
                updates[index].sessionID = "cs_1"
            }
            #expect(SubscriptionKey(updates[0]) == SubscriptionKey(updates[1]))
            expectAll(updates) { $0.status == status }
            updates[1].occurredAt = updates[0].occurredAt
            expectAll(updates) { $0.status == status }
        }
    }

    @Test("a subscription session that names no subscription grants nothing by itself")
    func unnamedSession() {
        var session = update("evt_session", .checkout, .active, "paid")
        session.providerSubscriptionID = nil
        session.mode = .subscription
        session.sessionID = "cs_1"
        expectAll([session]) { $0.status == .incomplete && $0.entitled.isEmpty && $0.key.isUnnamedSession }
    }

    @Test("a buyer of a payment link cancels: the deletion names no account and ends what the session opened")
    func unlinkedDeletion() {
        let session = update("evt_session", .checkout, .active, "paid")
        let deleted = unlinked(update("evt_deleted", .deleted, .canceled, "canceled", at: 90))
        expectAll([session, deleted]) { standing in
            standing.status == .canceled && standing.accountID == SubscriptionHistory.account
                && standing.features == ["llm:proxy"]
                && standing.entitled == [.init(from: time(0), until: time(90))]
        }
        let late = unlinked(update("evt_late", .updated, .pastDue, "past_due", from: "active", at: 60))
        expectAll([session, late]) { $0.status == .pastDue && $0.accountID == SubscriptionHistory.account }
    }

    @Test("Bus's keys disappear from a subscription and its failing and its end still count")
    func strippedKeys() {
        let updates = [
            update("evt_1", .created, .active, "active"),
            unlinked(update("evt_2", .updated, .pastDue, "past_due", from: "active", at: 50)),
        ]
        expectAll(updates) { $0.status == .pastDue && $0.features == ["llm:proxy"] && $0.planID == "llm-basic" }
        expectAll(updates + [unlinked(update("evt_3", .deleted, .canceled, "canceled", at: 70))]) {
            $0.status == .canceled
        }
    }

    @Test("a subscription that nobody named an account for has none, until somebody does")
    func noAccount() {
        let updates = [
            unlinked(update("evt_1", .created, .incomplete, "incomplete")),
            unlinked(update("evt_2", .updated, .active, "active", from: "incomplete")),
        ]
        expectAll(updates) { $0.accountID == nil && $0.dueAt == nil }
        expectAll(updates + [update("evt_3", .checkout, .active, "paid", at: 2)]) { standing in
            standing.accountID == SubscriptionHistory.account && standing.status == .active
                && standing.features == ["llm:proxy"]
        }
    }

    @Test("two readings in one second: the later one counts")
    func twoReadings() {
        var first = update("evt_1", .observed, .incomplete, "incomplete")
        var second = update("evt_2", .observed, .active, "active")
        first.occurredAt = Timestamp(clampingNanoseconds: time(0).nanoseconds + 40_000_000)
        second.occurredAt = Timestamp(clampingNanoseconds: time(0).nanoseconds + 90_000_000)
        expectAll([first, second]) { $0.status == .active && !$0.isUndecided }
    }

    @Test("there and back in one second ends where the second before ended")
    func thereAndBack() {
        let back = [
            update("evt_1", .updated, .pastDue, "past_due", from: "active", at: 9),
            update("evt_2", .updated, .active, "active", from: "past_due", at: 9),
        ]
        expectAll([update("evt_0", .created, .active, "active")] + back) { $0.status == .active && !$0.isUndecided }
        expectAll(back) { $0.status == .pastDue && $0.isUndecided && $0.dueAt == time(9) }
        expectAll(back + [update("evt_3", .observed, .active, "active", at: 60)]) {
            $0.status == .active && !$0.isUndecided
        }
    }

    @Test("a change of plan and its way back in one second end with what was paid for before")
    func pricesThereAndBack() {
        func priced(_ id: String, _ now: String, from before: String? = nil, at second: Int64) -> SubscriptionUpdate {
            var update = update(id, before == nil ? .created : .updated, .active, "active", at: second)
            update.prices = [price(now)]
            update.previousPrices = before.map { [price($0)] } ?? []
            return update
        }
        let start = priced("evt_0", "basic", at: 0)
        expectAll([start, priced("evt_1", "pro", from: "basic", at: 7)]) { $0.prices.map(\.id) == ["pro"] }
        let back = [priced("evt_1", "pro", from: "basic", at: 7), priced("evt_2", "basic", from: "pro", at: 7)]
        expectAll([start] + back) { $0.prices.map(\.id) == ["basic"] && !$0.isUndecided }
        expectAll(back) { $0.isUndecided && $0.status == .active }
    }

    @Test("a reading takes plan, prices and customer from itself alone")
    func readingAlone() {
        var old = update("evt_1", .created, .active, "active")
        old.providerCustomerID = "cus_1"
        old.prices = [price("basic")]
        var reading = update("evt_2", .observed, .active, "active", at: 5)
        reading.planID = nil
        reading.features = ["llm:batch"]
        expectAll([old, reading]) { standing in
            standing.planID == nil && standing.customerID == nil && standing.prices.isEmpty
                && standing.features == ["llm:batch"]
        }
        var next = update("evt_3", .updated, .pastDue, "past_due", from: "active", at: 9)
        next.planID = nil
        expectAll([old, reading, next]) { $0.planID == nil && $0.customerID == nil }
    }

    @Test("what an update leaves out is what the newest one that says it said")
    func missingFields() {
        var old = update("evt_1", .created, .active, "active")
        old.providerCustomerID = "cus_1"
        old.prices = [price("basic")]
        old.currentPeriodEnd = time(1_000)
        old.cancelAt = time(1_000)
        var new = update("evt_2", .updated, .active, "active", at: 2)
        (new.features, new.planID) = ([], nil)
        expectAll([old, new]) { standing in
            standing.planID == "llm-basic" && standing.customerID == "cus_1" && standing.features == ["llm:proxy"]
                && standing.prices.map(\.id) == ["basic"] && standing.currentPeriodEnd == time(1_000)
                && standing.cancelAt == nil
        }
    }

    @Test("a deletion is final, also when a later second says otherwise")
    func deletion() {
        let updates = [
            update("evt_1", .updated, .active, "active", at: 10),
            update("evt_2", .deleted, .canceled, "canceled", at: 5),
            update("evt_3", .observed, .active, "active", at: 20),
        ]
        expectAll(updates) { $0.status == .canceled && $0.entitled.isEmpty }
    }

    @Test("it is known since when charges fail, and when it was active")
    func times() {
        let updates = [
            update("evt_1", .created, .incomplete, "incomplete"),
            update("evt_2", .updated, .active, "active", from: "incomplete", at: 3),
            update("evt_3", .updated, .pastDue, "past_due", from: "active", at: 50),
            update("evt_4", .updated, .pastDue, "past_due", at: 60),
            update("evt_5", .updated, .pastDue, "unpaid", from: "past_due", at: 70),
        ]
        expectAll(updates) { standing in
            standing.pastDueSince == time(50) && standing.entitled == [.init(from: time(3), until: time(50))]
        }
        expectAll(updates + [update("evt_6", .updated, .active, "active", from: "unpaid", at: 80)]) { standing in
            standing.pastDueSince == nil
                && standing.entitled == [.init(from: time(3), until: time(50)), .init(from: time(80), until: nil)]
        }
    }

    @Test("hundreds of updates while charges fail do not move the time since when they fail")
    func failingForLong() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let updates =
            [update("evt_0", .created, .active, "active"), update("evt_1", .updated, .pastDue, "past_due", at: 1)]
            + (2..<200).map { update("evt_\($0)", .updated, .pastDue, "past_due", at: Int64($0) * 3_600) }
        let standing = SubscriptionHistory.decided(updates.shuffled(using: &random))?.standing
        // Known to the last moment without failing, which is before the first failing one.
        #expect(standing?.pastDueSince == time(0))
    }

    @Test("more updates in one second than are kept fail closed, in any order")
    func overfull() {
        var random = SeededGenerator(seed: PropertySettings.seed)
        let updates = (0..<90).map { number in
            update(
                "evt_\(number)", .updated, number == 7 ? .incomplete : .active, number == 7 ? "incomplete" : "active")
        }
        let expected = SubscriptionHistory.decided(updates)
        #expect(expected?.standing?.status == .incomplete)
        #expect(expected?.standing?.isUndecided == true)
        for _ in 0..<20 {
            #expect(SubscriptionHistory.decided(updates.shuffled(using: &random)) == expected)
        }
        #expect(expected?.order.updates.count == Limits.subscriptionUpdatesMax)
    }

    @Test("times with a fraction order updates inside a second")
    func exactTimes() {
        var first = update("evt_1", nil, .active, nil)
        var second = update("evt_2", nil, .canceled, nil)
        first.occurredAt = Timestamp(clampingNanoseconds: 1_785_600_000_100_000_000)
        second.occurredAt = Timestamp(clampingNanoseconds: 1_785_600_000_200_000_000)
        expectAll([first, second]) { $0.status == .canceled && !$0.isUndecided }
    }

    @Test("a subscription is due when its paid time ended two days ago, and an undecided one at once")
    func due() {
        var paid = update("evt_1", .created, .active, "active")
        paid.currentPeriodEnd = time(1_000)
        expectAll([paid]) { $0.dueAt == time(1_000 + 48 * 3_600) }
        paid.currentPeriodEnd = nil
        expectAll([paid]) { $0.dueAt == time(33 * 86_400) }
        expectAll([paid, update("evt_2", .deleted, .canceled, "canceled", at: 3)]) { $0.dueAt == nil }
        var payment = update("evt_3", .checkout, .active, "paid")
        payment.providerSubscriptionID = nil
        expectAll([payment]) { $0.dueAt == nil }
        let again = (1...12).map { SubscriptionStanding.nextRequest(after: $0, at: time(0)).seconds - time(0).seconds }
        #expect(again.prefix(3) == [300, 600, 1_200])
        #expect(again.last == 86_400)
    }

    // MARK: Helpers

    private func expectAll(
        _ updates: [SubscriptionUpdate], sourceLocation: SourceLocation = #_sourceLocation,
        _ isRight: (SubscriptionStanding) -> Bool
    ) {
        forEachPermutation(of: updates) { order in
            for order in [order, order + order] {
                let standing = SubscriptionHistory.decided(order)?.standing
                #expect(standing.map(isRight) == true, "\(standing as Any)", sourceLocation: sourceLocation)
            }
        }
    }
}

private func time(_ second: Int64) -> Timestamp { Timestamp(clampingSeconds: 1_785_600_000 + second) }

private func price(_ id: String) -> SubscriptionUpdate.Price {
    var price = SubscriptionUpdate.Price()
    price.id = id
    return price
}

private func unlinked(_ update: SubscriptionUpdate) -> SubscriptionUpdate {
    var update = update
    (update.accountID, update.features, update.planID) = (nil, [], nil)
    return update
}

private func update(
    _ id: String, _ kind: SubscriptionUpdate.Kind?, _ status: SubscriptionStatus, _ word: String?,
    from previous: String? = nil, at second: Int64 = 0
) -> SubscriptionUpdate {
    var update = SubscriptionUpdate(
        eventID: id, accountID: SubscriptionHistory.account, provider: "stripe", status: status,
        occurredAt: time(second))
    update.providerSubscriptionID = "sub_1"
    update.features = ["llm:proxy"]
    update.planID = "llm-basic"
    update.kind = kind
    update.providerStatus = word
    update.previousProviderStatus = previous
    return update
}
