import BusCore
import StripeCore
import TestSupport
import Testing

@testable import StripeIntegration

/// The prices of a checkout that are named by id.
struct PriceByIDTests {
    /// The lines of the last session, `price x quantity`.
    private static func lines(_ double: StripeDouble) -> [String] {
        let form = double.snapshot.checkouts.last ?? [:]
        return (0..<20).compactMap { line in
            form["line_items[\(line)][price]"].map { "\($0) x \(form["line_items[\(line)][quantity]"] ?? "-")" }
        }
    }

    @Test("a metered price named by its id gets no quantity, alone, in a list and as the deployment's default")
    func metered() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.prices = ["k": ("price_m", true), "l": ("price_l", false)] }
            let requests: [([String: JSONValue], [String])] = [
                (["price_id": "price_m", "quantity": 3], ["price_m x -"]),
                (
                    ["prices": [["price_id": "price_l", "quantity": 2], ["price_id": "price_m", "quantity": 1]]],
                    ["price_l x 2", "price_m x -"]
                ),
                ([:], ["price_m x -"]),
            ]
            for (index, (fields, expected)) in requests.enumerated() {
                let worker = workers.start(price: "price_m")
                let answer = await worker.checkout(fields, key: "\(index)")
                #expect(answer.code == nil, "\(answer.message)")
                #expect(Self.lines(workers.double) == expected)
            }
        }
    }

    @Test("a price's kind is read once, and not at all after a lookup key has told it")
    func readOnce() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.prices = ["k": ("price_m", true)] }
            let worker = workers.start()
            #expect(await worker.checkout(["lookup_key": "k"], key: "1").code == nil)
            for key in ["2", "3"] {
                let lines: JSONValue = [["price_id": "price_m"], ["price_id": "price_x"], ["price_id": "price_x"]]
                #expect(await worker.checkout(["prices": lines], key: key).code == nil)
            }
            #expect(workers.calls().filter { $0.hasPrefix("GET /v1/prices/") } == ["GET /v1/prices/price_x"])
            #expect(Self.lines(workers.double) == ["price_m x -", "price_x x 1", "price_x x 1"])
        }
    }

    @Test("a price that does not exist is named, and nobody becomes a customer for it")
    func missing() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.missing = ["price_gone"] }
            for (fields, price) in [(["price_id": "price_gone"], "price_1"), ([:], "price_gone")]
                as [([String: JSONValue], String)]
            {
                let answer = await workers.start(price: price).checkout(fields)
                #expect(answer.code == "price_unresolved" && answer.message.contains("price_gone"))
            }
            #expect(workers.double.snapshot.madeCustomers == [:])
        }
    }

    @Test("a key that may not read prices sells them as licensed, and a missing one is named all the same")
    func mayNotRead() async throws {
        try await StripeWorkers.run { workers in
            workers.double.set { $0.forbidden = ["GET /v1/prices/price_1", "GET /v1/prices/price_gone"] }
            let worker = workers.start()
            #expect(await worker.checkout(["price_id": "price_1"]).code == nil)
            #expect(Self.lines(workers.double) == ["price_1 x 1"])
            workers.double.set { $0.missing = ["price_gone"] }
            let lines: JSONValue = [["price_id": "price_1"], ["price_id": "price_gone"]]
            let answer = await worker.checkout(["prices": lines], key: "2")
            #expect(answer.code == "price_unresolved" && answer.message.contains("price_gone"))
        }
    }
}

/// Requests that come again under the same key.
struct RepeatedCheckoutTests {
    @Test("a key that was used for other content is an invalid request, which says to use another key")
    func changed() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            #expect(await worker.checkout(["return_url": "https://a.example/"]).code == nil)
            let answer = await worker.checkout(["return_url": "https://b.example/"])
            #expect(answer.code == "invalid_request" && answer.message.contains("use another key"))
            #expect(answer.envelope?.metadata["stripe.retryable"] == "false")
        }
    }

    @Test(
        "a repeated request gets its open page again; a page that has ended is followed by another",
        arguments: [true, false])
    func ended(restarts: Bool) async throws {
        try await StripeWorkers.run { workers in
            var worker = workers.start()
            for (number, status) in ["complete", "expired", "complete"].enumerated() {
                for _ in 1...2 {
                    #expect(await worker.checkout().sessionID == "cs_test_\(number + 1)")
                    if restarts { worker = workers.start() }
                }
                workers.double.set { $0.endedSessions["cs_test_\(number + 1)"] = status }
            }
            #expect(workers.double.sessionCount == 3)
        }
    }

    @Test("a key whose pages have all ended says so")
    func exhausted() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            for number in 1...Limits.stripeKeysPerRequestMax {
                #expect(await worker.checkout().sessionID == "cs_test_\(number)")
                workers.double.set { $0.endedSessions["cs_test_\(number)"] = "complete" }
            }
            let answer = await worker.checkout()
            #expect(answer.code == "invalid_request" && answer.message.contains("use another key"))
        }
    }

    @Test("a customer who pays in another currency is told so")
    func currency() async throws {
        let text =
            "You cannot combine currencies on a single customer. This customer has an active subscription with currency usd."
        let body = #"{"error":{"type":"invalid_request_error","message":"\#(text)"}}"#
        try await StripeWorkers.run { workers in
            workers.double.set { $0.faultsAt[1] = .status(400, body: body) }
            let answer = await workers.start().checkout(["customer_id": "cus_9"])
            #expect(answer.code == "stripe_error" && answer.message.contains("pays in USD"))
        }
    }
}
