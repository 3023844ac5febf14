import BusAuth
import BusClient
import BusCore
import HTTPTypes
import TestSupport
import Testing

@testable import BillingAPI

struct AccountRouteTests {
    @Test func theAccountIsTheTokens() async throws {
        try await BillingBench.run { bench in
            let token = BillingBench.token(Audience.api, subject: BillingBench.alice.uppercased())
            _ = try await bench.send(.status, token: token)
            _ = try await bench.send(.checkout, "", token: token)
            _ = try await bench.send(.portal, " \n", token: token)
            let alice: JSONValue = ["account_id": .string(BillingBench.alice)]
            #expect(
                bench.asked == [
                    .init(name: "bus.billing.status.request", payload: alice),
                    .init(name: "bus.billing.checkout_session.request", payload: alice),
                    .init(name: "bus.billing.portal_session.request", payload: alice),
                ])
        }
    }

    @Test func knownMembersGoOnAndOthersDoNot() async throws {
        let body = """
            {"feature":"llm:proxy","features":["a"],"plan_id":"p","return_url":"https://r","success_url":"https://s",
             "cancel_url":"https://c","quantity":7,"price_id":"price_1","accountId":"x","nested":{"email":"x"}}
            """
        try await BillingBench.run { bench in
            let statuses = [
                try await bench.send(.checkout, body).status, try await bench.send(.portal, body).status,
            ]
            #expect(statuses == [200, 200])
            let payloads = bench.asked.map(\.payload)
            #expect(
                payloads == [
                    [
                        "account_id": .string(BillingBench.alice), "feature": "llm:proxy",
                        "features": ["llm:proxy", "a"],
                        "plan_id": "p", "return_url": "https://r", "success_url": "https://s",
                        "cancel_url": "https://c",
                    ], ["account_id": .string(BillingBench.alice), "return_url": "https://r"],
                ])
        }
    }

    @Test(
        arguments: [
            "account_id", "identity_id", "email", "tenant", "tenant_id", "customer", "customer_email", "Customer_ID",
        ], [Operation.checkout, .portal])
    func namingAnAccountIsRefused(member: String, operation: Operation) async throws {
        try await BillingBench.run { bench in
            for value in ["\"\(BillingBench.alice)\"", "null"] {
                let answer = try await bench.send(operation, "{\"\(member)\":\(value)}")
                #expect(answer.status == 400)
                #expect(answer.errorType == "bad_request")
                #expect(answer.errorMessage?.contains(member) == true)
            }
            #expect(bench.asked.isEmpty)
        }
    }

    @Test(arguments: Operation.withBody)
    func bodiesThatAreNotOneObjectAreRefused(_ operation: Operation) async throws {
        try await BillingBench.run { bench in
            for body in ["{", "[]", "\"x\"", "null", "1", "{}{}", "{} x", "{\"a\":1,}", "\u{0}"] {
                let answer = try await bench.send(operation, body)
                #expect(answer.status == 400, "\(body) \(answer.text)")
                #expect(answer.errorType == "bad_request")
            }
            #expect(bench.asked.isEmpty)
        }
    }

    @Test(arguments: Operation.withBody) func bodiesAreBounded(_ operation: Operation) async throws {
        let bytesMax = operation.method == .put ? Limits.catalogBodyBytesMax : Limits.billingBodyBytesMax
        let start = String(operation.body?.dropLast() ?? "{")
        @Sendable func body(_ bytes: Int) -> String {
            let start = start == "{" ? #"{"note":""# : start + #","note":""#
            return start + String(repeating: "n", count: bytes - start.utf8.count - 2) + "\"}"
        }
        try await BillingBench.run { bench in
            #expect(try await bench.send(operation, body(bytesMax)).status == 200)
            let answer = try await bench.send(operation, body(bytesMax + 1))
            #expect(answer.status == 413)
            #expect(answer.errorType == "payload_too_large")
        }
    }

    @Test func statusAndEntitlementArePassedOnAsTheyCame() async throws {
        try await BillingBench.run { bench in
            let alice = try await bench.send(.status)
            #expect(
                alice.json == [
                    "account_id": .string(BillingBench.alice), "status": "active", "features": ["llm:proxy"],
                    "setup_required": false, "added_later": 1,
                ])
            let bob = try await bench.send(.accountStatus)
            #expect(bob.json["account_id"]?.text == BillingBench.bob)
            let denial = try await bench.send(.entitlement)
            #expect(denial.status == 200)
            #expect(
                denial.json == ["allowed": false, "reason": "billing_required", "command": "bus billing setup"])
        }
    }

    @Test func sessionsAreReducedToUrlAndProvider() async throws {
        try await BillingBench.run { bench in
            for operation in [Operation.checkout, .portal] {
                let answer = try await bench.send(operation)
                #expect(answer.text == #"{"provider":"stripe","url":"https://pay.example/1"}"#)
            }
        }
    }

    @Test func entitlementChecksForwardUsageAndTakeFeatureForScope() async throws {
        let account = BillingBench.bob.uppercased()
        try await BillingBench.run { bench in
            let usage = #""usage":{"meter_event_name":"bus_llm_tokens","quantity":5}"#
            _ = try await bench.send(
                .entitlement, #"{"account_id":"\#(account)","feature":"llm:proxy",\#(usage),"email":"ignored"}"#)
            #expect(
                bench.asked.map(\.payload) == [
                    [
                        "account_id": .string(BillingBench.bob), "scope": "llm:proxy",
                        "usage": ["meter_event_name": "bus_llm_tokens", "quantity": 5],
                    ]
                ])
            for body in [
                "", "{}", #"{"scope":"a"}"#, #"{"account_id":"bob","scope":"a"}"#, #"{"account_id":"\#(account)"}"#,
                #"{"account_id":"\#(account)","scope":1}"#, #"{"account_id":"\#(account)","scope":"a","usage":[]}"#,
            ] {
                let answer = try await bench.send(.entitlement, body)
                #expect(answer.errorType == "bad_request", "\(body)")
            }
            #expect(bench.asked.count == 1)
        }
    }

    @Test func anAccountInThePathMustBeAUUID() async throws {
        try await BillingBench.run { bench in
            for account in ["bob", "6f9619ff-8b86-4d01-b42d", "..%2f"] {
                let answer = try await bench.send(
                    .get, "/api/internal/billing/accounts/\(account)/status",
                    token: BillingBench.token(Audience.internal))
                #expect(answer.status == 400 && answer.errorType == "bad_request")
            }
            let path = "/api/internal/billing/accounts/\(BillingBench.bob.uppercased())/status"
            #expect(try await bench.send(.get, path, token: BillingBench.token(Audience.internal)).status == 200)
            #expect(bench.asked.count == 1)
        }
    }
}
