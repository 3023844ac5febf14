import BusCore
import StripeCore
import TestSupport
import Testing

/// Webhooks of an offline Stripe at their receiver.
@Suite(.timeLimit(.minutes(2))) struct WebhookSendingTests {
    @Test func everyAttemptIsSignedAnew() async throws {
        try await SandboxBench.receiving([.status(500), .resetBeforeCommit]) { receiver in
            try await SandboxBench.run(forwardingTo: receiver.url + "/hook") { bench in
                try await bench.post("/v1/customers", "name=a")
                let delivery = try await eventually("it is delivered") {
                    try await bench.deliveries("customer.created").first { $0["state"] == "delivered" }
                }
                let answers = try #require(delivery["answers"]?.elements)
                #expect(answers[0]["status"]?.integer == 500 && answers[1]["error"] != nil)
                let sent = receiver.requests
                #expect(sent.count == 3 && Set(sent.map(\.body)).count == 1)
                for request in sent { try Self.verify(request) }
                let times = sent.compactMap { $0.headers["stripe-signature"]?.prefix { $0 != "," } }
                #expect(Set(times).count == 3, "a second, then five seconds apart")
            }
        }
    }

    @Test func registeredEndpointsHaveSecretsAndShapesOfTheirOwn() async throws {
        try await SandboxBench.receiving { receiver in
            try await SandboxBench.run { bench in
                let made = try await bench.post(
                    "/v1/webhook_endpoints",
                    "url=\(receiver.url)/old&enabled_events[0]=product.created&api_version=2023-10-16")
                let secret = try #require(made["secret"]?.text)
                try await bench.post("/v1/customers", "name=a")
                try await bench.post("/v1/products", "name=a")
                try await eventually("it is delivered") { receiver.requests.isEmpty ? nil : true }
                let request = try #require(receiver.requests.first)
                try Self.verify(request, secret: secret)
                let event = try JSONValue(parsing: Array(request.body.utf8))
                #expect(event["type"] == "product.created" && event["api_version"] == "2023-10-16")
                #expect(try await bench.deliveries("customer.created").isEmpty)
            }
        }
    }

    @Test func theListOfEventsKnowsWhatWasNotAcknowledged() async throws {
        try await SandboxBench.receiving { receiver in
            try await SandboxBench.run(forwardingTo: receiver.url + "/hook") { bench in
                func listed(_ filter: String) async throws -> [String] {
                    let answer = try await bench.client.get(
                        "/v1/events?limit=100&\(filter)", headers: ["Authorization": "Bearer sk_test_bench"])
                    return try #require(answer.json?["data"]?.elements, "\(answer.text)").compactMap {
                        $0["type"]?.text
                    }
                }
                try await bench.post("/v1/customers", "name=came")
                try await eventually("it came") { try await listed("delivery_success=true").isEmpty ? nil : true }
                try await bench.control("PUT", "/sandbox/faults", ["webhooks": ["drop_percent": 100]])
                try await bench.post("/v1/products", "name=dropped")
                #expect(try await listed("delivery_success=false") == ["product.created"])
                #expect(try await listed("delivery_success=true") == ["customer.created"])
                #expect(try await listed("type=*") == ["product.created", "customer.created"])
                #expect(try await listed("delivery_success=false&types[]=customer.created").isEmpty)
                try await bench.control("PUT", "/sandbox/faults", [:])
                let dropped = try #require(try await bench.deliveries("product.created").first?["id"]?.text)
                try await bench.control("POST", "/sandbox/events/\(dropped)/resend")
                try await eventually("it came too") { try await listed("delivery_success=false").isEmpty ? true : nil }
            }
        }
    }

    @Test func dialsDropAndDouble() async throws {
        try await SandboxBench.receiving { receiver in
            try await SandboxBench.run(forwardingTo: receiver.url + "/hook") { bench in
                try await bench.control("PUT", "/sandbox/faults", ["webhooks": ["drop_percent": 100]])
                try await bench.post("/v1/customers", "name=dropped")
                try await bench.control(
                    "PUT", "/sandbox/faults", ["webhooks": ["duplicate_percent": 100, "delay": "50ms"]])
                try await bench.post("/v1/products", "name=twice")
                try await eventually("both come") { receiver.requests.count == 2 ? true : nil }
                #expect(Set(receiver.requests.map(\.body)).count == 1)
                #expect(try await bench.deliveries("customer.created").map { $0["state"] } == ["dropped"])
                // What never came can be sent by hand.
                try await bench.control("PUT", "/sandbox/faults", [:])
                let dropped = try #require(try await bench.deliveries("customer.created").first?["id"]?.text)
                try await bench.control("POST", "/sandbox/events/\(dropped)/resend")
                try await eventually("it comes") { receiver.requests.count == 3 ? true : nil }
                #expect(receiver.requests.last?.body.contains(dropped) == true)
            }
        }
    }

    @Test func nothingLeavesThePrivateNetwork() async throws {
        try await SandboxBench.run { bench in
            try await bench.post("/v1/webhook_endpoints", "url=https://a.example/hook&enabled_events[0]=*")
            try await bench.post("/v1/customers", "name=a")
            #expect(try await bench.deliveries("customer.created").map { $0["state"] } == ["dropped"])
        }
    }

    private static func verify(_ request: LoopbackServer.Request, secret: String = SandboxBench.secret) throws {
        let key = try #require(WebhookKey(Secret(secret)))
        let header = try #require(request.headers["stripe-signature"])
        try Array(request.body.utf8).withUnsafeBytes { body in
            _ = try WebhookSignature.verify(
                body, header: header, keys: [key], at: Timestamp(clampingSeconds: unixNow()), toleranceSeconds: 300)
        }
        #expect(request.headers["user-agent"]?.hasPrefix("Stripe/1.0") == true)
        #expect(request.headers["content-type"] == "application/json; charset=utf-8")
    }
}
