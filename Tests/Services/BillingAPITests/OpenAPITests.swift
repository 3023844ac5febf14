import BusAuth
import BusClient
import BusContract
import BusCore
import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import BillingAPI

/// The document says what the router does: paths, methods, every status, every member of every body.
struct OpenAPITests {
    private static let file = "api/openapi-billing.yaml"

    /// A path of the document for the one that is called.
    private static func template(_ path: String) -> String {
        path.replacing(BillingBench.bob, with: "{account_id}")
    }

    @Test func pathsAndMethodsAreThoseOfTheRouter() async throws {
        let document = try OpenAPIDocument(Self.file)
        try await BillingBench.run { bench in
            #expect(bench.paths == Set(document.operations.keys))
            for path in bench.paths {
                for method in [HTTPRequest.Method.get, .put, .post, .delete, .patch, .head, .options] {
                    let answer = try await bench.send(
                        method, path.replacing("{account_id}", with: BillingBench.bob))
                    let isDocumented = document.operations[path]?[method.rawValue.lowercased()] != nil
                    #expect((answer.status != 405) == isDocumented, "\(method) \(path)")
                }
            }
        }
    }

    @Test func everyReferenceHasATarget() throws {
        let document = try OpenAPIDocument(Self.file)
        #expect(!document.references.isEmpty)
        #expect(document.references.subtracting(document.components) == [])
    }

    @Test(arguments: Operation.all) func statusesAndBodiesAreDocumented(_ operation: Operation) async throws {
        let document = try OpenAPIDocument(Self.file)
        let path = Self.template(operation.path)
        let method = operation.method.rawValue.lowercased()
        let documented = try #require(document.operations[path]?[method])
        var seen: Set<Int> = []
        for answer in try await Self.answers(of: operation) {
            seen.insert(answer.status)
            guard let schema = document.schema(path, method, answer.status) else {
                #expect(answer.bytes.isEmpty, "\(answer.status) has no documented body")
                continue
            }
            let members = try #require(document.members[schema])
            #expect(members.describe(answer.json), "\(answer.status) \(schema) \(answer.text)")
            if schema == "Error" {
                let error = try #require(document.members["Error.error"])
                #expect(error.describe(answer.json["error"]), "\(answer.text)")
            }
        }
        // A slow body takes as long as the limit, which the server's own tests wait for.
        #expect(seen == documented.subtracting([408]))
    }

    @Test func documentedMembersOfRequestsAreForwarded() async throws {
        let document = try OpenAPIDocument(Self.file)
        for (operation, schema) in [
            (Operation.checkout, "CheckoutRequest"), (.portal, "PortalRequest"), (.entitlement, "EntitlementRequest"),
            (.forget, "ForgetRequest"),
        ] {
            let known = try #require(document.members[schema]).known
            #expect(!known.isEmpty)
            try await BillingBench.run { bench in
                var body: [String: JSONValue] = ["unknown": 1]
                for name in known { body[name] = name.hasSuffix("_url") ? "https://x.example" : "x" }
                if schema == "EntitlementRequest" {
                    body["account_id"] = .string(BillingBench.bob)
                    body["usage"] = ["meter_event_name": "m", "quantity": 1]
                }
                if schema == "EntitlementRequest" { body["hold"] = false }
                if schema == "ForgetRequest" { body["force"] = true }
                if schema == "CheckoutRequest" {
                    body.merge(["features": ["x"], "interval": "year", "additional": true]) { $1 }
                }
                let text = String(decoding: JSONValue.object(body).serialized(), as: UTF8.self)
                let answer = try await bench.send(operation, text)
                #expect(answer.status == 200, "\(answer.text)")
                guard case .object(let forwarded) = bench.asked.first?.payload else {
                    Issue.record("nothing was asked")
                    return
                }
                #expect(Set(forwarded.keys) == known.union(["account_id"]))
            }
        }
    }

    /// What an operation answers to everybody who may come.
    private static func answers(of operation: Operation) async throws -> [BillingBench.Answer] {
        let found = Answers()
        try await BillingBench.run(worker: complete) { bench in
            if operation.path.hasSuffix("catalog") {
                found.add(try await bench.send(.getCatalog), if: operation.method == .get)
                let etag = try await bench.send(.putCatalog).headers[.eTag] ?? ""
                found.add(
                    try await bench.send(.getCatalog, headers: [.ifNoneMatch: etag]), if: operation.method == .get)
                found.add(try await bench.send(.putCatalog, headers: [.ifMatch: "x"]), if: operation.method == .put)
            }
            found.add(try await bench.send(operation))
            if operation.path.hasSuffix("catalog") {
                try await bench.subscribe(to: "basic", of: BillingBench.twoPlans)
                found.add(try await bench.send(.putCatalog), if: operation.method == .put)
            }
            found.add(try await bench.send(operation, token: "none"))
            found.add(try await bench.send(operation, token: BillingBench.token(operation.audience, scope: "none")))
            found.add(try await bench.send(.delete, operation.path))
            if operation.body != nil {
                found.add(try await bench.send(operation, "{"))
                found.add(try await bench.send(operation, String(repeating: " ", count: (1 << 20) + 1)))
            }
        }
        let workers: [BillingBench.Worker] = [
            { name, _ in BillingBench.failure(name, "invalid_request") }, { _, _ in throw RequestReplyFault.timedOut },
            { name, _ in BillingBench.failure(name, "customer_unresolved") },
            { name, _ in
                BillingBench.failure(
                    name, operation.path == Operation.checkout.path ? "already_subscribed" : "customer_unresolved")
            },
            { name, _ in
                BillingBench.failure(
                    name,
                    [Operation.checkout.path: "account_forgotten", Operation.forget.path: "account_in_use"][
                        operation.path] ?? "customer_unresolved")
            },
            { name, _ in BillingBench.answer(name, []) },
        ]
        for worker in workers {
            try await BillingBench.run(hasCatalog: false, worker: worker) { found.add(try await $0.send(operation)) }
        }
        return found.all.withLock { $0 }
    }

    /// A worker that sends every member that its responses may have.
    private static let complete: BillingBench.Worker = { name, payload in
        let usage: JSONValue = [
            "feature": "llm:proxy", "meter_event_name": "bus_llm_tokens", "window": "month", "used": 1, "limit": 1,
            "remaining": 0, "exceeded": true, "upgrade_plan_id": "pro", "reserved": 1,
            "resets_at": "2026-08-01T00:00:00Z",
        ]
        switch name {
        case Exchange.status.request:
            return BillingBench.answer(
                name,
                [
                    "account_id": payload["account_id"] ?? .null, "status": "active", "features": ["llm:proxy"],
                    "setup_required": false, "provider": "stripe", "plan_id": "basic", "usage": [usage],
                    "next_action": "upgrade_plan", "command": "bus billing portal", "upgrade_required": true,
                    "recommended_plan": "pro", "plan_unknown": true, "current_period_end": "2026-08-01T00:00:00Z",
                    "cancel_at": "2026-08-01T00:00:00Z", "grace_until": "2026-08-01T00:00:00Z",
                    "collection_paused": "void",
                ])
        case Exchange.accountForget.request:
            return BillingBench.answer(
                name,
                [
                    "account_id": payload["account_id"] ?? .null, "forgotten_as": .string(BillingBench.alice),
                    "forgotten": true, "forgotten_at": "2026-08-01T00:00:00Z", "running": ["sub_1"],
                    "waiting_usages": 1, "holds": 1, "subscriptions": 1, "updates": 1, "usages": 1, "counts": 1,
                    "customers": [["provider": "stripe", "provider_customer_id": "cus_1", "livemode": true]],
                ])
        case Exchange.entitlementCheck.request:
            return BillingBench.answer(
                name,
                [
                    "allowed": false, "reason": "quota_exceeded", "plan_id": "basic", "recommended_plan": "pro",
                    "usage": usage, "command": "bus billing portal", "hold_id": "h",
                    "hold_until": "2026-08-01T00:00:00Z", "grace_until": "2026-08-01T00:00:00Z",
                ])
        default: return try BillingBench.helpful(name, payload)
        }
    }
}

/// Answers gathered over several servers.
private final class Answers: Sendable {
    let all = Mutex<[BillingBench.Answer]>([])

    func add(_ answer: BillingBench.Answer, if isWanted: Bool = true) {
        if isWanted { all.withLock { $0.append(answer) } }
    }
}
