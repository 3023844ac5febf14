import BusCore
import StripeTestSupport
import TestSupport
import Testing

/// Stripe fails in every way a network can; requesters hear one answer in time, and the work is done once.
@Suite(.timeLimit(.minutes(5))) struct StripeOutage {
    private static let checkout = "checkout_session.create"
    private static let portal = "portal_session.create"
    private static let meter = "meter_event.record"
    private static let account: [String: JSONValue] = ["account_id": .string(StripeRequester.account)]

    /// Faults that one repetition mends.
    private static let mended: [(name: String, fault: LoopbackStripe.Fault)] = [
        ("429", .status(429)), ("500", .status(500)), ("409", .status(409)), ("502 html", .status(502, body: "<html>")),
        ("reset before", .resetBeforeCommit), ("reset after", .resetAfterCommit), ("truncated", .truncatedJSON),
        ("other", .otherJSON), ("200 html", .status(200, body: "<html>")),
    ]

    private static func payload(_ name: String, _ id: String, of customer: String) -> [String: JSONValue] {
        switch name {
        case portal: account.merging(["provider_customer_id": .string(customer)]) { $1 }
        case meter:
            account.merging([
                "provider_customer_id": .string(customer), "meter_event_name": "tokens", "quantity": 3,
                "idempotency_key": .string(id),
            ]) { $1 }
        default: account
        }
    }

    private static func path(_ name: String) -> String {
        switch name {
        case portal: "/v1/billing_portal/sessions"
        case meter: "/v1/billing/meter_events"
        default: "/v1/checkout/sessions"
        }
    }

    /// Makes one session, so that price and customer are known; returns the calls so far.
    private static func acquaint(_ requester: StripeRequester) async throws -> Int {
        let response = try await requester.ask(checkout, account, id: "c-first")
        #expect(response["error"] == nil, "\(response)")
        return requester.stripe.requests.count
    }

    @Test(arguments: [checkout, portal, meter]) func oneFaultIsMendedAndTheWorkIsDoneOnce(name: String) async throws {
        try await StripeRequester.run { requester in
            let known = try await Self.acquaint(requester)
            let before = requester.stripe.made(Self.path(name))
            for (index, (label, fault)) in Self.mended.enumerated() {
                let id = "c-\(index)"
                requester.stripe.faults = [fault]
                let response = try await requester.ask(
                    name, Self.payload(name, id, of: requester.customer), id: id)
                #expect(response["error"] == nil, "\(label): \(response)")
                #expect(response["payload"]?["stripe_mode"]?.text == "test")
                #expect(requester.stripe.made(Self.path(name)) - before == index + 1, "\(label)")
                if name == Self.meter { #expect(try await requester.usage == Int64(3 * (index + 1)), "\(label)") }
                #expect(try await requester.responses(name, to: id).count == 1)
            }
            let keys = requester.stripe.requests.dropFirst(known).compactMap { $0.headers["idempotency-key"] }
            #expect(Set(keys).count == Self.mended.count && keys.count == 2 * Self.mended.count)
        }
    }

    /// Faults that last; the halves run side by side, because every repetition waits.
    @Test(arguments: [0, 1]) func lastingFaultsHaveTheirCodeAndLeaveNothingTwice(half: Int) async throws {
        let all: [(code: String, isRetryable: Bool, faults: [LoopbackStripe.Fault], sessions: Int)] = [
            ("stripe_unavailable", true, Array(repeating: .status(429), count: 3), 0),
            ("stripe_unavailable", true, Array(repeating: .status(500), count: 3), 0),
            ("stripe_unavailable", true, Array(repeating: .resetBeforeCommit, count: 3), 0),
            ("stripe_unavailable", true, Array(repeating: .resetAfterCommit, count: 3), 1),
            ("stripe_unavailable", true, Array(repeating: .truncatedJSON, count: 3), 1),
            ("stripe_auth_failed", false, [.status(401)], 0), ("stripe_error", false, [.status(402)], 0),
            ("stripe_unavailable", true, [.silence], 0),
        ]
        let lasting = half == 0 ? all.prefix(4) : all.dropFirst(4)
        try await StripeRequester.run { requester in
            _ = try await Self.acquaint(requester)
            var sessions = 1
            for (index, expected) in lasting.enumerated() {
                requester.stripe.faults = expected.faults
                let started = ContinuousClock.now
                let response = try await requester.ask(Self.checkout, Self.account, id: "c-\(index)")
                #expect(ContinuousClock.now - started < .seconds(30))
                #expect(response["error"]?["code"]?.text == expected.code, "\(index): \(response)")
                #expect(response["metadata"]?["stripe.retryable"]?.text == (expected.isRetryable ? "true" : "false"))
                #expect(response["payload"] == ["account_id": .string(StripeRequester.account)])
                sessions += expected.sessions
                #expect(try await requester.stripe.list("/v1/checkout/sessions").count == sessions, "\(index)")
            }
        }
    }

    @Test func endUsersCannotReachStripePastTheBillingAPI() async throws {
        let user = "22222222-0000-4000-8000-000000000002"
        try await StripeRequester.run { requester in
            for scope in ["events:send events:listen", "billing:read billing:setup"] {
                let refused = try await requester.publish(
                    Self.checkout, Self.account, id: "c-scope", subject: user, scope: scope)
                #expect(refused.status == 403 && refused.errorType == "forbidden")
            }
            // A scope given by mistake: for another account and for one's own.
            for (index, account) in [StripeRequester.account, user].enumerated() {
                for name in [Self.checkout, Self.portal, Self.meter] {
                    var payload = Self.payload(name, "k", of: requester.customer)
                    payload["account_id"] = .string(account)
                    // Claims of ownership in the payload change nothing.
                    payload["identity_id"] = .string(account)
                    let response = try await requester.ask(name, payload, id: "c-\(index)-\(name)", subject: user)
                    #expect(response["error"]?["code"]?.text == "forbidden_account")
                    #expect(response["metadata"]?["stripe.retryable"]?.text == "false")
                }
            }
            #expect(requester.stripe.requests.isEmpty)
        }
    }
}

/// A token that the Events API refuses.
@Suite(.timeLimit(.minutes(2))) struct RefusedToken {
    @Test func webhookHears503AndTheProcessEndsWithOne() async throws {
        let deployment = try Deployment()
        // Its claims say that it may publish; the server knows another secret.
        let token = TestTokens(secret: "another-hs256-key-not-a-secret").token(
            scope: "billing:subscription:write", now: unixNow())
        try await deployment.withEvents { _ in
            let outcome = try await BusProcess.run(
                "bus-integration-stripe", deployment.stripeArguments(),
                environment: deployment.stripeEnvironment.merging(["BUS_API_TOKEN": token]) { $1 }
            ) { process in
                let ingress = LoopbackClient(try await process.address(of: Listener.webhook))
                let answer = try await deployment.webhook("evt_1").send(to: ingress)
                #expect(answer.status == 503 && answer.errorType == "events_unavailable")
                try await process.end()
                return process.output.standardError
            }
            #expect(outcome.exit == .code(1))
            for part in ["bus.billing.subscription.update", "billing:subscription:write", "BUS_API_TOKEN"] {
                #expect(outcome.value.contains(part))
            }
            #expect(!outcome.value.contains(token))
        }
    }
}
