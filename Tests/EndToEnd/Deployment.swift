import BusCore
import TestSupport

/// The two services as an operator starts them, on loopback, with secrets made for the test.
struct Deployment: Sendable {
    /// Holds the event log; survives the processes.
    let folder: TemporaryFolder
    let jwtSecret: String
    let webhookSecret: String
    /// Where the Events API listens: fixed, because it comes back there after it was killed.
    let eventsAddress: String
    let template: String

    static let updateName = "bus.billing.subscription.update"

    init(
        jwtSecret: String = "end-to-end-hs256-key-not-a-secret", webhookSecret: String = "whsec_end_to_end"
    ) throws {
        folder = try TemporaryFolder()
        self.jwtSecret = jwtSecret
        self.webhookSecret = webhookSecret
        eventsAddress = "127.0.0.1:\(try FreePort.next())"
        template = try SignedWebhook.template()
    }

    var token: String {
        TestTokens(secret: jwtSecret).token(scope: "billing:provider billing:subscription:write", now: unixNow())
    }

    var eventsArguments: [String] {
        ["--addr", eventsAddress, "--events-sqlite-path", "\(folder.path)/events.sqlite"]
    }

    var eventsEnvironment: [String: String] {
        ["BUS_API_JWT_SECRET": jwtSecret, "BUS_LOG_FORMAT": "json"]
    }

    func stripeArguments(_ address: String = "127.0.0.1:0") -> [String] {
        ["--events-url", "http://\(eventsAddress)", "--webhook-addr", address, "--webhook-only"]
    }

    var stripeEnvironment: [String: String] {
        ["BUS_API_TOKEN": token, "BUS_STRIPE_WEBHOOK_SECRET": webhookSecret, "BUS_LOG_FORMAT": "json"]
    }

    /// The Events API for as long as `body` runs.
    func withEvents<Value: Sendable>(
        environment: [String: String] = [:], _ body: @Sendable (BusProcess) async throws -> Value
    ) async throws -> Value {
        try await BusProcess.run(
            "bus-api-provider-events", eventsArguments, environment: eventsEnvironment.merging(environment) { $1 }
        ) { process in
            _ = try await process.address(of: Listener.events)
            return try await body(process)
        }.value
    }

    /// The webhook ingress for as long as `body` runs.
    func withIngress<Value: Sendable>(
        environment: [String: String] = [:],
        _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Value
    ) async throws -> Value {
        try await BusProcess.run(
            "bus-integration-stripe", stripeArguments(), environment: stripeEnvironment.merging(environment) { $1 }
        ) { process in
            let address = try await process.address(of: Listener.webhook)
            return try await body(LoopbackClient(address), process)
        }.value
    }

    /// A full-shape webhook, signed now.
    func webhook(_ eventID: String) -> SignedWebhook {
        SignedWebhook(eventID: eventID, secret: webhookSecret, now: unixNow(), template: template)
    }

    /// Every subscription update the Events API has stored, oldest first.
    func storedUpdates() async throws -> [JSONValue] {
        let answer = try await LoopbackClient(eventsAddress).get(
            "/api/v1/events/stream?name=\(Self.updateName)&replay=true&follow=false",
            headers: ["Authorization": "Bearer \(token)"])
        guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        return answer.lines
    }

    /// The Stripe event ids of every stored update, oldest first.
    func storedEventIDs() async throws -> [String] {
        try await storedUpdates().compactMap { $0["payload"]?["event_id"]?.text }
    }
}

/// Names in the `listening` log lines.
enum Listener {
    static let events = "events"
    static let webhook = "webhooks"
    static let billing = "billing"
    static let stripe = "stripe"
    static let operations = "operations"
}

struct UnexpectedAnswer: Error, CustomStringConvertible {
    let text: String
    var description: String { "unexpected answer: \(text)" }
}
