import BusCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

/// A restricted key that may not do everything with customers.
struct RestrictedKeyTests {
    @Test("a key that may not write customers sells as before, and is warned of once")
    func mayNotWrite() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.dial(["calls": [["fault": "403", "path": "/v1/customers", "method": "POST"]]])
            let once = try await workers.stripe.sellOnce()
            let worker = workers.start()
            for (key, mode, price) in [
                ("1", "subscription", workers.price), ("2", "payment", once), ("3", "payment", once),
            ] {
                let fields: [String: JSONValue] = ["mode": .string(mode), "price_id": .string(price)]
                let answer = await worker.checkout(fields.merging(["email": "a@example.com"]) { $1 }, key: key)
                #expect(answer.code == nil)
            }
            let sessions = try await workers.sessions
            #expect(sessions.map { $0["customer"] } == [nil, nil, nil])
            #expect(sessions.map { $0["customer_email"] } == Array(repeating: "a@example.com", count: 3))
            #expect(sessions.map { $0["customer_creation"] } == [nil, "always", "always"])
            #expect(workers.warnings.all.count == 1)
            #expect(workers.warnings.all.first?.contains("Customers (write)") == true)
            #expect(workers.calls().count { $0 == "POST /v1/customers" } == 1)
            // What others made is still found.
            try await workers.stripe.dial([:])
            let found = try await workers.stripe.addCustomer(of: StripeWorkers.account)
            #expect(await worker.checkout(key: "4").code == nil)
            #expect(try await workers.buyers.last == found)
        }
    }

    @Test("a key that may not even search customers asks once")
    func mayNotSearch() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.dial(["calls": [["fault": "403", "path": "/v1/customers"]]])
            let worker = workers.start()
            for key in ["1", "2"] { #expect(await worker.checkout(key: key).code == nil) }
            #expect(
                workers.calls() == [
                    "GET /v1/prices/\(workers.price)", "GET /v1/customers/search", "POST /v1/checkout/sessions",
                    "POST /v1/checkout/sessions",
                ])
            #expect(workers.warnings.all.count == 1)
            // A portal needs the customer, so it says which permission is missing.
            #expect(await worker.portal().code == "stripe_auth_failed")
        }
    }
}
