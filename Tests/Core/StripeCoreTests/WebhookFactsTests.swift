import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

private let account: String = StripeFixture.accountID
private let ours = #""bus_account_id":"\#(account)","bus_feature":"llm:proxy""#

/// A subscription with Bus metadata and whatever else a test is about.
private func subscription(_ members: String, metadata: String = ours) -> String {
    #"{"id":"sub_1","object":"subscription","customer":"cus_1","metadata":{\#(metadata)},\#(members)}"#
}

private func second(_ seconds: Int64) -> Timestamp { Timestamp(clampingSeconds: seconds) }

@Suite("What an event says about a subscription")
struct WebhookFactsTests {
    @Test("a plan change says what is paid for now and what was before, wherever the plan's price stands in the list")
    func planChange() throws {
        let metered = #"{"id":"si_1","price":{"id":"price_m","lookup_key":null,"product":{"id":"prod_m"}}}"#
        let pro = #"{"quantity":2,"price":{"product":"prod_p","lookup_key":"bus_llm_pro_eur_month","id":"price_p"}}"#
        let basic = #"{"quantity":1,"price":{"id":"price_b","lookup_key":"bus_llm_basic_eur_month"}}"#
        let object = subscription(
            #""status":"active","items":{"object":"list","data":[\#(metered),\#(pro)],"has_more":false}"#)
        for before in [#"{"data":[\#(basic)]}"#, "[\(basic)]"] {
            let update = try #require(
                try decide(event("customer.subscription.updated", object, previous: #"{"items":\#(before)}"#))
                    .outcome.update)
            #expect(update.prices.map(\.id) == ["price_m", "price_p"])
            #expect(update.prices.map(\.lookupKey) == [nil, "bus_llm_pro_eur_month"])
            #expect(update.prices.map(\.productID) == ["prod_m", "prod_p"])
            #expect(update.prices.map(\.quantity) == [nil, 2])
            #expect(update.previousPrices.map(\.lookupKey) == ["bus_llm_basic_eur_month"])
            #expect(update.previousProviderStatus == nil)
        }
    }

    @Test(
        "a price that a catalog sync replaced is known by our mark on it, unless Stripe names a lookup key",
        arguments: [
            (#""id":"price_old","lookup_key":null,"metadata":{"bus_catalog":"test","bus_lookup_key":"pro"}"#, "pro"),
            (#""metadata":{"bus_lookup_key":"pro"},"lookup_key":null,"id":"price_old""#, "pro"),
            (#""id":"price_old","metadata":{"x":{"bus_lookup_key":"no"},"bus_lookup_key":" pro\r\n"}"#, "pro"),
            (#""id":"price_old","lookup_key":"","metadata":{"bus_lookup_key":"pro"}"#, "pro"),
            (#""id":"price_old","lookup_key":"own","metadata":{"bus_lookup_key":"pro"}"#, "own"),
            (#""metadata":{"bus_lookup_key":"pro"},"id":"price_old","lookup_key":"own""#, "own"),
            (#""id":"price_old","metadata":{"bus_lookup_key":" "}"#, nil),
            (#""id":"price_old","metadata":{"bus_lookup_key":"a b"}"#, nil),
            (#""id":"price_old","metadata":{"bus_lookup_key":"\#(String(repeating: "k", count: 256))"}"#, nil),
            (#""id":"price_old","metadata":{"bus_lookup_key":7}"#, nil),
            (#""id":"price_old","metadata":["bus_lookup_key"]"#, nil),
            (#""id":"price_old","metadata":null"#, nil),
        ] as [(String, String?)])
    func replacedPrice(price: String, lookupKey: String?) throws {
        let items = #"{"object":"list","data":[{"quantity":1,"price":{\#(price)}}]}"#
        let object = subscription(#""status":"active","items":\#(items)"#)
        let update = try #require(
            try decide(event("customer.subscription.updated", object, previous: #"{"items":\#(items)}"#)).outcome.update
        )
        #expect(update.prices.map(\.lookupKey) == [lookupKey] && update.prices.map(\.id) == ["price_old"])
        #expect(update.previousPrices == update.prices)
        let observed = ObservedSubscription(try StripeEventObject(Array(object.utf8)), answeredAt: nil)
            .facts(readAt: second(1), accountID: nil, livemode: false).outcome.update
        #expect(observed?.prices == update.prices)
    }

    @Test("of more than 50 items the first 50 count; what is no item, price or quantity is left out")
    func oddItems() throws {
        let many = (0..<60).map { #"{"price":{"id":"price_\#($0)"},"quantity":\#($0)}"# }.joined(separator: ",")
        let update = try #require(
            try decide(event("customer.subscription.updated", subscription(#""items":{"data":[\#(many)]}"#)))
                .outcome.update)
        #expect(update.prices.count == Limits.updatePricesMax && update.prices.last?.id == "price_49")
        let odd = #"7,null,[],{},{"price":null},{"price":{"id":"a b"}},{"price":"price_1","quantity":-1}"#
        for items in [#"{"data":[\#(odd)]}"#, "[\(odd)]"] {
            let update = try decide(event("customer.subscription.updated", subscription(#""items":\#(items)"#)))
                .outcome.update
            #expect(update?.prices.map(\.id) == ["price_1"] && update?.prices.map(\.quantity) == [nil])
        }
        for items in ["null", "7", #""x""#, #"{"data":null}"#, #"{"data":{}}"#] {
            let decision = try decide(event("customer.subscription.updated", subscription(#""items":\#(items)"#)))
            #expect(decision.outcome.update?.prices == [])
        }
    }

    @Test(
        "the paid period is the items' longest, else the subscription's own",
        arguments: [
            (#""items":{"data":[{"current_period_start":10,"current_period_end":20}]}"#, 10, 20),
            (
                #""items":{"data":[{"current_period_start":10,"current_period_end":20},"#
                    + #"{"current_period_start":5,"current_period_end":90}]},"current_period_end":7"#, 5, 90
            ),
            (#""current_period_start":3,"current_period_end":4,"items":{"data":[{"price":{"id":"p"}}]}"#, 3, 4),
            (#""current_period_start":3,"current_period_end":99999999999999"#, 3, nil),
            (#""current_period_start":"soon""#, nil, nil),
        ] as [(String, Int64?, Int64?)])
    func periods(members: String, start: Int64?, end: Int64?) throws {
        let update = try decide(event("customer.subscription.updated", subscription(members))).outcome.update
        #expect(update?.currentPeriodStart == start.map(second))
        #expect(update?.currentPeriodEnd == end.map(second))
    }

    @Test(
        "a cancellation to come keeps the subscription active and says when it ends",
        arguments: [
            (#""cancel_at":500,"cancel_at_period_end":false"#, 500),
            (#""cancel_at":null,"cancel_at_period_end":true,"current_period_end":700"#, 700),
            (#""cancel_at_period_end":true,"items":{"data":[{"current_period_end":800}]}"#, 800),
            (#""cancel_at":null,"cancel_at_period_end":false,"current_period_end":700"#, nil),
            (#""cancel_at_period_end":"yes","current_period_end":700"#, nil),
        ] as [(String, Int64?)])
    func cancellation(members: String, end: Int64?) throws {
        let object = subscription(#""status":"active",\#(members)"#)
        let update = try #require(try decide(event("customer.subscription.updated", object)).outcome.update)
        #expect(update.status == .active)
        #expect(update.cancelAt == end.map(second))
    }

    @Test("the end, the trial's end and a paused collection are told; an active subscription stays active")
    func otherFacts() throws {
        let object = subscription(
            #""status":"active","ended_at":11,"trial_end":12,"pause_collection":{"resumes_at":null,"behavior":"void"}"#)
        let update = try #require(try decide(event("customer.subscription.updated", object)).outcome.update)
        #expect(update.endedAt == second(11) && update.trialEnd == second(12) && update.collectionPaused == "void")
        #expect(update.status == .active)
        let absent = subscription(#""ended_at":null,"trial_end":null,"pause_collection":null"#)
        let silent = try #require(try decide(event("customer.subscription.updated", absent)).outcome.update)
        #expect(silent.endedAt == nil && silent.trialEnd == nil && silent.collectionPaused == nil)
    }

    @Test("a trial that ends without a card pauses the subscription, and a card resumes it")
    func paused() throws {
        for (type, status, expected) in [
            ("customer.subscription.created", "trialing", SubscriptionStatus.active),
            ("customer.subscription.paused", "paused", .pastDue),
            ("customer.subscription.resumed", "active", .active),
        ] {
            let decision = try decide(event(type, subscription(#""status":"\#(status)""#)))
            #expect(decision.isSupported)
            #expect(decision.outcome.update?.status == expected, "\(type)")
            #expect(decision.outcome.update?.providerStatus == status)
        }
    }

    @Test("a customer that is an account of Stripe's is granted, without a customer id")
    func customerAccount() throws {
        let object =
            #"{"id":"sub_1","status":"active","customer":null,"customer_account":"acct_1ABC","metadata":{\#(ours)}}"#
        let update = try #require(try decide(event("customer.subscription.updated", object)).outcome.update)
        #expect(update.status == .active && update.providerCustomerID == nil)
    }

    @Test("whatever Stripe sends, an update that is emitted can be read by whoever handles it")
    func readable() async throws {
        let seed = PropertySettings.seed
        var random = SeededGenerator(seed: seed)
        let oddities = [
            "null", "7", "-1", "1.5", "1e9", "99999999999999999999", "true", "[]", "{}", "[[7]]", #""""#, #"" ""#,
            #""a b""#, #""é🚀""#, #""\n""#, #""\ud800""#, #"{"id":"x y"}"#, #"{"id":"ok"}"#, #"{"data":[{"price":{}}]}"#,
            #"{"data":[{"price":{"id":"p","lookup_key":"a b","product":{"id":"é"}},"quantity":-5}]}"#,
            #"{"behavior":"a b"}"#, "\"\(String(repeating: "x", count: 300))\"", #""active""#, #""payment""#,
        ]
        let keys = [
            "id", "status", "payment_status", "mode", "customer", "subscription", "client_reference_id", "items",
            "current_period_start", "current_period_end", "cancel_at", "cancel_at_period_end", "ended_at", "trial_end",
            "pause_collection",
        ]
        let metadataKeys = ["bus_account_id", "bus_feature", "bus_features", "bus_plan_id"]
        var emitted = 0
        for await round in Rounds(3_000, proof: 300_000) {
            func member(_ key: String) -> String {
                "\"\(key)\":\(oddities[Int.random(in: oddities.indices, using: &random)])"
            }
            let topics = StripeEvent.Topic.allCases.filter { $0.kind != nil }
            let topic = topics[round % topics.count]
            let metadata = #""bus_account_id":"\#(account)","bus_features":"b,c""#
            let object = [
                #""id":"sub_1","subscription":"sub_1","metadata":{\#(metadata),\#(member(metadataKeys.randomElement(using: &random) ?? ""))}"#,
                member(keys.randomElement(using: &random) ?? ""), member(keys.randomElement(using: &random) ?? ""),
            ].joined(separator: ",")
            let previous = "{\(member("status")),\(member("items"))}"
            let decision = try decide(event(topic.rawValue, "{\(object)}", previous: previous))
            switch decision.outcome {
            case .update(let update):
                emitted += 1
                #expect(try SubscriptionUpdate(update.payload) == update, "seed \(seed), round \(round)")
            case .unlinked(let facts):
                #expect(try UnlinkedUpdate(facts.payload) == facts, "seed \(seed), round \(round)")
            default: break
            }
        }
        #expect(emitted > 500)
    }
}

@Suite("What is bought once")
struct PurchaseFactsTests {
    private func session(_ payment: String, mode: String = "payment", subscription: String = "null") -> String {
        #"{"id":"cs_1","object":"checkout.session","mode":"\#(mode)","payment_status":"\#(payment)","#
            + #""subscription":\#(subscription),"customer":null,"metadata":{\#(ours)}}"#
    }

    @Test("a purchase by bank debit is known by its session, and its payment completes or ends it")
    func debit() throws {
        let expected: [(String, String, SubscriptionStatus)] = [
            ("checkout.session.completed", "unpaid", .incomplete),
            ("checkout.session.async_payment_succeeded", "paid", .active),
            ("checkout.session.async_payment_failed", "unpaid", .canceled),
        ]
        for (type, payment, status) in expected {
            let update = try #require(try decide(event(type, session(payment))).outcome.update)
            #expect(update.status == status, "\(type)")
            #expect(update.kind == .checkout && update.mode == .payment && update.sessionID == "cs_1")
            #expect(update.providerSubscriptionID == nil && update.providerStatus == payment)
        }
    }

    @Test("a session of a subscription whose debit failed ends nothing: its subscription says how it stands")
    func failedSubscription() throws {
        let object = session("unpaid", mode: "subscription", subscription: #""sub_1""#)
        let update = try #require(
            try decide(event("checkout.session.async_payment_failed", object)).outcome.update)
        #expect(update.status == .incomplete && update.kind == .checkout && update.mode == .subscription)
    }

    @Test("a subscription's session that does not know its subscription yet says what it sold")
    func withoutSubscription() throws {
        let update = try #require(
            try decide(event("checkout.session.completed", session("paid", mode: "subscription"))).outcome.update)
        #expect(update.providerSubscriptionID == nil && update.mode == .subscription && update.sessionID == "cs_1")
    }
}
