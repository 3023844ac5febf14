import BusAuth
import BusCore
import HTTPTypes
import TestSupport
import Testing

@testable import BillingAPI

/// Every route of the Billing API against whoever calls it.
struct AccessTests {
    @Test func theFittingTokenIsLetIn() async throws {
        try await BillingBench.run { bench in
            for operation in Operation.all {
                let answer = try await bench.send(operation)
                #expect(answer.status == 200, "\(operation.testDescription) \(answer.text)")
                #expect(answer.headers[.contentType] == "application/json")
            }
        }
    }

    @Test(arguments: Operation.all) func anotherAudienceIsNoToken(_ operation: Operation) async throws {
        let other = operation.audience == Audience.api ? Audience.internal : Audience.api
        try await BillingBench.run { bench in
            for token in ["", "x.y.z", BillingBench.token(other), BillingBench.token("ai.hg.fi/auth")] {
                let answer = try await bench.send(operation, token: token)
                #expect(answer.status == 401)
                #expect(answer.errorType == "invalid_auth")
                #expect(answer.headers[.wwwAuthenticate] == "Bearer")
            }
            let answer = try await bench.send(operation, token: BillingBench.token(other))
            #expect(answer.errorMessage?.contains(operation.audience) == true)
            #expect(bench.asked.isEmpty)
        }
    }

    @Test(arguments: Operation.all) func aMissingScopeIsForbidden(_ operation: Operation) async throws {
        let scopes = Set(Operation.all.map(\.scope)).subtracting([operation.scope]).sorted()
        try await BillingBench.run { bench in
            for scope in ["events:send", scopes.joined(separator: " ")] {
                let token = BillingBench.token(operation.audience, scope: scope)
                // The scope is judged before the body.
                let answer = try await bench.send(operation, "no JSON", token: token)
                #expect(answer.status == 403)
                #expect(answer.errorType == "forbidden")
                #expect(answer.errorMessage?.contains(operation.scope) == true)
            }
            #expect(bench.asked.isEmpty)
        }
    }

    @Test(arguments: Operation.all) func otherMethodsAreNotAllowed(_ operation: Operation) async throws {
        let allowed = Operation.all.filter { $0.path == operation.path }.map(\.method.rawValue).sorted()
        try await BillingBench.run { bench in
            for method in [HTTPRequest.Method.get, .put, .post, .delete, .patch, .head, .options]
            where !allowed.contains(method.rawValue) {
                // The method is judged before the token.
                let answer = try await bench.send(method, operation.path, token: "x")
                #expect(answer.status == 405)
                #expect(answer.headers[.allow] == allowed.joined(separator: ", "))
            }
        }
    }

    @Test(arguments: [Operation.status, .checkout, .portal])
    func aSubjectThatIsNoAccountIsForbidden(_ operation: Operation) async throws {
        try await BillingBench.run { bench in
            let token = BillingBench.token(Audience.api, subject: "billing-worker")
            let answer = try await bench.send(operation, token: token)
            #expect(answer.status == 403)
            #expect(answer.errorType == "forbidden")
            #expect(bench.asked.isEmpty)
        }
    }

    @Test func unknownPathsAreNotFound() async throws {
        try await BillingBench.run { bench in
            for path in ["/", "/api/v1/billing", "/api/v1/billing/catalog", "/api/internal/billing/accounts"] {
                let answer = try await bench.send(.get, path, token: BillingBench.token(Audience.api))
                #expect(answer.status == 404)
                #expect(answer.errorType == "not_found")
            }
        }
    }

    @Test func healthNeedsNoToken() async throws {
        try await BillingBench.run { bench in
            let answer = try await bench.send(.get, "/readyz")
            #expect(answer.status == 200 && answer.text == #"{"ok":true}"#)
        }
    }
}
