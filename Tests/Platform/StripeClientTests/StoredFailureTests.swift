import BusContract
import BusCore
import StripeClient
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

/// A failure that Stripe keeps under an idempotency key for a day.
struct StoredFailureTests {
    private static func meterKeys(_ bench: ClientBench) -> [String] {
        bench.stripe.requests.compactMap { $0.headers["idempotency-key"] }
    }

    @Test("usage that met a failure which Stripe keeps goes through under another key in the same call")
    func withinOneCall() async throws {
        try await withClient(faults: [.keptFailure]) { bench in
            let receipt = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(!receipt.isDuplicate && receipt.providerEventID == "usage-1")
            #expect(try await bench.usage == 1_200)
            let keys = Self.meterKeys(bench)
            #expect(keys.count == 3 && keys[0] == "usage-1" && keys[1] == "usage-1")
            #expect(keys[2].hasPrefix("usage-1~test."), "\(keys)")
        }
    }

    @Test("usage is not locked out by kept failures, however many calls and processes met one")
    func acrossCalls() async throws {
        try await withClient { bench in
            let always = (0..<3).flatMap { _ in Array(repeating: LoopbackStripe.Fault.keptFailure, count: 3) }
            bench.stripe.faults = always
            for _ in 0..<3 {
                let caught = await #expect(throws: StripeFault.self) {
                    try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
                }
                #expect(caught?.code == .stripeUnavailable)
            }
            #expect(try await bench.usage == 0)
            let receipt = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(receipt.providerEventID == "usage-1" && !receipt.isDuplicate)
            #expect(try await bench.usage == 1_200)
            #expect(
                bench.stripe.requests.allSatisfy {
                    $0.body.contains("identifier=usage-1&") || $0.body.hasSuffix("=usage-1")
                })
        }
    }

    @Test("two equal failures count as kept, even where Stripe does not say so")
    func equalFailures() async throws {
        try await withClient(faults: [.status(500), .status(500)]) { bench in
            _ = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(Set(Self.meterKeys(bench)).count == 2)
        }
        try await withClient(faults: [.status(500), .status(503)]) { bench in
            _ = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(Set(Self.meterKeys(bench)).count == 1)
        }
    }

    @Test("a kept failure of usage that Stripe took all the same is a success, and counted once")
    func takenAllTheSame() async throws {
        try await withClient(faults: [.keptFailure]) { bench in
            try await bench.stripe.post(
                "/v1/billing/meter_events",
                "event_name=tokens&identifier=usage-1&payload[stripe_customer_id]=\(bench.customer)&payload[value]=1200"
            )
            let receipt = try await bench.client.recordMeterEvent(try bench.meterRequest(), deadline: deadline())
            #expect(receipt.isDuplicate && receipt.providerEventID == "usage-1")
            #expect(try await bench.usage == 1_200)
        }
    }

    @Test("a session that met a kept failure is made under another key")
    func session() async throws {
        try await withClient(faults: [.keptFailure]) { bench in
            let session = try await bench.checkout()
            #expect(try await bench.sessions == [session.id])
        }
    }

    @Test("a customer never gets another key for a failure that only looks kept, or there could be two")
    func customer() async throws {
        try await withClient(faults: [.status(500), .status(500)]) { bench in
            _ = try await bench.client.createCustomer(CustomerChoice(accountID: account), deadline: deadline())
            #expect(Set(Self.meterKeys(bench)).count == 1)
        }
    }
}
