import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account: String = StripeFixture.accountID
private let other = "7c0e7f6a-0000-4000-8000-000000000002"

@Suite("A subscription that was read")
struct ObservedSubscriptionTests {
    private let readAt = Timestamp(clampingNanoseconds: 1_785_600_605_250_000_000)

    private func facts(
        _ members: String, accountID: String? = nil, livemode: Bool = false
    ) throws -> (outcome: WebhookOutcome, ignoredFields: [String]) {
        let object = try StripeEventObject(Array(#"{"id":"sub_1","object":"subscription",\#(members)}"#.utf8))
        return ObservedSubscription(object, answeredAt: nil).facts(
            readAt: readAt, accountID: accountID, livemode: livemode)
    }

    @Test("everything comes from it, under an event id of its own")
    func whole() throws {
        let (outcome, ignored) = try facts(
            #""status":"active","customer":"cus_now","current_period_end":40,"cancel_at_period_end":true,"#
                + #""items":{"data":[{"price":{"id":"price_now","lookup_key":"k"},"quantity":3}]},"#
                + #""metadata":{"bus_account_id":"\#(account)","bus_features":"now","bus_plan_id":"a b"}"#,
            accountID: other, livemode: true)
        let update = try #require(outcome.update)
        #expect(update.eventID == "observed:sub_1:2026-08-01T16:10:05.250Z")
        #expect(update.kind == .observed && update.occurredAt == readAt && update.livemode)
        #expect(update.accountID == account && update.features == ["now"] && update.planID == nil)
        #expect(update.providerCustomerID == "cus_now" && update.providerSubscriptionID == "sub_1")
        #expect(update.status == .active && update.providerStatus == "active")
        #expect(update.previousProviderStatus == nil && update.previousPrices == [])
        #expect(update.prices.map(\.lookupKey) == ["k"] && update.cancelAt == Timestamp(clampingSeconds: 40))
        #expect(ignored == ["bus_plan_id"])
        #expect(try SubscriptionUpdate(update.payload) == update)
    }

    @Test("only where it names no account does the one count that was known before")
    func knownAccount() throws {
        let named = try facts(#""status":"canceled","metadata":{"bus_feature":"a"}"#, accountID: other).outcome
        #expect(named.update?.accountID == other && named.update?.status == .canceled)
        let stripped = try facts(#""status":"past_due","metadata":{}"#, accountID: other).outcome
        #expect(stripped.unlinked?.accountID == other && stripped.unlinked?.features == [])
        #expect(try facts(#""status":"past_due""#).outcome.unlinked?.accountID == nil)
    }

    @Test("later readings have later times, never before Stripe's second, whatever our clock does")
    func times() async {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        for await round in Rounds(200, proof: 20_000) {
            var times = ReadingTimes()
            var before = Timestamp.earliest
            var stripe: Int64 = 1_785_600_000
            for _ in 0..<20 {
                stripe += Int64.random(in: -1...1, using: &random)
                let answered = Bool.random(using: &random) ? Timestamp(clampingSeconds: stripe) : nil
                let now = Timestamp(
                    clampingNanoseconds: (stripe + .random(in: -3...3, using: &random)) * 1_000_000_000
                        + .random(in: 0..<1_000_000_000, using: &random))
                let time = times.next(answeredAt: answered, now: now)
                #expect(time > before, "seed \(seed), round \(round)")
                #expect(time >= answered ?? now, "seed \(seed), round \(round)")
                before = time
            }
        }
    }

    @Test("our clock adds the fraction of a second that Stripe's leaves out")
    func fraction() {
        var times = ReadingTimes()
        let answered = Timestamp(clampingSeconds: 1_785_600_605)
        let first = times.next(answeredAt: answered, now: Timestamp(clampingNanoseconds: 99_900_000_000))
        #expect(first.rfc3339 == "2026-08-01T16:10:05.900Z")
        // Our second has changed and Stripe's has not.
        let second = times.next(answeredAt: answered, now: Timestamp(clampingNanoseconds: 100_100_000_000))
        #expect(second.rfc3339 == "2026-08-01T16:10:05.900000001Z")
    }
}
