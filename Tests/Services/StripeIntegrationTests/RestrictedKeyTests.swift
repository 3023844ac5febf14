import BusCore
import TestSupport
import Testing

@testable import StripeIntegration

/// A restricted key that may not do everything with customers.
struct RestrictedKeyTests {
    @Test("a key that may not write customers sells as before, and is warned of once")
    func mayNotWrite() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.forbidden = ["POST /v1/customers"] }
            let worker = workers.start()
            for (key, mode) in [("1", "subscription"), ("2", "payment"), ("3", "payment")] {
                let answer = await worker.checkout(["mode": .string(mode), "email": "a@example.com"], key: key)
                #expect(answer.code == nil)
            }
            let forms = workers.double.snapshot.checkouts
            #expect(forms.map { $0["customer"] } == [nil, nil, nil])
            #expect(forms.map { $0["customer_email"] } == Array(repeating: "a@example.com", count: 3))
            #expect(forms.map { $0["customer_creation"] } == [nil, "always", "always"])
            #expect(workers.warnings.all.count == 1)
            #expect(workers.warnings.all.first?.contains("Customers (write)") == true)
            #expect(workers.calls().count { $0 == "POST /v1/customers" } == 1)
            // What others made is still found.
            workers.double.set { $0.customers = [StripeWorkers.account: ["cus_found"]] }
            #expect(await worker.checkout(key: "4").code == nil)
            #expect(workers.double.buyers.last == "cus_found")
        }
    }

    @Test("a key that may not even search customers asks once")
    func mayNotSearch() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.forbidden = ["GET /v1/customers/search", "POST /v1/customers"] }
            let worker = workers.start()
            for key in ["1", "2"] { #expect(await worker.checkout(key: key).code == nil) }
            #expect(
                workers.calls() == [
                    "GET /v1/prices/price_default", "GET /v1/customers/search", "POST /v1/checkout/sessions",
                    "POST /v1/checkout/sessions",
                ])
            #expect(workers.warnings.all.count == 1)
            // A portal needs the customer, so it says which permission is missing.
            #expect(await worker.portal().code == "stripe_auth_failed")
        }
    }
}
