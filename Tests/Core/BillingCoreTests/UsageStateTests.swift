import BillingCore
import BusContract
import BusCore
import TestSupport
import Testing

struct UsageStateTests {
    private static let now = Timestamp(clampingSeconds: 1_785_600_000)
    private static let hour: Int64 = 3_600

    private static func ago(_ seconds: Int64) -> Timestamp { now.advanced(bySeconds: -seconds) }

    private static let states: [UsageState] = [
        .queued, .sent(since: ago(hour)), .sent(since: ago(23 * hour)), .accepted(providerEventID: "a"),
        .refused(reason: "r"), .unanswered,
    ]

    /// For each event what becomes of the states above.
    private static let table: [(event: UsageState.Event, next: [UsageState])] = [
        (.asked, [.queued, states[1], states[2], states[3], .queued, .unanswered]),
        (.sending(at: now), [.sent(since: now), states[1], .unanswered, states[3], states[4], .unanswered]),
        (.accepted(providerEventID: "b"), [b, b, b, states[3], states[4], b]),
        (.disowned(reason: "x"), [.queued, x, x, x, states[4], x]),
        (.refused(reason: "x"), [x, x, x, states[3], states[4], .unanswered]),
        (.notTaken(sendingAt: ago(hour)), [.queued, .queued, states[2], states[3], states[4], .unanswered]),
        (.unknown, states),
        (.waited(until: now, usedAt: ago(hour)), [.queued, states[1], .unanswered, states[3], states[4], .unanswered]),
        (
            .waited(until: now, usedAt: ago(35 * 24 * hour)),
            [.refused(reason: "too_old"), .unanswered, .unanswered, states[3], states[4], .unanswered]
        ),
    ]
    private static let b = UsageState.accepted(providerEventID: "b")
    private static let x = UsageState.refused(reason: "x")

    @Test("every event has one next state in every state")
    func everyStep() {
        for (event, expected) in Self.table {
            #expect(Self.states.map { $0.next(event) } == expected, "\(event)")
        }
    }

    @Test("only Stripe's own report leaves what was accepted, only an answer or the end of its time what was sent")
    func oneWay() {
        for (event, _) in Self.table {
            let (isAnswer, isReport) =
                switch event {
                case .accepted, .refused, .notTaken: (true, false)
                case .disowned: (true, true)
                case .asked, .sending, .unknown, .waited: (false, false)
                }
            #expect(isReport || Self.states[3].next(event) == Self.states[3], "\(event)")
            let next = Self.states[1].next(event)
            #expect(isAnswer || next == Self.states[1] || next == .unanswered, "\(event)")
        }
    }

    @Test("the pages name the states and what a state is left by")
    func documented() throws {
        let names = try ContractTable("billing", "Usage export").names
        #expect(names.first == "account_id")
        let page = try Repository.text("docs/contract/billing.md")
        for word in ["queued", "sent", "accepted", "refused"] { #expect(page.contains("| `\(word)` |"), "\(word)") }
    }
}

struct UsageEntitlementTests {
    private static let now = Timestamp(clampingSeconds: 1_785_600_000)
    private static let account = "00000000-0000-4000-8000-000000000001"

    private func subscription(
        _ name: String, _ status: SubscriptionStatus, _ features: [String], _ customer: String?,
        _ entitled: [(Int64, Int64?)] = []
    ) -> SubscriptionStanding {
        var standing = SubscriptionStanding(
            key: SubscriptionKey(provider: "stripe", livemode: false, name: name), accountID: Self.account,
            status: status, occurredAt: Self.now)
        standing.features = features
        standing.customerID = customer
        standing.entitled = entitled.map { from, until in
            .init(
                from: Self.now.advanced(bySeconds: from), until: until.map { Self.now.advanced(bySeconds: $0) })
        }
        return standing
    }

    private func access(_ subscriptions: [SubscriptionStanding], grace: Duration = .zero) -> AccountAccess {
        AccountAccess(
            AccountStanding(accountID: Self.account, subscriptions: subscriptions),
            tariff: Tariff(.empty), grace: grace, at: Self.now)
    }

    private func counts(_ subscription: SubscriptionStanding, at seconds: Int64?, grace: Duration = .zero) -> Bool {
        var usage = UsageExportRequest()
        usage.occurredAt = seconds.map { Self.now.advanced(bySeconds: $0) }
        return access([subscription], grace: grace).counts(usage, usedAt: usage.occurredAt ?? Self.now)
    }

    @Test(
        "usage that is reported late counts if it was used while the subscription was active",
        arguments: [
            SubscriptionStatus.canceled, .pastDue,
        ])
    func late(_ status: SubscriptionStatus) {
        let ended = subscription("sub_1", status, ["llm:proxy"], "cus_1", [(-100, -50), (-20, -10)])
        #expect([-100, -51, -20, -11].allSatisfy { counts(ended, at: $0) })
        #expect([-101, -50, -21, -10, 0].allSatisfy { !counts(ended, at: $0) })
        #expect(!counts(ended, at: nil))
    }

    @Test("what is used now counts while the account is active, whatever the clocks say")
    func now() {
        let active = subscription("sub_1", .active, ["llm:proxy"], "cus_1", [(5, nil)])
        #expect(counts(active, at: nil))
        #expect(!counts(active, at: 0))
        #expect(counts(subscription("sub_1", .active, ["llm:proxy"], "cus_1"), at: -1_000))
        #expect(!counts(subscription("sub_1", .incomplete, ["llm:proxy"], "cus_1"), at: nil))
    }

    @Test("usage goes to the customer of the subscription that has the feature, else to the account's")
    func customer() {
        let access = access([
            subscription("sub_1", .active, ["images"], "cus_1", [(-100, nil)]),
            subscription("sub_2", .active, ["llm:proxy"], "cus_2", [(-50, nil)]),
            subscription("sub_3", .canceled, ["llm:proxy"], "cus_3", [(-100, -60)]),
            subscription("sub_4", .active, ["video"], nil, [(-100, nil)]),
        ])
        func customer(_ feature: String, _ seconds: Int64 = 0, _ provider: String = "stripe") -> String? {
            var usage = UsageExportRequest()
            (usage.feature, usage.occurredAt) = (feature, Self.now.advanced(bySeconds: seconds))
            return access.customerID(
                for: UsageExport(usage, usedAt: Self.now, mode: .test, provider: provider, at: Self.now))
        }
        #expect(customer("llm:proxy") == "cus_2")
        #expect(customer("llm:proxy", -70) == "cus_3")
        #expect(customer("images") == "cus_1")
        #expect(customer("video") == customer("unheard:of") && customer("video") != nil)
        #expect(customer("llm:proxy", 0, "other") == nil)
    }

    @Test("usage in the grace after a failed charge counts, also when it is paid later")
    func grace() {
        var late = subscription("sub_1", .pastDue, ["llm:proxy"], "cus_1", [(-100, -50)])
        late.pastDueSince = Self.now.advanced(bySeconds: -50)
        #expect(counts(late, at: -30, grace: .seconds(40)) && !counts(late, at: -5, grace: .seconds(40)))
        #expect(counts(late, at: nil, grace: .seconds(60)) && !counts(late, at: nil))
        let paid = subscription("sub_1", .active, ["llm:proxy"], "cus_1", [(-100, -50), (-20, nil)])
        #expect(counts(paid, at: -30, grace: .seconds(25)) && !counts(paid, at: -24, grace: .seconds(25)))
        #expect(!counts(paid, at: -30))
        let ended = subscription("sub_1", .canceled, ["llm:proxy"], "cus_1", [(-100, -50)])
        #expect(!counts(ended, at: -40, grace: .seconds(25)))
    }
}
