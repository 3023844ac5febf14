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
import Testing

@testable import StripeIntegration

/// Stripe workers before one Stripe: each has its own memory, as each process and each start has.
struct StripeWorkers {
    let stripe: LoopbackStripe
    /// What the deployment sells by default, for 20 EUR a month.
    let price: String
    let warnings = Warnings()
    private let http: HTTPClient
    private let keys: [StripeMode: StripeKey]

    static let account = StripeFixture.accountID

    /// Runs `body` and closes everything.
    static func run(
        faults: [LoopbackStripe.Fault] = [], _ body: @Sendable (StripeWorkers) async throws -> Void
    ) async throws {
        try await LoopbackStripe.run(faults: faults) { stripe in
            let price = try await stripe.sell()
            try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
                try await body(try StripeWorkers(stripe: stripe, price: price, http: http))
            }
        }
    }

    private init(stripe: LoopbackStripe, price: String, http: HTTPClient) throws {
        self.stripe = stripe
        self.price = price
        self.http = http
        keys = [
            .test: try StripeKey(Secret("sk_test_worker")), .live: try StripeKey(Secret("sk_live_worker")),
        ]
    }

    /// A worker that has just started; it sells `price` where a request names none.
    func start(_ mode: StripeMode = .test, price: String? = nil) -> Worker {
        worker(client(mode), mode, price ?? self.price)
    }

    /// A worker without a key, with the offline Stripe beside it, or with none.
    func startLocal(linking link: (@Sendable (String, String) -> Void)?) throws -> Worker {
        let local = LocalStripeGateway(settings: StripeRequestSettings(mode: .local))
        guard let link else { return worker(local, .local, nil) }
        let offline = OfflineStripe(
            key: try StripeKey(Secret("sk_test_worker")), url: stripe.url, stock: {}, link: link)
        return worker(OfflineStripeGateway(local: local, stripe: client(.test), offline: offline), .local, nil)
    }

    private func client(_ mode: StripeMode) -> ClientStripeGateway {
        guard let key = keys[mode] else { preconditionFailure("local mode has no key") }
        return ClientStripeGateway(
            client: StripeClient(
                http: http, key: key, baseURL: stripe.url,
                logger: Logger(label: "test") { [warnings] _ in warnings }, retryDelay: { _ in .milliseconds(1) }))
    }

    private func worker(_ gateway: any StripeGateway, _ mode: StripeMode, _ price: String?) -> Worker {
        let outlet = Published().outlet
        return Worker(
            requests: StripeRequests(
                gateway: gateway,
                settings: StripeRequestSettings(
                    mode: mode, defaultPriceID: price, returnURL: "https://app.example/back"),
                keys: .fixed(WebhookRules(keys: [], toleranceSeconds: 300, mode: mode)),
                actions: WebhookActions(
                    gateway: gateway, outlet: outlet,
                    observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: mode), refetches: false,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
                callers: CallerPolicy(ownSubject: nil, trustedSubjects: []), budget: .seconds(60),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// `METHOD path` of every call since `count` calls.
    func calls(since count: Int = 0) -> [String] {
        stripe.requests.dropFirst(count).map { "\($0.method) \($0.path)" }
    }
}

/// What came to be, read past the worker.
extension StripeWorkers {
    /// The sessions so far, oldest first.
    var sessions: [JSONValue] {
        get async throws { try await stripe.list("/v1/checkout/sessions") }
    }

    /// The customers of the sessions so far.
    var buyers: [String?] {
        get async throws { try await sessions.map { $0["customer"]?.text } }
    }

    /// The customers who were not deleted.
    var customers: [String] {
        get async throws { try await stripe.list("/v1/customers").compactMap { $0["id"]?.text } }
    }

    /// The customer of the last portal that was asked for.
    var visitor: String? {
        stripe.requests.last { $0.path == "/v1/billing_portal/sessions" }
            .flatMap { StripeFormReader.pairs($0.body).first { $0[0] == "customer" }?[1] }
    }

    /// Ends a session, as its customer or time does.
    func end(_ session: String, paid: Bool) async throws {
        if paid {
            try await stripe.click("/local/stripe/checkout/\(session)", "action=pay&email=a%40example.com")
        } else {
            try await stripe.post("/v1/checkout/sessions/\(session)/expire")
        }
    }
}

/// One worker, asked by events.
struct Worker {
    let requests: StripeRequests

    func checkout(_ fields: [String: JSONValue] = [:], key: String = "k") async -> Answer {
        await ask(Exchange.stripeCheckout.request, fields, key: key)
    }

    func portal(_ fields: [String: JSONValue] = [:], key: String = "k") async -> Answer {
        await ask(Exchange.stripePortal.request, fields, key: key)
    }

    func meter(_ fields: [String: JSONValue] = [:], key: String = "k") async -> Answer {
        await ask(Exchange.stripeMeterEvent.request, ["meter": "m", "quantity": 1].merging(fields) { $1 }, key: key)
    }

    private func ask(_ name: EventName, _ fields: [String: JSONValue], key: String) async -> Answer {
        let payload: [String: JSONValue] = [
            "account_id": .string(StripeWorkers.account), "idempotency_key": .string(key),
        ]
        let request = EventEnvelope(
            name: name, correlationID: "c", payload: JSONText(.object(payload.merging(fields) { $1 })))
        return Answer(
            envelope: await requests.handlers.respond(to: request, at: Timestamp(clampingSeconds: 0))?.response)
    }

    struct Answer {
        let envelope: EventEnvelope?
        var code: String? { envelope?.error?.code }
        var message: String { envelope?.error?.message ?? "" }
        var sessionID: String? { (try? envelope?.payload.value())?["session_id"]?.text }
    }
}

/// Keeps the warnings of a client that are no failed calls.
final class Warnings: LogHandler {
    private let messages = Mutex<[String]>([])
    var all: [String] { messages.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .warning }
        set {}
    }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        let text = event.message.description
        if text != "stripe call failed" { messages.withLock { $0.append(text) } }
    }
}

extension WebhookKeys {
    /// Rules that no file changes.
    static func fixed(_ rules: WebhookRules) -> WebhookKeys { WebhookKeys(rules) }
}
