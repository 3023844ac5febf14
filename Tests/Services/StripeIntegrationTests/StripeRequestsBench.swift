import AsyncHTTPClient
import BillingCore
import BusClient
import BusContract
import BusCore
import Logging
import StripeClient
import StripeCore
import StripeTestSupport
import Synchronization
import TestSupport

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
    price: String? = nil, log: any LogHandler = SwiftLogNoOpLogHandler()
) -> StripeRequests {
    StripeRequests(
        gateway: gateway, settings: StripeRequestSettings(mode: mode, defaultPriceID: price),
        keys: .fixed(WebhookRules(keys: keys, toleranceSeconds: 300, mode: mode)),
        actions: WebhookActions(
            gateway: gateway, outlet: published.outlet,
            observer: SubscriptionObserver(gateway: gateway, outlet: published.outlet, mode: mode),
            refetches: refetches, logger: Logger(label: "test") { _ in log }),
        callers: CallerPolicy(ownSubject: "11111111-0000-4000-8000-000000000001", trustedSubjects: [account]),
        budget: .seconds(60), logger: silent)
}

/// The requests of a worker without a key.
func localRequests(_ published: Published = Published()) -> StripeRequests {
    requests(
        LocalStripeGateway(settings: StripeRequestSettings(mode: .local)), .local, published: published)
}

/// Requests over a client of a Stripe that sells one thing, by default unless told otherwise.
func withStripe<Value: Sendable>(
    faults: [LoopbackStripe.Fault] = [], refetches: Bool = false, hasDefault: Bool = true,
    published: Published = Published(), log: any LogHandler = SwiftLogNoOpLogHandler(),
    _ body: (StripeRequests, LoopbackStripe) async throws -> Value
) async throws -> Value {
    try await LoopbackStripe.run(faults: faults) { stripe in
        let price = try await stripe.sell()
        return try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
            let client = StripeClient(
                http: http, key: try StripeKey(Secret("sk_test_requests")), baseURL: stripe.url, logger: silent,
                retryDelay: { _ in .milliseconds(1) })
            let requests = requests(
                ClientStripeGateway(client: client), published: published, refetches: refetches,
                price: hasDefault ? price : nil, log: log)
            return try await body(requests, stripe)
        }
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
