import BusContract
import BusCore
import StoreTestSupport
import TestSupport
import Testing

@testable import BillingWorker

/// Customers that were deleted at the payment company.
struct CustomerDeletionTests {
    @Test(
        "a deleted customer is forgotten in whichever order its deletion and its updates come",
        arguments: [[0, 1], [1, 0]])
    func forgotten(order: [Int]) async throws {
        try await BillingBench.run { bench in
            for step in order {
                if step == 0 {
                    try await bench.update("evt_1", "active")
                } else {
                    #expect(try await bench.forget("cus_1")["applied"] == true)
                }
            }
            #expect(try await bench.forget("cus_1")["applied"] == false)
            let portal = await bench.ask(Exchange.portalSession.request, ["account_id": .string(BillingBench.account)])
            #expect(portal.error?.code == "customer_unresolved")
            #expect(try await bench.check()["allowed"] == true, "access ends by events of its own")
        }
    }

    @Test("a customer of the other mode or another company keeps its id", arguments: TestStore.allCases)
    func others(_ store: TestStore) async throws {
        try await BillingBench.run(on: store) { bench in
            try await bench.update("evt_1", "active")
            _ = try await bench.forget("cus_1", more: ["livemode": true])
            _ = try await bench.forget("cus_1", more: ["provider": "other"])
            let portal = await bench.ask(Exchange.portalSession.request, ["account_id": .string(BillingBench.account)])
            #expect(portal.error == nil)
        }
    }
}

extension BillingBench {
    fileprivate func forget(_ customer: String, more: [String: JSONValue] = [:]) async throws -> JSONValue {
        let payload: [String: JSONValue] = ["provider": "stripe", "provider_customer_id": .string(customer)]
        return try await answer(Exchange.customerDeletion.request, .object(payload.merging(more) { $1 }))
    }
}
