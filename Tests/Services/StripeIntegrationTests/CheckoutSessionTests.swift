import BusCore
import StripeCore
import StripeTestSupport
import TestSupport
import Testing

@testable import StripeIntegration

/// The prices of a checkout that are named by id.
struct PriceByIDTests {
    /// The lines of the last session, `price x quantity`.
    private static func lines(_ workers: StripeWorkers) async throws -> [String] {
        let session = try await workers.sessions.last?["id"]?.text ?? ""
        let lines = try await workers.stripe.get("/v1/checkout/sessions/\(session)/line_items?limit=100")
        return lines["data"]?.elements?.map { line in
            "\(line["price"]?["id"]?.text ?? "-") x \(line["quantity"]?.integer.map { "\($0)" } ?? "-")"
        } ?? []
    }

    @Test("a metered price named by its id gets no quantity, alone, in a list and as the deployment's default")
    func metered() async throws {
        try await StripeWorkers.run { workers in
            let use = try await workers.stripe.sellUse()
            let requests: [([String: JSONValue], [String])] = [
                (["price_id": .string(use), "quantity": 3], ["\(use) x -"]),
                (
                    [
                        "prices": [
                            ["price_id": .string(workers.price), "quantity": 2],
                            ["price_id": .string(use), "quantity": 1],
                        ]
                    ],
                    ["\(workers.price) x 2", "\(use) x -"]
                ),
                ([:], ["\(use) x -"]),
            ]
            for (index, (fields, expected)) in requests.enumerated() {
                let worker = workers.start(price: use)
                let answer = await worker.checkout(fields, key: "\(index)")
                #expect(answer.code == nil, "\(answer.message)")
                #expect(try await Self.lines(workers) == expected)
            }
        }
    }

    @Test("a price's kind is read once, and not at all after a lookup key has told it")
    func readOnce() async throws {
        try await StripeWorkers.run { workers in
            let use = try await workers.stripe.sellUse("lookup_key=k")
            let price = workers.price
            let worker = workers.start()
            #expect(await worker.checkout(["lookup_key": "k"], key: "1").code == nil)
            for key in ["2", "3"] {
                let lines: JSONValue = [["price_id": .string(use)], ["price_id": .string(price)]]
                #expect(await worker.checkout(["prices": lines], key: key).code == nil)
            }
            #expect(workers.calls().filter { $0.hasPrefix("GET /v1/prices/") } == ["GET /v1/prices/\(price)"])
            #expect(try await Self.lines(workers) == ["\(use) x -", "\(price) x 1"])
        }
    }

    @Test("a price that does not exist is named, and nobody becomes a customer for it")
    func missing() async throws {
        try await StripeWorkers.run { workers in
            for (fields, price) in [(["price_id": "price_gone"], workers.price), ([:], "price_gone")]
                as [([String: JSONValue], String)]
            {
                let answer = await workers.start(price: price).checkout(fields)
                #expect(answer.code == "price_unresolved" && answer.message.contains("price_gone"))
            }
            let made = try await workers.customers
            #expect(made == [])
        }
    }

    @Test("a key that may not read prices sells them as licensed, and a missing one is named all the same")
    func mayNotRead() async throws {
        try await StripeWorkers.run { workers in
            try await workers.stripe.dial(["calls": [["fault": "403", "path": "/v1/prices", "method": "GET"]]])
            let worker = workers.start()
            #expect(await worker.checkout(["price_id": .string(workers.price)]).code == nil)
            #expect(try await Self.lines(workers) == ["\(workers.price) x 1"])
            let lines: JSONValue = [["price_id": .string(workers.price)], ["price_id": "price_gone"]]
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
            for (number, isPaid) in [true, false, true].enumerated() {
                for _ in 1...2 {
                    let page = await worker.checkout().sessionID
                    let sessions = try await workers.sessions
                    #expect(sessions.count == number + 1 && page == sessions.last?["id"]?.text)
                    if restarts { worker = workers.start() }
                }
                let page = try await workers.sessions.last?["id"]?.text ?? ""
                try await workers.end(page, paid: isPaid)
            }
            #expect(try await workers.sessions.map { $0["status"] } == ["complete", "expired", "complete"])
        }
    }

    @Test("a key whose pages have all ended says so")
    func exhausted() async throws {
        try await StripeWorkers.run { workers in
            let worker = workers.start()
            for number in 1...Limits.stripeKeysPerRequestMax {
                let page = try #require(await worker.checkout().sessionID)
                #expect(try await workers.sessions.count == number)
                try await workers.end(page, paid: true)
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
            workers.stripe.faultsAt[1] = .status(400, body: body)
            let answer = await workers.start().checkout(["customer_id": "cus_9"])
            #expect(answer.code == "stripe_error" && answer.message.contains("pays in USD"))
        }
    }
}
