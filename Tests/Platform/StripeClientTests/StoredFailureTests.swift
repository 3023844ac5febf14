import BusContract
import BusCore
import StripeClient
import StripeCore
import TestSupport
import Testing

/// A failure that Stripe keeps under an idempotency key for a day.
struct StoredFailureTests {
    private static func meterKeys(_ double: StripeDouble) -> [String] {
        double.requests.compactMap { $0.headers["idempotency-key"] }
    }

    @Test("usage that met a failure which Stripe keeps goes through under another key in the same call")
    func withinOneCall() async throws {
        try await withClient(faults: [.storedStatus(500)]) { client, double in
            let receipt = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(!receipt.isDuplicate && receipt.providerEventID == "usage-1")
            #expect(double.meterEvents == ["usage-1": "1200"])
            let keys = Self.meterKeys(double)
            #expect(keys.count == 3 && keys[0] == "usage-1" && keys[1] == "usage-1")
            #expect(keys[2].hasPrefix("usage-1~test."), "\(keys)")
        }
    }

    @Test("usage is not locked out by kept failures, however many calls and processes met one")
    func acrossCalls() async throws {
        try await withClient { client, double in
            let always = (0..<3).flatMap { _ in Array(repeating: StripeDouble.Fault.storedStatus(500), count: 3) }
            double.set { $0.faults = always }
            for _ in 0..<3 {
                let caught = await #expect(throws: StripeFault.self) {
                    try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
                }
                #expect(caught?.code == .stripeUnavailable)
            }
            #expect(double.meterEvents == [:])
            let receipt = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(receipt.providerEventID == "usage-1" && !receipt.isDuplicate)
            #expect(double.meterEvents == ["usage-1": "1200"])
            #expect(
                double.requests.allSatisfy { $0.body.contains("identifier=usage-1&") || $0.body.hasSuffix("=usage-1") })
        }
    }

    @Test("two equal failures count as kept, even where Stripe does not say so")
    func equalFailures() async throws {
        try await withClient(faults: [.status(500), .status(500)]) { client, double in
            _ = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(Set(Self.meterKeys(double)).count == 2)
        }
        try await withClient(faults: [.status(500), .status(503)]) { client, double in
            _ = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(Set(Self.meterKeys(double)).count == 1)
        }
    }

    @Test("a kept failure of usage that Stripe took all the same is a success, and counted once")
    func takenAllTheSame() async throws {
        try await withClient(faults: [.storedStatus(500)]) { client, double in
            double.set { $0.meterEvents["usage-1"] = "1200" }
            let receipt = try await client.recordMeterEvent(try meterRequest(), deadline: deadline())
            #expect(receipt.isDuplicate && receipt.providerEventID == "usage-1")
            #expect(double.meterEvents == ["usage-1": "1200"])
        }
    }

    @Test("a session that met a kept failure is made under another key")
    func session() async throws {
        try await withClient(faults: [.storedStatus(500)]) { client, double in
            try await expectFirstPage(client)
            #expect(double.sessionCount == 1)
        }
    }

    @Test("a customer never gets another key for a failure that only looks kept, or there could be two")
    func customer() async throws {
        try await withClient(faults: [.status(500), .status(500)]) { client, double in
            _ = try await client.createCustomer(CustomerChoice(accountID: account), deadline: deadline())
            #expect(Set(Self.meterKeys(double)).count == 1)
        }
    }
}
