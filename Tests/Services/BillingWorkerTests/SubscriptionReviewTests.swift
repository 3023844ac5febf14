import BillingCore
import BusContract
import BusCore
import InMemoryLogging
import Logging
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import BillingWorker

/// Subscriptions that are read again, without a network and without waiting.
struct SubscriptionReviewTests {
    private static let monthEnd = BillingBench.noon.advanced(bySeconds: 30 * 86_400)

    @Test("a cancellation that never arrived ends access two days after the paid time", arguments: TestStore.allCases)
    func lostCancellation(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", more: Self.paid)
            let asked = Mutex<[String]>([])
            let review = Self.review(bench) { account, subscription in
                asked.withLock { $0.append("\(account) \(subscription)") }
                try await bench.update(
                    "observed:sub_1", "canceled", at: Self.monthEnd.seconds + 48 * 3_600,
                    more: ["kind": "observed", "provider_status": "canceled"])
            }
            await review.look(at: Self.monthEnd.advanced(bySeconds: 48 * 3_600 - 1))
            #expect(asked.withLock { $0 } == [])
            await review.look(at: Self.monthEnd.advanced(bySeconds: 48 * 3_600))
            #expect(asked.withLock { $0 } == ["\(BillingBench.account) sub_1"])
            #expect(try await bench.status()["status"] == "canceled")
            await review.look(at: Self.monthEnd.advanced(bySeconds: 90 * 86_400))
            #expect(asked.withLock { $0.count } == 1)
        }
    }

    @Test("there and back in one second is read at once and decided", arguments: TestStore.allCases)
    func thereAndBack(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "past_due", more: Self.step("past_due", from: "active"))
            try await bench.update("evt_2", "active", more: Self.step("active", from: "past_due"))
            #expect(try await bench.status()["status"] == "past_due")
            let review = Self.review(bench) { _, _ in
                try await bench.update(
                    "observed:sub_1", "active", at: BillingBench.noon.seconds + 5,
                    more: ["kind": "observed", "provider_status": "active"])
            }
            await review.look(at: BillingBench.noon.advanced(bySeconds: 5))
            #expect(try await bench.status()["status"] == "active")
            #expect(try await bench.requests.desk.takeReviews(of: "stripe", at: BillingBench.noon).undecided == 0)
        }
    }

    @Test(
        "without a key the row is reported once, asked about later and later, and stays counted",
        arguments: TestStore.allCases)
    func withoutKey(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active", more: Self.paid)
            let log = InMemoryLogHandler()
            let asked = Mutex(0)
            let review = Self.review(bench, Logger(label: "test") { _ in log }) { _, _ in
                asked.withLock { $0 += 1 }
                throw BusError(.stripeUnconfigured, "no key")
            }
            var now = Self.monthEnd.advanced(bySeconds: 3 * 86_400)
            for _ in 0..<200 {
                await review.look(at: now)
                now = now.advanced(bySeconds: 60)
            }
            #expect(asked.withLock { $0 } == 6, "after 0, 5, 15, 35, 75 and 155 minutes")
            let warnings = log.entries.filter { $0.level == .warning }
            #expect(warnings.count == 1)
            #expect(warnings.first?.message == "unheard subscription not read again")
            #expect(warnings.first?.metadata["error.code"] == "stripe_unconfigured")
            #expect(try await bench.requests.desk.takeReviews(of: "stripe", at: now).unheard == 1)
        }
    }

    @Test(
        "nobody is asked about payments, ended subscriptions and those of the other mode", arguments: TestStore.allCases
    )
    func notAsked(_ store: TestStore) async throws {
        try await BillingBench.run(on: store, mode: .test) { bench in
            try await bench.update("evt_1", "active", subscription: nil, more: ["kind": "checkout"])
            try await bench.update("evt_2", "canceled", subscription: "sub_2", more: ["kind": "deleted"])
            try await bench.update("evt_3", "active", subscription: "sub_3", more: ["livemode": true])
            try await bench.unlinked("evt_4", "active", "created", "active", subscription: "sub_4")
            let review = Self.review(bench) { _, subscription in Issue.record("asked about \(subscription)") }
            await review.look(at: Self.monthEnd.advanced(bySeconds: 365 * 86_400))
        }
    }

    private static let paid: [String: JSONValue] = [
        "kind": "created", "provider_status": "active", "current_period_end": .string(monthEnd.rfc3339),
    ]

    private static func step(_ word: String, from previous: String) -> [String: JSONValue] {
        ["kind": "updated", "provider_status": .string(word), "previous_provider_status": .string(previous)]
    }

    private static func review(
        _ bench: BillingBench, _ logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        ask: @escaping @Sendable (String, String) async throws -> Void
    ) -> SubscriptionReview {
        SubscriptionReview(desk: bench.requests.desk, provider: "stripe", logger: logger, ask: ask)
    }
}
