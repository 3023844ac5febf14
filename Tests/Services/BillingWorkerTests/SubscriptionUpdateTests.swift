import BillingCore
import BusContract
import BusCore
import BusLoops
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

/// What happened to buyers, through the handlers and the store.
struct SubscriptionUpdateTests {
    @Test("updates that were read together share commits")
    func sharedCommits() async throws {
        try await BillingBench.run(on: .file) { bench in
            try await withTaskExecutorPreference(EventLoopExecutor.ofProcess) {
                try await withThrowingTaskGroup { updates in
                    for number in 0..<64 {
                        updates.addTask {
                            try await bench.update("evt_\(number)", "active", subscription: "sub_\(number)")
                        }
                    }
                    try await updates.waitForAll()
                }
            }
            // 1 to 3 where this was written; 14 when the first ones were committed while the others were still being read.
            #expect(bench.transactions.count <= 8, "\(bench.transactions.count) transactions")
        }
    }

    @Test(
        "a buyer of a payment link cancels or falls behind, and loses the access that the session gave",
        arguments: TestStore.allCases)
    func paymentLink(_ store: TestStore) async throws {
        for (kind, status, word) in [("deleted", "canceled", "canceled"), ("updated", "past_due", "past_due")] {
            let session: [String: JSONValue] = ["kind": "checkout", "provider_status": "paid"]
            for order in [[0, 1], [1, 0]] {
                try await BillingBench.run(on: store) { bench in
                    for step in order {
                        if step == 0 {
                            try await bench.update("evt_session", "active", more: session)
                        } else {
                            try await bench.unlinked("evt_end", status, kind, word, at: 60)
                        }
                    }
                    let answer = try await bench.status()
                    #expect(answer["status"] == .string(status), "\(order)")
                    #expect(try await bench.check()["allowed"] == false)
                }
            }
        }
    }

    @Test(
        "the creation of a subscription comes before its session and counts as soon as the session names the account",
        arguments: TestStore.allCases)
    func createdBeforeSession(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let first = try await bench.unlinked("evt_created", "incomplete", "created", "incomplete")
            #expect(first == ["status": "missing", "applied": false])
            try await bench.unlinked("evt_updated", "active", "updated", "active", from: "incomplete")
            #expect(try await bench.check()["allowed"] == false)
            // An unpaid session alone would grant nothing; what it says of the account opens what was paid.
            let session = try await bench.update(
                "evt_session", "incomplete", at: BillingBench.noon.seconds + 1,
                more: ["kind": "checkout", "provider_status": "unpaid"])
            #expect(session["status"] == "active" && session["applied"] == true)
            #expect(try await bench.check()["allowed"] == true)
        }
    }

    @Test(
        "Bus's keys disappear from a subscription, and access ends with it all the same", arguments: TestStore.allCases)
    func strippedKeys(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", more: ["kind": "created", "provider_status": "active"])
            try await bench.unlinked("evt_2", "past_due", "updated", "past_due", from: "active", at: 50)
            #expect(try await bench.status()["status"] == "past_due")
            try await bench.unlinked("evt_3", "active", "updated", "active", from: "past_due", at: 60)
            #expect(try await bench.check()["allowed"] == true, "the features of before still count")
            try await bench.unlinked("evt_4", "canceled", "deleted", "canceled", at: 70)
            #expect(try await bench.status()["status"] == "canceled")
        }
    }

    @Test("a subscription of another shop of the operator grants nobody anything", arguments: TestStore.allCases)
    func foreignSubscription(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let answer = try await bench.unlinked("evt_1", "active", "created", "active", subscription: "sub_other")
            #expect(answer["account_id"] == nil)
            #expect(try await bench.status()["status"] == "missing")
            let response = await bench.ask(
                Exchange.unlinkedUpdate.request,
                ["event_id": "evt_2", "provider": "stripe", "status": "active"])
            #expect(response.error?.code == "invalid_request")
        }
    }

    @Test(
        "a resent event changes nothing, and a reading of its own decides what was undecided",
        arguments: TestStore.allCases)
    func readingDecides(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let there: [String: JSONValue] = [
                "kind": "updated", "provider_status": "past_due", "previous_provider_status": "active",
            ]
            let back: [String: JSONValue] = [
                "kind": "updated", "provider_status": "active", "previous_provider_status": "past_due",
            ]
            try await bench.update("evt_1", "past_due", more: there)
            let open = try await bench.update("evt_2", "active", more: back)
            #expect(open["undecided"] == true && open["status"] == "past_due")
            #expect(try await bench.update("evt_1", "past_due", more: there)["applied"] == false)
            let read = try await bench.update(
                "observed:sub_1:1", "active",
                more: [
                    "kind": "observed", "provider_status": "active", "occurred_at": "2026-08-01T12:00:00.5Z",
                ])
            #expect(read["status"] == "active" && read["undecided"] == nil)
        }
    }

    @Test("a debit that fails days later ends the purchase, and its session is one row", arguments: TestStore.allCases)
    func debit(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let session: [String: JSONValue] = ["kind": "checkout", "mode": "payment", "session_id": "cs_1"]
            try await bench.update("evt_1", "incomplete", subscription: nil, more: session)
            #expect(try await bench.check()["allowed"] == false)
            let later = BillingBench.noon.seconds + 200_000
            try await bench.update("evt_2", "active", subscription: nil, at: later, more: session)
            #expect(try await bench.check()["allowed"] == true)
            try await bench.update("evt_3", "canceled", subscription: nil, at: later + 1, more: session)
            #expect(try await bench.check()["allowed"] == false)
            let rows = try await bench.database.read { try $0.rows("SELECT name FROM bus_billing_subscriptions") }
            #expect(try rows.map { try $0.text(0) } == ["payment:cs_1"])
        }
    }

    @Test(
        "a session that did not say which subscription it sold does not outlive the subscription",
        arguments: TestStore.allCases)
    func unnamedSession(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update(
                "evt_1", "active", subscription: nil,
                more: ["kind": "checkout", "mode": "subscription", "session_id": "cs_1"])
            #expect(try await bench.check()["allowed"] == false)
            try await bench.update("evt_2", "active", subscription: "sub_20", more: ["kind": "created"])
            #expect(try await bench.check()["allowed"] == true)
            try await bench.update("evt_3", "canceled", subscription: "sub_20", more: ["kind": "deleted"])
            #expect(try await bench.status()["status"] == "canceled")
        }
    }

    @Test(
        "after the first live purchase test purchases open nothing, and a test customer is not used",
        arguments: TestStore.allCases)
    func testToLive(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            #expect(try await bench.check()["allowed"] == true)
            try await bench.update("evt_2", "canceled", more: ["livemode": true, "provider_customer_id": "cus_live"])
            #expect(try await bench.check()["allowed"] == false)
            #expect(try await bench.status()["status"] == "canceled")
            let customer = try await bench.requests.desk.standing(of: BillingBench.account).customerID(
                provider: "stripe")
            #expect(customer == "cus_live")
        }
        try await BillingBench.run(on: store, mode: .test) { bench in
            try await bench.update("evt_1", "active")
            try await bench.update("evt_2", "canceled", more: ["livemode": true])
            #expect(try await bench.check()["allowed"] == true)
        }
    }
}

extension BillingBench {
    /// The result of facts that name no account.
    @discardableResult
    func unlinked(
        _ eventID: String, _ status: String, _ kind: String, _ word: String, from previous: String? = nil,
        subscription: String = "sub_1", at seconds: Int64 = 0
    ) async throws -> JSONValue {
        var payload: [String: JSONValue] = [
            "event_id": .string(eventID), "provider": "stripe", "status": .string(status), "kind": .string(kind),
            "provider_status": .string(word), "provider_subscription_id": .string(subscription),
            "occurred_at": .string(Self.noon.advanced(bySeconds: seconds).rfc3339),
        ]
        payload["previous_provider_status"] = previous.map { .string($0) }
        return try await answer(Exchange.unlinkedUpdate.request, .object(payload))
    }
}
