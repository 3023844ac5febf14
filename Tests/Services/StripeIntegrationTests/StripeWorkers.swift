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

/// Stripe workers before one double: each has its own memory, as each process and each start has.
struct StripeWorkers {
    let double: StripeDouble
    let warnings = Warnings()
    private let http: HTTPClient
    private let keys: [StripeMode: StripeKey]

    static let account = StripeFixture.accountID

    /// Runs `body` and closes everything.
    static func run(
        faults: [StripeDouble.Fault] = [], _ body: @Sendable (StripeWorkers) async throws -> Void
    ) async throws {
        try await StripeDouble.run(faults: faults) { double in
            let http = HTTPClient(
                eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: StripeClient.configuration)
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(try StripeWorkers(double: double, http: http)))
            } catch {
                result = .failure(error)
            }
            try await http.shutdown()
            try result.get()
        }
    }

    private init(double: StripeDouble, http: HTTPClient) throws {
        self.double = double
        self.http = http
        keys = [
            .test: try StripeKey(Secret("sk_test_double")), .live: try StripeKey(Secret("sk_live_double")),
        ]
    }

    /// A worker that has just started.
    func start(_ mode: StripeMode = .test, price: String? = "price_default") -> Worker {
        worker(client(mode), mode, price)
    }

    /// A worker without a key, with the double as its offline Stripe, or with none.
    func startLocal(linking link: (@Sendable (String, String) -> Void)?) throws -> Worker {
        let local = LocalStripeGateway(settings: StripeRequestSettings(mode: .local))
        guard let link else { return worker(local, .local, nil) }
        let offline = OfflineStripe(
            key: try StripeKey(Secret("sk_test_double")), url: double.url, stock: {}, link: link)
        return worker(OfflineStripeGateway(local: local, stripe: client(.test), offline: offline), .local, nil)
    }

    private func client(_ mode: StripeMode) -> ClientStripeGateway {
        guard let key = keys[mode] else { preconditionFailure("local mode has no key") }
        return ClientStripeGateway(
            client: StripeClient(
                http: http, key: key, baseURL: double.url,
                logger: Logger(label: "test") { [warnings] _ in warnings }, retryDelay: { _ in .milliseconds(1) }))
    }

    private func worker(_ gateway: any StripeGateway, _ mode: StripeMode, _ price: String?) -> Worker {
        let outlet = Published().outlet
        return Worker(
            requests: StripeRequests(
                gateway: gateway,
                settings: StripeRequestSettings(
                    mode: mode, defaultPriceID: price, returnURL: "https://app.example/back"),
                rules: WebhookRules(keys: [], toleranceSeconds: 300, mode: mode),
                actions: WebhookActions(
                    gateway: gateway, outlet: outlet,
                    observer: SubscriptionObserver(gateway: gateway, outlet: outlet, mode: mode), refetches: false,
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
                callers: CallerPolicy(ownSubject: nil, trustedSubjects: []), budget: .seconds(60),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }))
    }

    /// `METHOD path` of every call since `count` calls.
    func calls(since count: Int = 0) -> [String] {
        double.requests.dropFirst(count).map { "\($0.method) \($0.path)" }
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
