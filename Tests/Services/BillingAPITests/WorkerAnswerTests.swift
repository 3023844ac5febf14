import BusClient
import BusContract
import BusCore
import HTTPTypes
import TestSupport
import Testing

@testable import BillingAPI

/// What a worker's answer becomes over HTTP (docs/contract/billing-api.md, "Event errors over HTTP").
struct WorkerAnswerTests {
    static let mapping: [(code: String, status: Int, command: String?)] = [
        ("invalid_request", 400, nil), ("forbidden_account", 403, nil), ("provider_error", 502, nil),
        ("stripe_error", 502, nil), ("price_unresolved", 502, nil), ("customer_unresolved", 502, "bus billing setup"),
        ("billing_unavailable", 503, nil), ("provider_timeout", 503, nil), ("provider_unconfigured", 503, nil),
        ("stripe_unavailable", 503, nil), ("stripe_auth_failed", 503, nil), ("unsupported_provider", 503, nil),
        ("billing_required", 503, "bus billing setup"), ("already_subscribed", 409, nil), ("internal_error", 503, nil),
        ("never_heard_of", 503, nil),
    ]

    @Test(arguments: Operation.asking) func errorsKeepTheirCode(_ operation: Operation) async throws {
        for row in Self.mapping {
            try await BillingBench.run(worker: { name, _ in BillingBench.failure(name, row.code) }) { bench in
                let answer = try await bench.send(operation)
                #expect(answer.status == row.status, "\(row.code)")
                #expect(answer.errorType == row.code)
                #expect(answer.errorMessage == "because")
                #expect(answer.json["error"]?["command"]?.text == row.command, "\(row.code)")
                #expect(answer.json["error"]?["request_id"]?.text != nil)
                #expect((answer.headers[.retryAfter] != nil) == (row.status == 503), "\(row.code)")
            }
        }
    }

    @Test func theCommandOfTheWorkerGoesOn() async throws {
        let worker: BillingBench.Worker = { name, _ in
            var response = BillingBench.failure(name, "already_subscribed")
            response.payload = JSONText(["command": "bus billing portal"])
            return response
        }
        try await BillingBench.run(worker: worker) { bench in
            let answer = try await bench.send(.checkout)
            #expect(answer.status == 409 && answer.errorType == "already_subscribed")
            #expect(answer.json["error"]?["command"] == "bus billing portal")
        }
    }

    @Test(arguments: Operation.asking) func withoutAnAnswerBillingIsUnavailable(_ operation: Operation) async throws {
        let faults: [RequestReplyFault] = [.timedOut, .unavailable(reason: "canary"), .stopped, .tooMany]
        for fault in faults {
            try await BillingBench.run(worker: { _, _ in throw fault }) { bench in
                let answer = try await bench.send(operation)
                #expect(answer.status == 503)
                #expect(answer.errorType == "billing_unavailable")
                #expect(answer.headers[.retryAfter] == "5")
                #expect(!answer.text.contains("canary"))
            }
        }
    }

    static let nonsense: [JSONValue] = [
        .null, [], "text", [:], ["allowed": "yes", "reason": "x"], ["allowed": true], ["url": ""],
        ["url": "https://x"], ["provider": "stripe"], ["url": "", "provider": "stripe"],
        ["account_id": .string(BillingBench.alice), "status": "active", "features": "all", "setup_required": false],
        ["account_id": .string(BillingBench.alice), "status": "active", "features": []],
        [
            "account_id": "11111111-1111-4111-8111-111111111111", "status": "active", "features": [],
            "setup_required": false,
        ],
    ]

    @Test(arguments: Operation.asking) func anAnswerThatIsNoneIsABadGateway(_ operation: Operation) async throws {
        for payload in Self.nonsense {
            try await BillingBench.run(worker: { name, _ in BillingBench.answer(name, payload) }) { bench in
                let answer = try await bench.send(operation)
                #expect(answer.status == 502, "\(payload)")
                #expect(answer.errorType == "bad_gateway")
            }
        }
    }

    @Test func secretsInAWorkersMessageAreNotShown() async throws {
        let message = "sk_test_canary rk_live_canary whsec_canary Bearer canary postgres://bus:canary@host/db"
        try await BillingBench.run(worker: { name, _ in BillingBench.failure(name, "stripe_error", message) }) {
            bench in
            let answer = try await bench.send(.checkout)
            #expect(answer.status == 502)
            #expect(!answer.text.contains("canary"), "\(answer.text)")
        }
    }

    @Test func withoutAWorkerAccountRoutesAreUnavailable() async throws {
        let error = await #expect(throws: BusError.self) {
            try await WorkerCalls.none.status(of: BillingBench.alice)
        }
        #expect(error?.code == .billingUnavailable)
    }
}
