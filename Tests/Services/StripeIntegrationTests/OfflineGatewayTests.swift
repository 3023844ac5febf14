import BusCore
import StripeTestSupport
import Synchronization
import TestSupport
import Testing

@testable import StripeIntegration

/// Local mode beside an offline Stripe: the answers stay, byte for byte, and something stands behind them.
struct OfflineGatewayTests {
    private static let requests: [[String: JSONValue]] = [
        [:], ["feature": "llm:proxy"], ["lookup_key": "k"], ["lookup_key": "unknown"], ["price_id": "price_unknown"],
        ["prices": [["lookup_key": "k", "quantity": 2]], "plan_id": "pro"], ["mode": "setup"],
    ]

    @Test func everyAnswerIsThatOfLocalMode() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.sell("lookup_key=k")
            let links = Mutex<[String: String]>([:])
            let offline = try workers.startLocal { local, session in links.withLock { $0[local] = session } }
            let plain = try workers.startLocal(linking: nil)
            for (index, fields) in Self.requests.enumerated() {
                let expected = await plain.checkout(fields, key: "\(index)")
                let got = await offline.checkout(fields, key: "\(index)")
                #expect(got.code == nil && got.envelope?.payload == expected.envelope?.payload, "\(fields)")
            }
            #expect(await offline.portal().envelope?.payload == plain.portal().envelope?.payload)
            for customer: [String: JSONValue] in [[:], ["customer_id": "cus_gone"]] {
                #expect(await offline.meter(customer).envelope?.payload == plain.meter(customer).envelope?.payload)
            }
            let id = try #require(await plain.checkout(["lookup_key": "k"]).sessionID)
            let session = try #require(links.withLock { $0[id] })
            #expect(session.hasPrefix("cs_test_"), "the local id leads to a session of the offline Stripe")
        }
    }

    @Test func onlyAnOfflineStripeIsCalled() async throws {
        try await StripeWorkers.run { workers in
            let plain = try workers.startLocal(linking: nil)
            for fields in Self.requests { _ = await plain.checkout(fields) }
            _ = await (plain.portal(), plain.meter())
            #expect(workers.calls().isEmpty)
            try await workers.stripe.sell("lookup_key=k")
            let offline = try workers.startLocal { _, _ in }
            _ = await offline.checkout(["lookup_key": "k"])
            #expect(!workers.calls().isEmpty)
        }
    }
}
