import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

@Suite("Paid periods and grace")
struct PeriodTests {
    private typealias Fixtures = AccessFixtures

    private static func time(_ text: String) throws -> Timestamp { try #require(Timestamp(rfc3339: text)) }

    private static func subscription(from start: String, to end: String) throws -> SubscriptionStanding {
        var subscription = Fixtures.subscription(plan: "llm-basic")
        subscription.currentPeriodStart = try time(start)
        subscription.currentPeriodEnd = try time(end)
        return subscription
    }

    private static func window(_ subscription: SubscriptionStanding, at moment: String) throws -> (
        String, Int64, String?
    ) {
        let quota = Quota(feature: "llm:proxy", meterEventName: "tokens", window: .period, limit: 1)
        let moment = try time(moment)
        let current = CurrentQuota(quota, period: subscription.paidPeriod(at: moment), at: moment)
        return (current.bucket.window.rawValue, current.bucket.start, current.resetsAt?.rfc3339)
    }

    @Test(
        "a period begins and ends with what was paid, not with the calendar",
        arguments: [
            ("2026-07-20T10:00:00Z", "2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z"),
            ("2026-07-31T23:59:59Z", "2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z"),
            ("2026-08-01T00:00:00Z", "2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z"),
            ("2026-08-20T09:59:59.999Z", "2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z"),
            // The next one counts as begun before anybody has said that it is paid, with the start it will have.
            ("2026-08-20T10:00:00Z", "2026-08-20T10:00:00Z", "2026-09-20T10:00:00Z"),
            ("2026-09-20T10:00:00Z", "2026-09-20T10:00:00Z", "2026-10-21T10:00:00Z"),
            // A clock that is behind.
            ("2026-07-20T09:59:58Z", "2026-07-20T10:00:00Z", "2026-08-20T10:00:00Z"),
        ])
    func paid(moment: String, start: String, end: String) throws {
        let subscription = try Self.subscription(from: "2026-07-20T10:00:00Z", to: "2026-08-20T10:00:00Z")
        let window = try Self.window(subscription, at: moment)
        #expect(window == ("period", try Self.time(start).seconds, end))
    }

    @Test("without a paid period the calendar month counts")
    func calendar() throws {
        var subscription = try Self.subscription(from: "2026-07-20T10:00:00Z", to: "2026-08-20T10:00:00Z")
        subscription.currentPeriodStart = nil
        let month = try Self.time("2026-08-01T00:00:00Z").seconds
        #expect(
            try Self.window(subscription, at: "2026-08-15T00:00:00Z") == ("month", month, "2026-09-01T00:00:00Z"))
        let empty = try Self.subscription(from: "2026-08-20T10:00:00Z", to: "2026-08-20T10:00:00Z")
        #expect(try Self.window(empty, at: "2026-08-15T00:00:00Z").0 == "month")
    }

    @Test("a subscription that has ended gets no further period while the word of its end is on its way")
    func ended() throws {
        var subscription = try Self.subscription(from: "2026-07-20T10:00:00Z", to: "2026-08-20T10:00:00Z")
        subscription.cancelAt = subscription.currentPeriodEnd
        let start = try Self.time("2026-07-20T10:00:00Z").seconds
        for moment in ["2026-08-20T09:00:00Z", "2026-08-20T10:00:00Z", "2026-08-25T00:00:00Z"] {
            #expect(try Self.window(subscription, at: moment).1 == start, "\(moment)")
        }
    }

    @Test("periods follow each other without a gap and without an overlap")
    func follow() async throws {
        let seed = PropertySettings.seed
        print("paid periods, seed \(seed)")
        var random = SeededGenerator(seed: seed)
        for await _ in Rounds(5_000, proof: 500_000) {
            let start = Int64.random(in: 0...4_000_000_000, using: &random)
            let period = try #require(
                PaidPeriod(start: start, end: start + .random(in: 1...40_000_000, using: &random)))
            let moment = Timestamp(clampingSeconds: .random(in: start...(start + 400_000_000), using: &random))
            let current = period.containing(moment)
            try #require(current.start <= moment.seconds && moment.seconds < current.end)
            let next = period.containing(Timestamp(clampingSeconds: current.end))
            try #require(next.start == current.end && next.end - next.start == current.end - current.start)
        }
    }

    @Test("every line of a status says when it begins again, and a status when it renews or ends")
    func status() throws {
        var subscription = try Self.subscription(from: "2026-07-20T10:00:00Z", to: "2026-08-20T10:00:00Z")
        let now = try Self.time("2026-08-01T12:00:30Z")
        let tariff = Tariff(try Fixtures.catalog(.set("plans.0.quotas.1.window", "period")))
        func status() -> AccountStatus {
            AccountStatus(Fixtures.access([subscription], tariff, at: now), counts: UsageCounts())
        }
        #expect(
            status().usage.map { "\($0.window) \($0.resetsAt?.rfc3339 ?? "never")" }
                == ["minute 2026-08-01T12:01:00Z", "period 2026-08-20T10:00:00Z"])
        #expect(status().currentPeriodEnd == subscription.currentPeriodEnd && status().cancelAt == nil)
        subscription.cancelAt = try Self.time("2026-08-10T00:00:00Z")
        subscription.collectionPaused = "void"
        #expect(status().cancelAt == subscription.cancelAt && status().collectionPaused == "void")
        #expect(status().status == .active, "it is active until then")
        subscription.status = .canceled
        #expect(status().currentPeriodEnd == nil && status().cancelAt == nil)
    }

    // MARK: Grace

    @Test("features stay for the grace after the first failed charge, and only while the provider still tries")
    func grace() throws {
        let tariff = Tariff(try Fixtures.catalog())
        var late = Fixtures.subscription("subscription:sub_1", .pastDue, plan: "llm-basic")
        late.providerStatus = "past_due"
        late.pastDueSince = Fixtures.now
        func answer(_ grace: Duration, after seconds: Int64) -> EntitlementAnswer {
            Fixtures.answer(
                Fixtures.access([late], tariff, grace: grace, at: Fixtures.now.advanced(bySeconds: seconds)))
        }
        let week = Duration.seconds(7 * 86_400)
        let end = Fixtures.now.advanced(bySeconds: 7 * 86_400)
        #expect(!answer(.zero, after: 0).isAllowed)
        #expect(answer(week, after: 0).isAllowed && answer(week, after: 0).graceUntil == end)
        #expect(answer(week, after: 7 * 86_400 - 1).isAllowed)
        #expect(!answer(week, after: 7 * 86_400).isAllowed)
        let status = AccountStatus(Fixtures.access([late], tariff, grace: week), counts: UsageCounts())
        #expect(status.status == .pastDue && status.features == ["llm:proxy"] && status.graceUntil == end)
        #expect(status.next?.command == "bus billing portal")
        for word in ["unpaid", "paused", "canceled"] {
            late.providerStatus = word
            #expect(!answer(week, after: 0).isAllowed, "\(word)")
        }
        late.providerStatus = "past_due"
        late.pastDueSince = nil
        #expect(!answer(week, after: 0).isAllowed, "nobody knows since when")
        let paid = Fixtures.access([Fixtures.subscription(plan: "llm-basic")], tariff, grace: week)
        #expect(Fixtures.answer(paid).graceUntil == nil)
    }
}
