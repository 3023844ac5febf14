import BusContract
import BusCore
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeFixture.accountID
private let stranger = "7c0e7f6a-0000-4000-8000-000000000002"
private let now = Timestamp(clampingSeconds: 1_785_600_005)
private let subscription = "sub_BusFixture0000001"
private let linked =
    #","customer":"cus_now","items":{"data":[{"price":{"id":"price_now"}}]},"#
    + #""metadata":{"bus_account_id":"\#(account)","bus_features":"now","bus_plan_id":"plan-now"}"#

private func observe(_ id: String = subscription, account: String = account) -> EventEnvelope {
    envelope(
        Exchange.stripeObserve.request, ["account_id": .string(account), "provider_subscription_id": .string(id)])
}

@Suite("Subscriptions that are read again", .timeLimit(.minutes(5)))
struct ObserveTests {
    @Test("a reading takes the place of the event, except of a deletion and of what Stripe does not know")
    func refetch() async throws {
        let published = Published()
        try await withDouble(refetches: true, published: published) { requests, double in
            double.set {
                $0.subscriptions = [subscription: "active"]
                $0.subscriptionMembers = linked
            }
            for type in ["customer.subscription.updated", "customer.subscription.deleted"] {
                _ = await requests.answer(verifyRequest(try StripeFixture.event(type)), now: now)
            }
            double.set { $0.subscriptions = [:] }
            let created = try StripeFixture.event("customer.subscription.created")
            _ = await requests.answer(verifyRequest(created), now: now)
        }
        let updates = try published.all
        #expect(updates.map(\.kind) == [.observed, .deleted, .created])
        #expect(updates.map(\.status) == [.active, .canceled, .active])
        let read = try #require(updates.first)
        #expect(read.features == ["now"] && read.planID == "plan-now" && read.providerCustomerID == "cus_now")
        #expect(read.prices.map(\.id) == ["price_now"] && read.previousProviderStatus == nil)
        #expect(read.occurredAt.seconds == 1_785_600_605)
    }

    @Test("of two readings in one second of Stripe's the later one has the later time and a key of its own")
    func twoReadings() async throws {
        let published = Published()
        try await withDouble(refetches: true, published: published) { requests, double in
            for (type, status) in [("created", "incomplete"), ("updated", "active"), ("updated", "active")] {
                double.set {
                    $0.subscriptions = [subscription: status]
                    $0.subscriptionMembers = linked
                }
                let event = try StripeFixture.event("customer.subscription.\(type)")
                let answer = await requests.answer(verifyRequest(event), now: now)
                #expect(answer.member("status")?.text == status)
            }
        }
        let updates = try published.all
        #expect(updates.map(\.status) == [.incomplete, .active, .active])
        #expect(updates.allSatisfy { $0.occurredAt.seconds == 1_785_600_605 })
        #expect(updates[0].occurredAt < updates[1].occurredAt && updates[1].occurredAt < updates[2].occurredAt)
        // The last event is a repetition: it is read and stored again.
        #expect(Set(published.keys).count == 3 && Set(updates.map(\.eventID)).count == 3)
        #expect(published.keys == updates.map { "stripe:\($0.eventID)" })
        #expect(updates.allSatisfy { $0.eventID.hasPrefix("observed:\(subscription):") })
    }

    @Test("readings of one subscription never overlap, and are published in their order")
    func oneAtATime() async throws {
        let gateway = SlowGateway()
        let published = Published()
        let requests = requests(gateway, published: published)
        await withTaskGroup(of: Void.self) { group in
            for index in 0..<30 {
                group.addTask { _ = await requests.answer(observe("sub_\(index % 2)"), now: now) }
            }
        }
        #expect(gateway.overlaps == 0)
        for id in ["sub_0", "sub_1"] {
            let times = try published.all.filter { $0.providerSubscriptionID == id }.map(\.occurredAt)
            #expect(times.count == 15 && times == times.sorted())
        }
    }

    @Test("a session is published too, because its subscription need not repeat whose it is")
    func session() async throws {
        let session = try StripeFixture.event("checkout.session.completed")
        for (members, updates, unlinked) in [
            (linked, [SubscriptionUpdate.Kind.checkout, .observed], []), ("", [.checkout], [.observed]),
        ] as [(String, [SubscriptionUpdate.Kind], [SubscriptionUpdate.Kind])] {
            let published = Published()
            try await withDouble(refetches: true, published: published) { requests, double in
                double.set {
                    $0.subscriptions = [subscription: "past_due"]
                    $0.subscriptionMembers = members
                }
                let answer = await requests.answer(verifyRequest(session), now: now)
                #expect(answer.member("subscription_update_emitted") == true)
            }
            #expect(try published.all.compactMap(\.kind) == updates)
            #expect(try published.unlinked.compactMap(\.kind) == unlinked)
            #expect(try published.unlinked.allSatisfy { $0.accountID == account })
        }
    }

    @Test("an Events API that cannot take the reading gets the event as it came")
    func oldServer() async throws {
        let published = Published(features: [])
        try await withDouble(refetches: true, published: published) { requests, double in
            double.set { $0.subscriptions = [subscription: "active"] }
            let event = try StripeFixture.event("customer.subscription.updated")
            let answer = await requests.answer(verifyRequest(event), now: now)
            #expect(answer.member("subscription_update_emitted") == true)
        }
        #expect(published.keys == ["stripe:evt_BusFixture000003"])
    }

    @Test("a request reads, publishes and answers; who asks names the account only where the subscription does not")
    func request() async throws {
        let published = Published()
        try await withDouble(published: published) { requests, double in
            double.set { $0.subscriptions = [subscription: "past_due"] }
            for members in [linked, #","metadata":{"bus_feature":"a"}"#, #","metadata":{}"#] {
                double.set { $0.subscriptionMembers = members }
                let answer = await requests.answer(observe(account: stranger), now: now)
                #expect(
                    answer.text
                        == #"{"account_id":"\#(stranger)","provider":"stripe","provider_subscription_id":"\#(subscription)","status":"past_due"}"#
                )
            }
        }
        #expect(try published.all.map(\.accountID) == [account, stranger])
        #expect(try published.unlinked.map(\.accountID) == [stranger])
        #expect(published.keys.last??.hasPrefix("stripe:unlinked:observed:\(subscription):") == true)
    }

    @Test("what cannot be read or published says why and what to do")
    func refused() async throws {
        let keyless = await requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local)
            .answer(observe(), now: now)
        #expect(keyless.error?.code == "stripe_unconfigured")
        #expect(keyless.error?.message.contains("BUS_STRIPE_SECRET_KEY") == true)
        try await withDouble { requests, _ in
            let unknown = await requests.answer(observe(), now: now)
            #expect(unknown.error?.code == "stripe_error")
            #expect(unknown.error?.message.contains("BUS_STRIPE_SECRET_KEY") == true)
            #expect(unknown.metadata["stripe.retryable"] == "false")
        }
        try await withDouble(published: Published(features: [])) { requests, double in
            double.set { $0.subscriptions = [subscription: "active"] }
            let unlinked = await requests.answer(observe(), now: now)
            #expect(unlinked.error?.code == "stripe_error")
            #expect(unlinked.error?.message.contains("bus_account_id") == true)
        }
        try await withDouble(published: Published(fails: true)) { requests, double in
            double.set { $0.subscriptions = [subscription: "active"] }
            let away = await requests.answer(observe(), now: now)
            #expect(away.error?.code == "events_unavailable" && away.metadata["stripe.retryable"] == "true")
        }
        let missing = await requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local)
            .answer(envelope(Exchange.stripeObserve.request, ["account_id": .string(account)]), now: now)
        #expect(missing.error?.code == "invalid_request")
    }
}
