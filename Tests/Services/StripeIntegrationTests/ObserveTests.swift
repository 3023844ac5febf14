import BusContract
import BusCore
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeFixture.accountID
private let stranger = "7c0e7f6a-0000-4000-8000-000000000002"
private let now = Timestamp(clampingSeconds: 1_785_600_005)
private let subscription = "sub_BusFixture0000001"
private let linked =
    "metadata[bus_account_id]=\(account)&metadata[bus_features]=now&metadata[bus_plan_id]=plan-now"

private func observe(_ id: String = subscription, account: String = account) -> EventEnvelope {
    envelope(
        Exchange.stripeObserve.request, ["account_id": .string(account), "provider_subscription_id": .string(id)])
}

/// An event of our fixtures about a subscription that is really there.
private func event(_ type: String, of id: String) throws -> EventEnvelope {
    let text = String(decoding: try StripeFixture.event(type), as: UTF8.self)
    return verifyRequest(Array(text.replacing(subscription, with: id).utf8))
}

private struct Bought {
    let id: String
    let customer: String
    let price: String
}

extension LoopbackStripe {
    /// A new subscription of what is sold; unless told otherwise it is paid.
    fileprivate func subscribe(
        _ metadata: String = "", _ terms: String = "default_payment_method=pm_card_visa"
    ) async throws -> Bought {
        let price = try await list("/v1/prices").first?["id"]?.text ?? ""
        let customer = try await addCustomer()
        let made = try await post(
            "/v1/subscriptions", "customer=\(customer)&items[0][price]=\(price)&\(terms)&\(metadata)")
        return Bought(id: made["id"]?.text ?? "", customer: customer, price: price)
    }

    /// A subscription whose last charge was declined.
    fileprivate func subscribePastDue(_ metadata: String = "") async throws -> String {
        let bought = try await subscribe(metadata, "")
        let invoice = try await get("/v1/subscriptions/\(bought.id)")["latest_invoice"]?.text ?? ""
        try await post("/v1/invoices/\(invoice)/pay", "paid_out_of_band=true")
        try await post(
            "/v1/customers/\(bought.customer)",
            "invoice_settings[default_payment_method]=pm_card_chargeCustomerFail")
        advance(bySeconds: 32 * 86_400)
        return bought.id
    }
}

@Suite("Subscriptions that are read again", .timeLimit(.minutes(5)))
struct ObserveTests {
    @Test("a reading takes the place of the event, except of a deletion and of what Stripe does not know")
    func refetch() async throws {
        let published = Published()
        let bought = try await withStripe(refetches: true, published: published) { requests, stripe in
            let bought = try await stripe.subscribe(linked)
            for type in ["customer.subscription.updated", "customer.subscription.deleted"] {
                _ = await requests.answer(try event(type, of: bought.id), now: now)
            }
            _ = await requests.answer(try event("customer.subscription.created", of: "sub_unknown"), now: now)
            return bought
        }
        let updates = try published.all
        #expect(updates.map(\.kind) == [.observed, .deleted, .created])
        #expect(updates.map(\.status) == [.active, .canceled, .active])
        let read = try #require(updates.first)
        #expect(read.features == ["now"] && read.planID == "plan-now")
        #expect(read.providerCustomerID == bought.customer)
        #expect(read.prices.map(\.id) == [bought.price] && read.previousProviderStatus == nil)
        #expect(read.occurredAt.seconds == 1_785_600_606)
    }

    @Test("of two readings in one second of Stripe's the later one has the later time and a key of its own")
    func twoReadings() async throws {
        let published = Published()
        let id = try await withStripe(refetches: true, published: published) { requests, stripe in
            let id = try await stripe.subscribe(linked, "payment_behavior=default_incomplete").id
            for (type, status) in [("created", "incomplete"), ("updated", "active"), ("updated", "active")] {
                if status == "active", let invoice = try await stripe.list("/v1/invoices", "status=open").first {
                    try await stripe.post("/v1/invoices/\(invoice["id"]?.text ?? "")/pay", "paid_out_of_band=true")
                }
                let answer = await requests.answer(try event("customer.subscription.\(type)", of: id), now: now)
                #expect(answer.member("status")?.text == status)
            }
            return id
        }
        let updates = try published.all
        #expect(updates.map(\.status) == [.incomplete, .active, .active])
        #expect(updates.allSatisfy { $0.occurredAt.seconds == 1_785_600_606 })
        #expect(updates[0].occurredAt < updates[1].occurredAt && updates[1].occurredAt < updates[2].occurredAt)
        // The last event is a repetition: it is read and stored again.
        #expect(Set(published.keys).count == 3 && Set(updates.map(\.eventID)).count == 3)
        #expect(published.keys == updates.map { "stripe:\($0.eventID)" })
        #expect(updates.allSatisfy { $0.eventID.hasPrefix("observed:\(id):") })
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
        for (metadata, updates, unlinked) in [
            (linked, [SubscriptionUpdate.Kind.checkout, .observed], []), ("", [.checkout], [.observed]),
        ] as [(String, [SubscriptionUpdate.Kind], [SubscriptionUpdate.Kind])] {
            let published = Published()
            try await withStripe(refetches: true, published: published) { requests, stripe in
                let id = try await stripe.subscribe(metadata).id
                let answer = await requests.answer(try event("checkout.session.completed", of: id), now: now)
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
        try await withStripe(refetches: true, published: published) { requests, stripe in
            let id = try await stripe.subscribe().id
            let answer = await requests.answer(try event("customer.subscription.updated", of: id), now: now)
            #expect(answer.member("subscription_update_emitted") == true)
        }
        #expect(published.keys == ["stripe:evt_BusFixture000003"])
    }

    @Test("a request reads, publishes and answers; who asks names the account only where the subscription does not")
    func request() async throws {
        let published = Published()
        let id = try await withStripe(published: published) { requests, stripe in
            let id = try await stripe.subscribePastDue()
            for metadata in [linked, "metadata[bus_feature]=a", ""] {
                try await stripe.post("/v1/subscriptions/\(id)", "metadata=")
                try await stripe.post("/v1/subscriptions/\(id)", metadata)
                let answer = await requests.answer(observe(id, account: stranger), now: now)
                #expect(
                    answer.text
                        == #"{"account_id":"\#(stranger)","provider":"stripe","provider_subscription_id":"\#(id)","status":"past_due"}"#
                )
            }
            return id
        }
        #expect(try published.all.map(\.accountID) == [account, stranger])
        #expect(try published.unlinked.map(\.accountID) == [stranger])
        #expect(published.keys.last??.hasPrefix("stripe:unlinked:observed:\(id):") == true)
    }

    @Test("what cannot be read or published says why and what to do")
    func refused() async throws {
        let keyless = await requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local)
            .answer(observe(), now: now)
        #expect(keyless.error?.code == "stripe_unconfigured")
        #expect(keyless.error?.message.contains("BUS_STRIPE_SECRET_KEY") == true)
        try await withStripe { requests, _ in
            let unknown = await requests.answer(observe(), now: now)
            #expect(unknown.error?.code == "stripe_error")
            #expect(unknown.error?.message.contains("BUS_STRIPE_SECRET_KEY") == true)
            #expect(unknown.metadata["stripe.retryable"] == "false")
        }
        try await withStripe(published: Published(features: [])) { requests, stripe in
            let unlinked = await requests.answer(observe(try await stripe.subscribe().id), now: now)
            #expect(unlinked.error?.code == "stripe_error")
            #expect(unlinked.error?.message.contains("bus_account_id") == true)
        }
        try await withStripe(published: Published(fails: true)) { requests, stripe in
            let away = await requests.answer(observe(try await stripe.subscribe().id), now: now)
            #expect(away.error?.code == "events_unavailable" && away.metadata["stripe.retryable"] == "true")
        }
        let missing = await requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local)
            .answer(envelope(Exchange.stripeObserve.request, ["account_id": .string(account)]), now: now)
        #expect(missing.error?.code == "invalid_request")
    }
}
