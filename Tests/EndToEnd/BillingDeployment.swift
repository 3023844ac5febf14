import BusCore
import StripeTestSupport
import TestSupport

/// The services of billing, each with a token of its own subject as in production, two of them on one billing file.
extension Deployment {
    /// Subjects of services are slugs, never UUIDs.
    enum Subject {
        static let stripe = "stripe-worker"
        static let billingWorker = "billing-worker"
        static let billingAPI = "billing-provider"
        /// Publishes usage and checks, and reads what is answered.
        static let requester = "usage-worker"
    }

    static let account = "00000000-0000-4000-8000-000000000001"
    static let billingScopes =
        "billing:read billing:setup billing:entitlement:check billing:subscription:write billing:usage:export"

    /// What the billing worker and the Billing API share.
    var billingFile: String { "\(folder.path)/billing.sqlite" }

    func bearer(_ subject: String, _ scope: String, audience: String = "ai.hg.fi/api") -> [String: String] {
        ["Authorization": "Bearer \(serviceToken(subject, scope, audience: audience))"]
    }

    func serviceToken(_ subject: String, _ scope: String, audience: String = "ai.hg.fi/api") -> String {
        TestTokens(secret: jwtSecret).token(subject: subject, scope: scope, audience: audience, now: unixNow())
    }

    var billingArguments: [String] {
        [
            "--events-url", "http://\(eventsAddress)", "--provider-backend", "events",
            "--billing-sqlite-path", billingFile,
        ]
    }

    var billingEnvironment: [String: String] {
        [
            "BUS_API_TOKEN": serviceToken(
                Subject.billingWorker, Self.billingScopes + " billing:provider billing:admin"),
            "BUS_EVENTS_LISTENER_REQUIRED": "1", "BUS_EVENTS_LISTENER_RETRY_MIN": "50ms", "BUS_LOG_FORMAT": "json",
        ]
    }

    var billingAPIArguments: [String] {
        ["--addr", "127.0.0.1:0", "--events-url", "http://\(eventsAddress)", "--billing-sqlite-path", billingFile]
    }

    var billingAPIEnvironment: [String: String] {
        [
            "BUS_BILLING_JWT_SECRET": jwtSecret,
            "BUS_API_TOKEN": serviceToken(
                Subject.billingAPI, "billing:read billing:setup billing:entitlement:check billing:admin"),
            "BUS_LOG_FORMAT": "json",
        ]
    }

    /// The billing worker, listening, for as long as `body` runs.
    func withBillingWorker<Value: Sendable>(
        environment: [String: String] = [:], _ body: @Sendable (BusProcess) async throws -> Value
    ) async throws -> Value {
        try await BusProcess.run(
            "bus-integration-billing", billingArguments, environment: billingEnvironment.merging(environment) { $1 }
        ) { worker in
            try await Deployment.ready(worker, Listener.operations)
            return try await body(worker)
        }.value
    }

    /// The Billing API, with its response streams open, for as long as `body` runs.
    func withBillingAPI<Value: Sendable>(
        environment: [String: String] = [:], _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Value
    ) async throws -> Value {
        try await BusProcess.run(
            "bus-api-provider-billing", billingAPIArguments,
            environment: billingAPIEnvironment.merging(environment) { $1 }
        ) { api in
            try await Deployment.ready(api, Listener.billing)
            return try await body(LoopbackClient(try await api.address(of: Listener.billing)), api)
        }.value
    }

    /// The Stripe worker with an ingress: before a Stripe with a test key, or in local mode without one.
    func withStripe<Value: Sendable>(
        before stripe: LoopbackStripe? = nil, environment: [String: String] = [:],
        _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Value
    ) async throws -> Value {
        var variables = stripeEnvironment
        variables["BUS_API_TOKEN"] = serviceToken(Subject.stripe, "billing:provider billing:subscription:write")
        variables["BUS_EVENTS_LISTENER_REQUIRED"] = "1"
        if let stripe {
            variables["BUS_STRIPE_SECRET_KEY"] = "sk_test_end_to_end"
            variables["BUS_STRIPE_API_URL"] = stripe.url
        }
        variables.merge(environment) { $1 }
        return try await BusProcess.run(
            "bus-integration-stripe",
            ["--events-url", "http://\(eventsAddress)", "--webhook-addr", "127.0.0.1:0"], environment: variables
        ) { worker in
            try await Deployment.ready(worker, Listener.webhook)
            return try await body(LoopbackClient(try await worker.address(of: Listener.webhook)), worker)
        }.value
    }

    static func ready(_ process: BusProcess, _ listener: String) async throws {
        let client = LoopbackClient(try await process.address(of: listener))
        try await eventually("\(listener) is ready") {
            try await client.get("/readyz").status == 200 ? true : nil
        }
    }

    // MARK: Events

    /// Publishes requests as a service does, in batches; `id` is the correlation id.
    func publish(
        _ name: String, _ payloads: [(id: String, payload: JSONValue)], scope: String = billingScopes
    ) async throws {
        let client = LoopbackClient(eventsAddress)
        var rest = payloads[...]
        while !rest.isEmpty {
            let events = rest.prefix(Limits.batchEventsMax).map { id, payload -> JSONValue in
                ["name": .string(name), "correlationId": .string(id), "payload": payload]
            }
            rest = rest.dropFirst(Limits.batchEventsMax)
            let answer = try await client.post(
                "/api/v1/events/batch", JSONValue.object(["events": .array(events)]).serialized(),
                headers: bearer(Subject.requester, scope))
            guard answer.status == 202 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        }
    }

    /// Every stored event of one name, oldest first.
    func stored(_ name: String, scope: String = billingScopes) async throws -> [JSONValue] {
        let answer = try await LoopbackClient(eventsAddress).get(
            "/api/v1/events/stream?name=\(name)&replay=true&follow=false",
            headers: bearer(Subject.requester, scope))
        guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        return answer.lines
    }

    /// Every parked delivery of all groups.
    func deadLetters() async throws -> [JSONValue] {
        let answer = try await LoopbackClient(eventsAddress).get(
            "/api/v1/events/dead-letters", headers: bearer("operator", "events:admin"))
        guard answer.status == 200, let letters = answer.json?["deadLetters"]?.elements else {
            throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)")
        }
        return letters
    }
}

extension LoopbackStripe {
    /// This moment, for a Stripe that takes usage: the billing worker says when it was, and Stripe refuses other times.
    static var present: String { Timestamp(clampingSeconds: unixNow()).rfc3339 }
}

/// Events of the billing worker.
enum BillingEvent {
    static let update = "bus.billing.subscription.update"
    static let result = "bus.billing.subscription.result"
    static let export = "bus.billing.usage.export.request"
    static let exported = "bus.billing.usage.export.response"
    static let check = "bus.billing.entitlement.check.request"
    static let status = "bus.billing.status.request"
    static let statusAnswered = "bus.billing.status.response"
    static let checked = "bus.billing.entitlement.check.response"
}
