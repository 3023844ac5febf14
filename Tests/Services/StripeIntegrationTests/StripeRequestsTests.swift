import BusContract
import BusCore
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeFixture.accountID
private let now = Timestamp(clampingSeconds: 1_785_600_005)

struct StripeRequestsTests {
    @Test("a response copies the correlation id, names its source, and has no error")
    func success() async throws {
        let request = envelope(Exchange.stripeCheckout.request, ["account_id": .string(account)])
        let first = await localRequests().answer(request, now: now)
        #expect(first.name == Exchange.stripeCheckout.response)
        #expect(first.correlationID == "c-1")
        #expect(first.source == "bus-integration-stripe")
        #expect(first.error == nil && first.metadata.isEmpty)
        #expect(first.member("stripe_mode") == "local")
        let second = await localRequests().answer(request, now: now)
        #expect(first == second)
        let portal = await localRequests().answer(
            envelope(Exchange.stripePortal.request, ["account_id": .string(account)]), now: now)
        #expect(portal.member("session_id")?.text?.hasPrefix("bps_local_") == true)
        let meter = await localRequests().answer(
            envelope(
                Exchange.stripeMeterEvent.request,
                ["account_id": .string(account), "meter": "m", "quantity": 5, "event_id": "e"]), now: now)
        #expect(meter.member("provider_event_id")?.text?.hasPrefix("mtr_local_") == true)
    }

    @Test("a request without a correlation id is answered under its own id, or a fresh one")
    func correlation() async throws {
        let bytes = Array(
            #"{"id":"evt_7","name":"bus.stripe.portal_session.create.request","payload":{"account_id":"\#(account)"}}"#
                .utf8)
        #expect(await localRequests().answer(try EventEnvelope(decoding: bytes), now: now).correlationID == "evt_7")
        let bare = envelope(Exchange.stripePortal.request, ["account_id": .string(account)], correlationID: nil)
        let fresh = await localRequests().answer(bare, now: now).correlationID
        #expect(fresh.flatMap(UUIDText.normalized) != nil)
    }

    @Test("an end user's own request is refused; services, trusted and own subjects are not")
    func callers() async {
        for (owner, isAllowed) in [
            ("22222222-0000-4000-8000-000000000002", false), ("11111111-0000-4000-8000-000000000001", true),
            (account, true), ("billing-worker", true), (nil, true),
        ] as [(String?, Bool)] {
            for name in ExchangeRules.answered(by: .stripe).map(\.request) where name != Exchange.webhookVerify.request
            {
                let response = await localRequests().answer(
                    envelope(name, ["account_id": .string(account)], owner: owner), now: now)
                #expect((response.error?.code == "forbidden_account") == !isAllowed, "\(name) \(owner ?? "-")")
                if !isAllowed {
                    #expect(response.metadata["stripe.retryable"] == "false")
                    #expect(response.text == #"{"account_id":"\#(account)"}"#)
                }
            }
        }
    }

    @Test("every failure has its code, its retryability, and no null payload")
    func codes() async throws {
        let checkout = envelope(Exchange.stripeCheckout.request, ["account_id": .string(account)])
        let cases: [(String, Bool, [LoopbackStripe.Fault], EventEnvelope)] = [
            ("invalid_request", false, [], envelope(Exchange.stripeCheckout.request, [])),
            ("unsupported_provider", false, [], envelope(Exchange.stripePortal.request, ["provider": "x"])),
            (
                "price_unresolved", false, [],
                envelope(
                    Exchange.stripeCheckout.request,
                    [
                        "account_id": .string(account), "lookup_key": "gone",
                    ])
            ),
            (
                "customer_unresolved", false, [],
                envelope(Exchange.stripePortal.request, ["account_id": .string(account)])
            ),
            ("stripe_auth_failed", false, [.status(401)], checkout),
            ("stripe_error", false, [.status(400)], checkout),
            ("stripe_unavailable", true, [.status(500), .status(500), .status(500)], checkout),
        ]
        for (code, isRetryable, faults, request) in cases {
            try await withStripe(faults: faults) { requests, _ in
                let response = await requests.answer(request, now: now)
                #expect(response.error?.code == code)
                #expect(response.metadata == ["stripe.retryable": isRetryable ? "true" : "false"])
                #expect(response.text == "{}" || response.text == #"{"account_id":"\#(account)"}"#)
                #expect(response.name == request.name.response)
            }
        }
        try await withStripe(hasDefault: false) { requests, stripe in
            let response = await requests.answer(checkout, now: now)
            #expect(response.error?.code == "price_unresolved")
            #expect(stripe.requests.isEmpty)
        }
    }

    @Test("a plan's lookup keys become lines, the metered one without a quantity; a customer is found by metadata")
    func orchestration() async throws {
        try await withStripe { requests, stripe in
            let base = try await stripe.sell("lookup_key=base")
            let tokens = try await stripe.sellUse("lookup_key=tokens")
            let customer = try await stripe.addCustomer(of: account)
            let response = await requests.answer(
                envelope(
                    Exchange.stripeCheckout.request,
                    [
                        "account_id": .string(account), "quantity": 1,
                        "prices": [["lookup_key": "base"], ["lookup_key": "tokens", "quantity": 1]],
                    ]), now: now)
            #expect(response.error == nil)
            let body = stripe.requests.last?.body ?? ""
            #expect(
                body.contains(
                    "line_items[0][price]=\(base)&line_items[0][quantity]=1&line_items[1][price]=\(tokens)&success_url")
            )
            let portal = await requests.answer(
                envelope(Exchange.stripePortal.request, ["account_id": .string(account)]), now: now)
            #expect(portal.error == nil)
            #expect(stripe.requests.last?.body.hasPrefix("customer=\(customer)&") == true)
        }
    }

    @Test("meter events of one customer and meter go one at a time, all of them go")
    func lanes() async throws {
        try await withStripe { requests, stripe in
            try await stripe.sellUse(of: "m")
            let customer = try await stripe.addCustomer()
            // Calls that should be apart have a chance to overlap.
            let path = "/v1/billing/meter_events"
            try await stripe.dial(["calls": [["fault": "slow", "path": .string(path), "delay": "5ms"]]])
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let payload: JSONValue = [
                            "account_id": .string(account), "customer_id": .string(customer), "meter": "m",
                            "quantity": 1,
                            "idempotency_key": .string("usage-\(index)"),
                        ]
                        let response = await requests.answer(
                            envelope(Exchange.stripeMeterEvent.request, payload), now: now)
                        #expect(response.member("accepted") == true)
                    }
                }
            }
            #expect(try await stripe.usage(of: "m", by: customer) == 20)
            #expect(stripe.openMax(path) == 1)
        }
    }
}
