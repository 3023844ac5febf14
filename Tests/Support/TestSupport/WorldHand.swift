import BusCore
import SandboxWorld

/// The offline Stripe answered otherwise than a test takes for granted.
package struct UnexpectedAnswer: Error, CustomStringConvertible {
    /// The call and its answer.
    package let description: String

    /// An answer in words.
    package init(_ description: String) { self.description = description }
}

/// A world with a hand on it: calls in short form, and everything that happened.
package struct WorldHand: Sendable {
    package var world: StripeWorld
    package var now: Timestamp
    /// Every event so far, in its order.
    package private(set) var events: [WorldEvent] = []

    package static let start = Timestamp(clampingSeconds: 1_785_600_000)

    package init(seed: UInt64 = 1, _ change: (inout WorldSettings) -> Void = { _ in }) {
        var settings = WorldSettings(seed: seed)
        change(&settings)
        world = StripeWorld(settings, at: Self.start)
        now = Self.start
    }

    /// The answer to a call with a body or query.
    package mutating func reply(
        _ method: WorldCall.Method, _ path: String, _ form: String = "", key: String? = nil, version: String? = nil,
        account: String? = nil, authorization: String? = "Bearer sk_test_x"
    ) throws -> (status: Int, body: JSONValue, headers: [String: String]) {
        guard let parameters = ParameterTree(encoded: form) else { throw UnexpectedAnswer("\(form) cannot be read") }
        let (reply, caused) = world.handle(
            WorldCall(
                method, path, parameters,
                headers: .init(authorization: authorization, idempotencyKey: key, version: version, account: account)),
            at: now)
        events += caused
        let headers = Dictionary(reply.headers.map { ($0.name, $0.value) }) { $1 }
        return (reply.status, reply.body.isEmpty ? .null : try JSONValue(parsing: reply.body), headers)
    }

    /// A call that must succeed.
    @discardableResult
    package mutating func call(_ method: WorldCall.Method, _ path: String, _ form: String = "") throws -> JSONValue {
        let (status, body, _) = try reply(method, path, form)
        guard status == 200 else {
            throw UnexpectedAnswer("\(method) \(path) \(form): \(String(decoding: body.serialized(), as: UTF8.self))")
        }
        return body
    }

    /// The error of a call that must be refused.
    package mutating func refusal(
        _ method: WorldCall.Method, _ path: String, _ form: String = "", status: Int = 400
    ) throws -> JSONValue {
        let answer = try reply(method, path, form)
        guard answer.status == status, let error = answer.body["error"] else {
            throw UnexpectedAnswer("\(method) \(path) \(form): \(answer.status)")
        }
        return error
    }

    package mutating func advance(days: Int64) { advance(seconds: days * 86_400) }

    package mutating func advance(seconds: Int64) {
        now = now.advanced(bySeconds: seconds)
        events += world.advance(to: now)
    }

    @discardableResult
    package mutating func act(_ intent: CheckoutIntent, on session: String) throws -> PageOutcome {
        let (outcome, caused) = try world.act(intent, onCheckout: session, at: now)
        events += caused
        return outcome
    }

    @discardableResult
    package mutating func act(_ intent: PortalIntent, on session: String) throws -> PageOutcome {
        let (outcome, caused) = try world.act(intent, onPortal: session, at: now)
        events += caused
        return outcome
    }

    /// The types of what happened since the last time, in order.
    package mutating func takeTypes() -> [String] {
        defer { events = [] }
        return events.map(\.type)
    }

    /// The newest event of a type, as its webhook shows it.
    package func event(_ type: String, version: APIVersion = .current) throws -> JSONValue {
        guard let event = events.last(where: { $0.type == type }) else {
            throw UnexpectedAnswer("no \(type) among \(events.map(\.type))")
        }
        return try JSONValue(parsing: event.body(version: version))
    }

    // MARK: Things to begin with

    package static let account = "6c0e7f6a-0000-4000-8000-000000000001"

    /// A plan with a licensed and a metered price; the metered one costs a minor unit each.
    package mutating func sellPlan() throws -> (base: String, tokens: String, meter: String) {
        let meter =
            try call(
                .post, "/v1/billing/meters",
                "display_name=Tokens&event_name=tokens&default_aggregation[formula]=sum")["id"]?.text ?? ""
        try call(.post, "/v1/products", "id=pro&name=Pro")
        let base =
            try call(
                .post, "/v1/prices",
                "product=pro&currency=eur&unit_amount=2000&recurring[interval]=month&lookup_key=base")["id"]?.text ?? ""
        let tokens =
            try call(
                .post, "/v1/prices",
                "product=pro&currency=eur&unit_amount_decimal=0.5&recurring[interval]=month&recurring[usage_type]=metered"
                    + "&recurring[meter]=\(meter)&lookup_key=tokens")["id"]?.text ?? ""
        return (base, tokens, meter)
    }

    /// A session that is open.
    package mutating func openCheckout(_ price: String, _ more: String = "") throws -> String {
        try call(
            .post, "/v1/checkout/sessions",
            "mode=subscription&line_items[0][price]=\(price)&line_items[0][quantity]=1&success_url="
                + "https://a.example/ok?s={CHECKOUT_SESSION_ID}&client_reference_id=\(Self.account)"
                + "&subscription_data[metadata][bus_account_id]=\(Self.account)\(more)")["id"]?.text ?? ""
    }

    /// A paid subscription of the plan: its id and its customer.
    package mutating func subscribe(_ price: String, _ more: String = "") throws -> (id: String, customer: String) {
        let session = try openCheckout(price, more)
        try act(.pay(email: "a@example.com"), on: session)
        let object = try call(.get, "/v1/checkout/sessions/\(session)")
        return (object["subscription"]?.text ?? "", object["customer"]?.text ?? "")
    }

    package mutating func openPortal(_ customer: String) throws -> String {
        try call(.post, "/v1/billing_portal/sessions", "customer=\(customer)&return_url=https://a.example/")["id"]?.text
            ?? ""
    }

    package mutating func status(_ subscription: String) throws -> String? {
        try call(.get, "/v1/subscriptions/\(subscription)")["status"]?.text
    }
}
