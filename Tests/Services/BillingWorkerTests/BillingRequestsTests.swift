import BillingCore
import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import BillingWorker

struct BillingRequestsTests {
    @Test("a checkout carries every price of the plan that sells the feature", arguments: TestStore.allCases)
    func checkout(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let answer = try await bench.answer(
                Exchange.checkoutSession.request,
                [
                    "account_id": .string(BillingBench.account), "feature": "llm:proxy",
                    "return_url": "https://a.example/",
                ])
            #expect(answer == ["url": "https://pay.example/c-1", "provider": "stripe"])
            let offer = try #require(bench.provider.offers.first)
            #expect(offer.planID == "basic")
            let payload = try offer.providerRequest(customerID: nil, idempotencyKey: "k").payload.value()
            #expect(
                payload == [
                    "account_id": .string(BillingBench.account), "provider": "stripe", "feature": "llm:proxy",
                    "features": ["llm:proxy"], "plan_id": "basic", "price_lookup_key": "basic-eur-month",
                    "return_url": "https://a.example/", "idempotency_key": "k",
                ])
        }
    }

    @Test("without a catalog a checkout names the feature alone", arguments: TestStore.allCases)
    func checkoutWithoutCatalog(_ store: TestStore) async throws {
        try await BillingBench.run(on: store, catalog: nil) { bench in
            _ = try await bench.answer(
                Exchange.checkoutSession.request, ["account_id": .string(BillingBench.account)])
            let offer = try #require(bench.provider.offers.first)
            #expect(offer.features == ["llm:proxy"])
            #expect(offer.planID == nil)
            #expect(offer.priceLookupKeys.isEmpty)
        }
    }

    @Test("licensed and metered prices of a plan go into one checkout")
    func prices() throws {
        let catalog = try Catalog(
            [
                "products": [["id": "llm", "name": "LLM"]],
                "meters": [["name": "tokens", "unit": "tokens"]],
                "prices": [
                    [
                        "lookup_key": "metered", "product_lookup_key": "llm", "plan_id": "p", "currency": "eur",
                        "unit_amount_decimal": "0.1", "interval": "month", "usage_type": "metered",
                        "meter_lookup_key": "tokens",
                    ],
                    [
                        "lookup_key": "yearly", "product_lookup_key": "llm", "plan_id": "p", "currency": "eur",
                        "unit_amount": 9000, "interval": "year",
                    ],
                ],
                "plans": [
                    [
                        "id": "p", "product_id": "llm", "features": ["llm:proxy"], "quotas": [],
                        "prices": [["lookup_key": "base", "currency": "eur", "unit_amount": 900, "interval": "month"]],
                    ]
                ],
            ], unknownMembers: .keep)
        let request = try CheckoutSessionRequest(JSONText(["account_id": .string(BillingBench.account)]))
        let offer = try CheckoutOffer(request, catalog: catalog, provider: "stripe")
        #expect(Set(offer.priceLookupKeys) == ["base", "metered"], "a yearly price cannot be in a monthly checkout")
        #expect(offer.providerRequest(customerID: "cus_1", idempotencyKey: "k").lines.count == 2)
    }

    @Test(
        "a portal opens for the known customer, and the provider's refusal keeps its code",
        arguments: TestStore.allCases)
    func portal(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let payload: JSONValue = ["account_id": .string(BillingBench.account)]
            let refused = await bench.ask(Exchange.portalSession.request, payload)
            #expect(refused.error?.code == "customer_unresolved")
            #expect(refused.metadata["billing.retryable"] == "false")
            try await bench.update("evt_1", "active")
            #expect(
                try await bench.answer(Exchange.portalSession.request, payload) == [
                    "url": "https://portal.example/cus_1", "provider": "stripe",
                ])
        }
    }

    @Test(
        "wrong input is invalid_request and names the field",
        arguments: [
            (Exchange.status.request, #"{}"#, "account_id"),
            (Exchange.status.request, #"{"account_id":"x"}"#, "account_id"),
            (Exchange.status.request, #"[]"#, "payload"),
            (Exchange.entitlementCheck.request, #"{"account_id":"ACCOUNT"}"#, "scope"),
            (Exchange.entitlementCheck.request, #"{"account_id":"ACCOUNT","scope":"A B"}"#, "scope"),
            (
                Exchange.entitlementCheck.request,
                #"{"account_id":"ACCOUNT","scope":"a","usage":{"meter_event_name":"m","quantity":0}}"#, "usage.quantity"
            ),
            (
                Exchange.entitlementCheck.request, #"{"account_id":"ACCOUNT","scope":"a","usage":{"quantity":1}}"#,
                "usage.meter"
            ),
            (Exchange.entitlementCheck.request, #"{"account_id":"ACCOUNT","scope":"a","usage":5}"#, "usage"),
            (Exchange.checkoutSession.request, #"{"account_id":"ACCOUNT","return_url":"ftp://a"}"#, "return_url"),
            (Exchange.checkoutSession.request, #"{"account_id":"ACCOUNT","plan_id":"nope"}"#, "plan_id"),
            (
                Exchange.subscriptionUpdate.request, #"{"account_id":"ACCOUNT","provider":"stripe","status":"active"}"#,
                "event_id"
            ),
            (
                Exchange.subscriptionUpdate.request, #"{"event_id":"e","account_id":"ACCOUNT","status":"active"}"#,
                "provider"
            ),
            (
                Exchange.subscriptionUpdate.request, #"{"event_id":"e","account_id":"ACCOUNT","provider":"stripe"}"#,
                "status"
            ),
            (
                Exchange.subscriptionUpdate.request,
                #"{"event_id":"e","account_id":"ACCOUNT","provider":"stripe","status":"active","occurred_at":"now"}"#,
                "occurred_at"
            ),
            (Exchange.usageExport.request, #"{"account_id":"ACCOUNT"}"#, "quantity"),
            (Exchange.usageExport.request, #"{"account_id":"ACCOUNT","quantity":-1}"#, "quantity"),
            (Exchange.usageExport.request, #"{"quantity":1}"#, "account_id"),
        ])
    func wrongInput(_ name: EventName, _ payload: String, _ field: String) async throws {
        try await BillingBench.run { bench in
            let text = payload.replacing("ACCOUNT", with: BillingBench.account)
            let response = await bench.ask(name, try JSONValue(parsing: Array(text.utf8)))
            #expect(response.error?.code == "invalid_request")
            #expect(response.error?.message.contains(field) == true, "\(response.error?.message ?? "")")
            #expect(response.correlationID == "c-1")
            #expect(response.name == name.response)
        }
    }

    @Test("an end user acts for the own account alone, and publishes no updates", arguments: TestStore.allCases)
    func callers(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            let other = "00000000-0000-4000-8000-00000000000f"
            let payload: JSONValue = ["account_id": .string(BillingBench.account), "scope": "llm:proxy"]
            for name in [Exchange.status.request, Exchange.entitlementCheck.request, Exchange.checkoutSession.request] {
                #expect(await bench.ask(name, payload, owner: other).error?.code == "forbidden_account")
                #expect(await bench.ask(name, payload, owner: BillingBench.account).error == nil)
                #expect(await bench.ask(name, payload, owner: "billing-provider").error == nil)
            }
            let update: JSONValue = [
                "event_id": "e", "account_id": .string(BillingBench.account), "provider": "stripe", "status": "active",
            ]
            for name in [Exchange.subscriptionUpdate.request, Exchange.usageExport.request] {
                let response = await bench.ask(name, update, owner: BillingBench.account)
                #expect(response.error?.code == "forbidden_account")
            }
            let status = try await bench.status()
            #expect(status["status"] == "missing")
        }
    }

    @Test("a store that fails is billing_unavailable, and may be asked again", arguments: TestStore.allCases)
    func storeFails(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            _ = try await bench.database.write { try $0.run("DROP TABLE bus_billing_subscriptions") }
            let response = await bench.ask(
                Exchange.subscriptionUpdate.request,
                [
                    "event_id": "e", "account_id": .string(BillingBench.account), "provider": "stripe",
                    "status": "active",
                ])
            #expect(response.error?.code == "billing_unavailable")
            #expect(response.metadata["billing.retryable"] == "true")
            #expect(response.payload == JSONText(["account_id": .string(BillingBench.account)]))
        }
    }

    @Test("every order of a history ends in the same rows, through the store", arguments: TestStore.allCases)
    func ordersThroughTheStore(_ store: TestStore) async throws {
        var random = SeededGenerator(seed: PropertySettings.seed)
        for await _ in Rounds(5, proof: 200) {
            let history = SubscriptionHistory(count: 12, sameSecond: 60, &random)
            var ends: Set<String> = []
            for _ in 0..<4 {
                let order = (history.updates + history.updates.prefix(4)).shuffled(using: &random)
                let end = Mutex("")
                try await BillingBench.run(on: store) { bench in
                    for update in order {
                        await bench.ask(Exchange.subscriptionUpdate.request, try update.payload.value())
                    }
                    let row = try await bench.database.read {
                        try $0.first("SELECT status, features, plan_id, state FROM bus_billing_subscriptions")
                    }
                    let text = try
                        "\(row?.text(0) ?? "") \(row?.text(1) ?? "") \(row?.textOrNil(2) ?? "") \(row?.text(3) ?? "")"
                    end.withLock { $0 = text }
                }
                ends.insert(end.withLock { $0 })
            }
            #expect(ends.count == 1, "seed \(PropertySettings.seed)")
        }
    }
}
