import AsyncHTTPClient
import BillingCore
import BusClient
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import Synchronization
import TestSupport
import Testing

@testable import StripeIntegration

private let account = StripeFixture.accountID
private let secret = "whsec_requests_test"
private let now = Timestamp(clampingSeconds: 1_785_600_005)

/// Events that were published, or the failure to publish them.
final class Published: Sendable {
    private let drafts = Mutex<[EventDraft]>([])
    private let fails: Bool
    private let features: Set<EventsFeature>

    init(fails: Bool = false, features: Set<EventsFeature> = [.unlinkedUpdates]) {
        self.fails = fails
        self.features = features
    }

    /// Stands in for the Events API.
    var outlet: FactsOutlet {
        FactsOutlet(
            publish: { draft in
                if self.fails { throw EventsFault.unavailable(reason: "down", retryAfterSeconds: nil) }
                self.drafts.withLock { $0.append(draft) }
            }, takes: { $0.feature.map(self.features.contains) ?? true })
    }

    var keys: [String?] { drafts.withLock { $0.map(\.idempotencyKey) } }
    var payloads: [JSONValue?] { drafts.withLock { $0.map { try? $0.envelope.payload.value() } } }
    var names: [String] { drafts.withLock { $0.map(\.envelope.name.text) } }
    /// The updates among them.
    var all: [SubscriptionUpdate] {
        get throws {
            try drafts.withLock { $0 }.filter { $0.envelope.name == Exchange.subscriptionUpdate.request }
                .map { try SubscriptionUpdate($0.envelope.payload) }
        }
    }
    /// The unlinked facts among them.
    var unlinked: [SubscriptionUpdate] {
        get throws {
            try drafts.withLock { $0 }.filter { $0.envelope.name == Exchange.unlinkedUpdate.request }
                .map { try UnlinkedUpdate($0.envelope.payload).update }
        }
    }
}

private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension StripeRequests {
    /// The response to one request.
    func answer(_ request: EventEnvelope, now: Timestamp) async -> EventEnvelope {
        await handlers.respond(to: request, at: now)?.response
            ?? EventEnvelope(name: request.name, payload: JSONText(.null))
    }
}

func requests(
    _ gateway: any StripeGateway, _ mode: StripeMode = .test, published: Published = Published(),
    keys: [WebhookKey] = WebhookKey.keys(in: Secret(secret)), refetches: Bool = false,
    price: String? = "price_default", log: any LogHandler = SwiftLogNoOpLogHandler()
) -> StripeRequests {
    StripeRequests(
        gateway: gateway, settings: StripeRequestSettings(mode: mode, defaultPriceID: price),
        rules: WebhookRules(keys: keys, toleranceSeconds: 300, mode: mode),
        actions: WebhookActions(
            gateway: gateway, outlet: published.outlet,
            observer: SubscriptionObserver(gateway: gateway, outlet: published.outlet, mode: mode),
            refetches: refetches, logger: Logger(label: "test") { _ in log }),
        callers: CallerPolicy(ownSubject: "11111111-0000-4000-8000-000000000001", trustedSubjects: [account]),
        budget: .seconds(60), logger: silent)
}

private func local(_ published: Published = Published()) -> StripeRequests {
    requests(
        LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local, published: published, price: nil)
}

/// Requests over a client of a double.
func withDouble<Value: Sendable>(
    faults: [StripeDouble.Fault] = [], refetches: Bool = false, price: String? = "price_default",
    published: Published = Published(), log: any LogHandler = SwiftLogNoOpLogHandler(),
    _ body: (StripeRequests, StripeDouble) async throws -> Value
) async throws -> Value {
    try await StripeDouble.run(faults: faults) { double in
        let http = HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
        let client = StripeClient(
            http: http, key: try StripeKey(Secret("sk_test_double")), baseURL: double.url, logger: silent,
            retryDelay: { _ in .milliseconds(1) })
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    requests(
                        ClientStripeGateway(client: client), published: published, refetches: refetches, price: price,
                        log: log), double))
        } catch {
            result = .failure(error)
        }
        try await http.shutdown()
        return try result.get()
    }
}

func envelope(
    _ name: EventName, _ payload: JSONValue, correlationID: String? = "c-1", owner: String? = nil
) -> EventEnvelope {
    var envelope = EventEnvelope(name: name, correlationID: correlationID, payload: JSONText(payload))
    if let owner { envelope.stamp(owner: owner) }
    return envelope
}

func verifyRequest(_ body: [UInt8], secret: String = secret, _ more: [String: JSONValue] = [:]) -> EventEnvelope {
    let payload: [String: JSONValue] = [
        "payload": .string(String(decoding: body, as: UTF8.self)),
        "signature": .string(StripeSigner.header(body, at: now.seconds, secret: secret)),
    ]
    return envelope(Exchange.webhookVerify.request, .object(payload.merging(more) { $1 }))
}

extension EventEnvelope {
    func member(_ name: String) -> JSONValue? { (try? payload.value())?[name] }
    var text: String { String(decoding: payload.bytes, as: UTF8.self) }
}

struct StripeRequestsTests {
    @Test("a response copies the correlation id, names its source, and has no error")
    func success() async throws {
        let request = envelope(Exchange.stripeCheckout.request, ["account_id": .string(account)])
        let first = await local().answer(request, now: now)
        #expect(first.name == Exchange.stripeCheckout.response)
        #expect(first.correlationID == "c-1")
        #expect(first.source == "bus-integration-stripe")
        #expect(first.error == nil && first.metadata.isEmpty)
        #expect(first.member("stripe_mode") == "local")
        let second = await local().answer(request, now: now)
        #expect(first == second)
        let portal = await local().answer(
            envelope(Exchange.stripePortal.request, ["account_id": .string(account)]), now: now)
        #expect(portal.member("session_id")?.text?.hasPrefix("bps_local_") == true)
        let meter = await local().answer(
            envelope(
                Exchange.stripeMeterEvent.request,
                ["account_id": .string(account), "meter": "m", "quantity": 5, "event_id": "e"]), now: now)
        #expect(meter.member("provider_event_id")?.text?.hasPrefix("mtr_local_") == true)
    }

    @Test("a request without a correlation id is answered under its own id, or a fresh one")
    func correlation() async throws {
        let bytes = Array(
            #"{"id":"evt_7","name":"bus.stripe.portal_session.create.request","payload":{"account_id":"\#(account)"}}"#
                .utf8)
        #expect(await local().answer(try EventEnvelope(decoding: bytes), now: now).correlationID == "evt_7")
        let bare = envelope(Exchange.stripePortal.request, ["account_id": .string(account)], correlationID: nil)
        let fresh = await local().answer(bare, now: now).correlationID
        #expect(fresh.flatMap(UUIDText.normalized) != nil)
    }

    @Test("an end user's own request is refused; services, trusted and own subjects are not")
    func callers() async {
        for (owner, isAllowed) in [
            ("22222222-0000-4000-8000-000000000002", false), ("11111111-0000-4000-8000-000000000001", true),
            (account, true), ("billing-worker", true), (nil, true),
        ] as [(String?, Bool)] {
            for name in ExchangeRules.answered(by: .stripe).map(\.request) where name != Exchange.webhookVerify.request
            {
                let response = await local().answer(
                    envelope(name, ["account_id": .string(account)], owner: owner), now: now)
                #expect((response.error?.code == "forbidden_account") == !isAllowed, "\(name) \(owner ?? "-")")
                if !isAllowed {
                    #expect(response.metadata["stripe.retryable"] == "false")
                    #expect(response.text == #"{"account_id":"\#(account)"}"#)
                }
            }
        }
    }

    @Test("every failure has its code, its retryability, and no null payload")
    func codes() async throws {
        let checkout = envelope(Exchange.stripeCheckout.request, ["account_id": .string(account)])
        let cases: [(String, Bool, [StripeDouble.Fault], EventEnvelope)] = [
            ("invalid_request", false, [], envelope(Exchange.stripeCheckout.request, [])),
            ("unsupported_provider", false, [], envelope(Exchange.stripePortal.request, ["provider": "x"])),
            (
                "price_unresolved", false, [],
                envelope(
                    Exchange.stripeCheckout.request,
                    [
                        "account_id": .string(account), "lookup_key": "gone",
                    ])
            ),
            (
                "customer_unresolved", false, [],
                envelope(Exchange.stripePortal.request, ["account_id": .string(account)])
            ),
            ("stripe_auth_failed", false, [.status(401)], checkout),
            ("stripe_error", false, [.status(400)], checkout),
            ("stripe_unavailable", true, [.status(500), .status(500), .status(500)], checkout),
        ]
        for (code, isRetryable, faults, request) in cases {
            try await withDouble(faults: faults) { requests, _ in
                let response = await requests.answer(request, now: now)
                #expect(response.error?.code == code)
                #expect(response.metadata == ["stripe.retryable": isRetryable ? "true" : "false"])
                #expect(response.text == "{}" || response.text == #"{"account_id":"\#(account)"}"#)
                #expect(response.name == request.name.response)
            }
        }
        try await withDouble(price: nil) { requests, double in
            let response = await requests.answer(checkout, now: now)
            #expect(response.error?.code == "price_unresolved")
            #expect(double.requests.isEmpty)
        }
    }

    @Test("a plan's lookup keys become lines, the metered one without a quantity; a customer is found by metadata")
    func orchestration() async throws {
        try await withDouble { requests, double in
            double.set {
                $0.prices = ["base": ("price_b", false), "tokens": ("price_t", true)]
                $0.customers = [account: ["cus_7"]]
            }
            let response = await requests.answer(
                envelope(
                    Exchange.stripeCheckout.request,
                    [
                        "account_id": .string(account), "quantity": 1,
                        "prices": [["lookup_key": "base"], ["lookup_key": "tokens", "quantity": 1]],
                    ]), now: now)
            #expect(response.error == nil)
            let body = double.requests.last?.body ?? ""
            #expect(
                body.contains(
                    "line_items[0][price]=price_b&line_items[0][quantity]=1&line_items[1][price]=price_t&success_url"))
            let portal = await requests.answer(
                envelope(Exchange.stripePortal.request, ["account_id": .string(account)]), now: now)
            #expect(portal.error == nil)
            #expect(double.requests.last?.body.hasPrefix("customer=cus_7&") == true)
        }
    }

    @Test("meter events of one customer and meter go one at a time, all of them go")
    func lanes() async throws {
        try await withDouble { requests, double in
            await withTaskGroup(of: Void.self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let payload: JSONValue = [
                            "account_id": .string(account), "customer_id": "cus_1", "meter": "m", "quantity": 1,
                            "idempotency_key": .string("usage-\(index)"),
                        ]
                        let response = await requests.answer(
                            envelope(Exchange.stripeMeterEvent.request, payload), now: now)
                        #expect(response.member("accepted") == true)
                    }
                }
            }
            #expect(double.meterEvents.count == 20)
            #expect(double.meterConcurrencyMax == 1)
        }
    }
}

struct StripeVerifyRequestTests {
    @Test("a verified update is published once and described")
    func verified() async throws {
        let published = Published()
        let body = try StripeFixture.event("customer.subscription.updated")
        let response = await local(published).answer(verifyRequest(body), now: now)
        #expect(response.error == nil)
        #expect(response.member("verified") == true && response.member("subscription_update_emitted") == true)
        #expect(response.member("status") == "past_due")
        #expect(try published.all.map(\.eventID) == ["evt_BusFixture000003"])
    }

    @Test("a caller's secret verifies nothing, and is reported")
    func callerSecret() async throws {
        let published = Published()
        let body = try StripeFixture.event("customer.subscription.updated")
        let more: [String: JSONValue] = ["webhook_secret": "whsec_callers_own"]
        let forged = verifyRequest(body, secret: "whsec_callers_own", more)
        let response = await local(published).answer(forged, now: now)
        #expect(response.error?.code == "webhook_signature_invalid")
        #expect(response.text == #"{"verified":false,"ignored_fields":["webhook_secret"]}"#)
        let unconfigured = requests(LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local, keys: [])
        #expect(await unconfigured.answer(forged, now: now).error?.code == "webhook_secret_unconfigured")
        let good = await local(published).answer(verifyRequest(body, more), now: now)
        #expect(good.member("ignored_fields") == ["webhook_secret"])
        #expect(try published.all.count == 1)
    }

    @Test("a failed verification says why and that nothing was verified")
    func failures() async throws {
        let body = try StripeFixture.event("customer.subscription.updated")
        let unsigned = envelope(Exchange.webhookVerify.request, ["payload": "{}"])
        let old = now.advanced(bySeconds: 301)
        let cases: [(String, EventEnvelope, Timestamp)] = [
            ("invalid_request", envelope(Exchange.webhookVerify.request, ["signature": "s"]), now),
            ("webhook_signature_invalid", unsigned, now),
            ("webhook_timestamp_out_of_tolerance", verifyRequest(body), old),
            ("webhook_payload_invalid", verifyRequest(Array("{}".utf8)), now),
            ("webhook_payload_invalid", verifyRequest(body + [0x78]), now),
        ]
        for (code, request, time) in cases {
            let response = await local().answer(request, now: time)
            #expect(response.error?.code == code)
            #expect(response.metadata["stripe.retryable"] == "false")
            #expect(response.text == #"{"verified":false}"#)
        }
    }

    @Test("an update that cannot be published is retryable")
    func unpublished() async throws {
        let body = try StripeFixture.event("customer.subscription.updated")
        let response = await local(Published(fails: true)).answer(verifyRequest(body), now: now)
        #expect(response.error?.code == "events_unavailable")
        #expect(response.metadata["stripe.retryable"] == "true")
    }
}
