import AsyncHTTPClient
import BusClient
import BusContract
import BusCore
import BusRuntime
import CoreMetrics
import InMemoryLogging
import Logging
import StripeClient
import StripeCore
import StripeTestSupport
import Synchronization
import TestSupport

@testable import StripeIntegration

/// One Stripe, one walker before it, and an Events API that knows keys again.
struct WalkBench: Sendable {
    let stripe: LoopbackStripe
    let walker: EventWalker
    let log = InMemoryLogHandler()
    let metrics = PrometheusRegistry()
    let events = KeyedEvents()
    private let price: String

    /// What makes a subscription one of Bus.
    private static let linked = "metadata[bus_account_id]=\(StripeFixture.accountID)&metadata[bus_features]=llm:proxy"

    static func run(
        refetches: Bool = false, mode: StripeMode = .test, _ body: (WalkBench) async throws -> Void
    ) async throws {
        try await LoopbackStripe.run { stripe in
            let price = try await stripe.sell()
            try await HTTPClient.withHTTPClient(configuration: StripeClient.configuration) { http in
                try await body(try WalkBench(stripe, price, http, refetches, mode))
            }
        }
    }

    private init(
        _ stripe: LoopbackStripe, _ price: String, _ http: HTTPClient, _ refetches: Bool, _ mode: StripeMode
    ) throws {
        self.stripe = stripe
        self.price = price
        let (log, events) = (log, events)
        let logger = Logger(label: "test") { _ in log }
        let client = StripeClient(
            http: http, key: try StripeKey(Secret("sk_test_walk")), baseURL: stripe.url,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, retryDelay: { _ in .milliseconds(1) })
        let gateway = ClientStripeGateway(client: client)
        let outlet = FactsOutlet(publish: { _ = try await events.publish($0) }, takes: { _ in true })
        walker = withMetricsFactory(metrics) {
            EventWalker(
                client: client, rules: WebhookRules(keys: [], toleranceSeconds: 300, mode: mode),
                actions: WebhookActions(
                    gateway: gateway, outlet: outlet,
                    observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: mode),
                    refetches: refetches, logger: logger),
                tellsRepeats: { events.tellsRepeats }, publish: { try await events.publish($0) }, logger: logger)
        }
    }

    /// Somebody subscribes, a while ago; Stripe makes no webhook of it here.
    @discardableResult
    func subscribe(_ metadata: String = WalkBench.linked) async throws -> String {
        let customer = try await stripe.addCustomer()
        let made = try await stripe.post(
            "/v1/subscriptions",
            "customer=\(customer)&items[0][price]=\(price)&default_payment_method=pm_card_visa&\(metadata)")
        stripe.advance(bySeconds: Limits.eventWalkGraceSeconds)
        return made["id"]?.text ?? ""
    }

    /// The listed events of a type, oldest first.
    func listed(_ type: String = "customer.subscription.*") async throws -> [String] {
        try await stripe.list("/v1/events", "type=\(type)").compactMap { $0["id"]?.text }
    }

    /// The youngest subscription.
    func newest() async throws -> String {
        try await stripe.list("/v1/subscriptions").last?["id"]?.text ?? ""
    }

    func count(_ metric: String) -> String? {
        metrics.exposition().split(separator: "\n").first { $0.hasPrefix(metric + " ") }
            .map { String($0.dropFirst(metric.count + 1)) }
    }

    func lines(_ level: Logger.Level) -> [String] {
        log.entries.filter { $0.level == level }.map { "\($0.message)" }
    }
}

/// An Events API: each key once.
final class KeyedEvents: Sendable {
    private struct State {
        var drafts: [EventDraft] = []
        var faults: [EventsFault] = []
        var tellsRepeats = true
        var cancelsAt: Int?
    }

    private let state = Mutex(State())

    var keys: [String] { state.withLock { $0.drafts.compactMap(\.idempotencyKey) } }
    /// The traces of what was published.
    var traces: [String] { state.withLock { $0.drafts.compactMap(\.envelope.trace?.traceID) } }
    var faults: [EventsFault] {
        get { state.withLock { $0.faults } }
        set { state.withLock { $0.faults = newValue } }
    }
    var tellsRepeats: Bool {
        get { state.withLock { $0.tellsRepeats } }
        set { state.withLock { $0.tellsRepeats = newValue } }
    }

    /// The task that publishes so many events is cancelled then.
    var cancelsAt: Int? {
        get { state.withLock { $0.cancelsAt } }
        set { state.withLock { $0.cancelsAt = newValue } }
    }

    func publish(_ draft: EventDraft) async throws -> Bool {
        try state.withLock { state in
            if let fault = state.faults.popLast() { throw fault }
            if state.drafts.contains(where: { $0.idempotencyKey == draft.idempotencyKey }) { return false }
            state.drafts.append(draft)
            if state.drafts.count == state.cancelsAt { withUnsafeCurrentTask { $0?.cancel() } }
            return true
        }
    }
}
