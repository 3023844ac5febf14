import BusCore
import StripeTestSupport
import TestSupport

/// Both real services before an offline Stripe, and a requester who asks by events as the billing worker does.
struct StripeRequester: Sendable {
    let deployment: Deployment
    let stripe: LoopbackStripe
    /// What the worker sells when a request names no price.
    let price: String
    /// Somebody whom Stripe knows without an account; the meter `tokens` counts what they use.
    let customer: String
    /// Where the worker takes webhooks.
    let ingress: String
    private let api: LoopbackClient

    /// Stands for a service: a subject that is no UUID.
    static let service = "billing-worker"
    static let account = "00000000-0000-4000-8000-000000000001"

    /// Runs the services with a test key while `body` asks.
    static func run<Value: Sendable>(
        environment: [String: String] = [:], flags: [String] = ["--timeout", "4s"], faults: [LoopbackStripe.Fault] = [],
        _ body: @Sendable (StripeRequester) async throws -> Value
    ) async throws -> Value {
        try await LoopbackStripe.run(faults: faults) { stripe in
            let price = try await stripe.sell()
            try await stripe.sellUse()
            let customer = try await stripe.post("/v1/customers")["id"]?.text ?? ""
            let deployment = try Deployment()
            let variables = deployment.stripeEnvironment.merging([
                "BUS_STRIPE_SECRET_KEY": "sk_test_end_to_end", "BUS_STRIPE_API_URL": stripe.url,
                "BUS_STRIPE_DEFAULT_PRICE_ID": price, "BUS_EVENTS_LISTENER_REQUIRED": "1",
            ]) { $1 }.merging(environment) { $1 }
            return try await deployment.withEvents { _ in
                try await BusProcess.run(
                    "bus-integration-stripe",
                    ["--events-url", "http://\(deployment.eventsAddress)", "--webhook-addr", "127.0.0.1:0"] + flags,
                    environment: variables
                ) { worker in
                    let address = try await worker.address(of: Listener.webhook)
                    let ingress = LoopbackClient(address)
                    try await eventually("the worker listens") {
                        try await ingress.get("/readyz").status == 200 ? true : nil
                    }
                    return try await body(
                        StripeRequester(
                            deployment: deployment, stripe: stripe, price: price, customer: customer, ingress: address,
                            api: LoopbackClient(deployment.eventsAddress)))
                }.value
            }
        }
    }

    /// The tokens that Stripe counted.
    var usage: Int64 {
        get async throws { try await stripe.usage(of: "tokens", by: customer) }
    }

    /// What a token of this subject and scope gets for publishing a request.
    func publish(
        _ name: String, _ payload: [String: JSONValue], id: String, subject: String = service,
        scope: String = "billing:provider"
    ) async throws -> LoopbackClient.Answer {
        let event: JSONValue = [
            "name": .string("bus.stripe.\(name).request"), "correlationId": .string(id), "payload": .object(payload),
        ]
        return try await api.post(
            "/api/v1/events", event.serialized(), headers: ["Authorization": "Bearer \(token(subject, scope))"])
    }

    /// Asks, and waits for the one response.
    func ask(
        _ name: String, _ payload: [String: JSONValue], id: String, subject: String = service
    ) async throws -> JSONValue {
        let published = try await publish(name, payload, id: id, subject: subject)
        guard published.status == 202 else { throw UnexpectedAnswer(text: published.text) }
        return try await eventually("\(id) is answered") { try await responses(name, to: id).first }
    }

    /// Every response to one request, so far.
    func responses(_ name: String, to id: String) async throws -> [JSONValue] {
        let answer = try await api.get(
            "/api/v1/events/stream?name=bus.stripe.\(name).response&replay=true&follow=false",
            headers: ["Authorization": "Bearer \(token(Self.service, "billing:provider"))"])
        guard answer.status == 200 else { throw UnexpectedAnswer(text: answer.text) }
        return answer.lines.filter { $0["correlationId"]?.text == id }
    }

    private func token(_ subject: String, _ scope: String) -> String {
        TestTokens(secret: deployment.jwtSecret).token(subject: subject, scope: scope, now: unixNow())
    }
}
