import BillingCore
import BillingStorage
import BusClient
import BusContract
import BusCore
import BusSQL
import Logging
import ServiceLifecycle
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

@testable import BillingWorker

/// The worker's handlers over a fresh store, without a network.
struct BillingBench: Sendable {
    static let account = "00000000-0000-4000-8000-000000000001"
    static let worker = "00000000-0000-4000-8000-00000000aaaa"
    static let noon = Timestamp(clampingSeconds: 1_785_585_600)

    let database: any SQLDatabase
    let commits: GroupCommit
    /// Counts the transactions of `commits`.
    let transactions: Tally
    let requests: BillingRequests
    let provider: ScriptedProvider

    /// Runs `body` on a store with the catalog; `path` keeps it in a file.
    static func run(
        on store: TestStore = .memory, catalog: JSONValue? = catalog, provider: ScriptedProvider = ScriptedProvider(),
        path: String? = nil,
        mode: BillingMode? = nil, quotaFile: PlanQuotas? = nil, grace: Duration = .zero,
        _ body: @Sendable (BillingBench) async throws -> Void
    ) async throws {
        let database: any SQLDatabase =
            if let path { try await SQLiteDatabase(path: path) } else { try await store.open() }
        try await database.migrateBilling()
        let store = try await CatalogStore.open(database)
        let mode = try await DeploymentMode.open(database, setting: mode)
        if let catalog { _ = try await store.replace(with: StoredCatalog(catalog), at: noon) }
        let transactions = Tally()
        let commits = GroupCommit(database: database) { _ in transactions.add() }
        let desk = BillingDesk(
            database: database, commits: commits, mode: mode, catalogs: CatalogCache(), quotaFile: quotaFile,
            grace: grace)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let sender = UsageSender(desk: desk, provider: provider, logger: logger)
        let bench = BillingBench(
            database: database, commits: commits, transactions: transactions,
            requests: BillingRequests(
                desk: desk, provider: provider, sender: sender,
                callers: CallerPolicy(ownSubject: worker, trustedSubjects: []),
                logger: logger),
            provider: provider)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await commits.run() }
            try await body(bench)
            group.cancelAll()
        }
        try database.close()
    }

    /// Sends a request as the Events API would deliver it.
    @discardableResult
    func ask(
        _ name: EventName, _ payload: JSONValue, id: String? = nil, owner: String = worker, at now: Timestamp = noon
    ) async -> EventEnvelope {
        var request = EventEnvelope(
            name: name, correlationID: "c-1", source: "test", timestamp: now, payload: JSONText(payload))
        request.id = id
        request.stamp(owner: owner)
        return await requests.handlers.respond(to: request, at: now)?.response
            ?? EventEnvelope(name: name, payload: JSONText(.null))
    }

    /// The payload of a response that must not be a failure.
    func answer(
        _ name: EventName, _ payload: JSONValue, id: String? = nil, at now: Timestamp = noon,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let response = await ask(name, payload, id: id, at: now)
        #expect(response.error == nil, sourceLocation: sourceLocation)
        return try response.payload.value()
    }

    /// A subscription update's result.
    @discardableResult
    func update(
        _ eventID: String, _ status: String, subscription: String? = "sub_1", plan: String? = "basic",
        features: [String] = ["llm:proxy"], at second: Int64 = noon.seconds, more: [String: JSONValue] = [:],
        id: String? = nil
    ) async throws -> JSONValue {
        var payload: [String: JSONValue] = [
            "event_id": .string(eventID), "account_id": .string(Self.account), "provider": "stripe",
            "status": .string(status), "features": .array(features.map { .string($0) }),
            "occurred_at": .string(Timestamp(clampingSeconds: second).rfc3339), "provider_customer_id": "cus_1",
        ]
        payload["provider_subscription_id"] = subscription.map { .string($0) }
        payload["plan_id"] = plan.map { .string($0) }
        payload.merge(more) { $1 }
        return try await answer(Exchange.subscriptionUpdate.request, .object(payload), id: id)
    }

    func check(
        _ scope: String = "llm:proxy", quantity: Int64? = nil, id: String? = nil, at now: Timestamp = noon,
        holds: Bool = true
    ) async throws -> JSONValue {
        var payload: [String: JSONValue] = ["account_id": .string(Self.account), "scope": .string(scope)]
        if !holds { payload["hold"] = false }
        if let quantity { payload["usage"] = ["meter_event_name": "tokens", "quantity": .integer(quantity)] }
        return try await answer(Exchange.entitlementCheck.request, .object(payload), id: id, at: now)
    }

    func export(
        _ key: String, _ quantity: Int64, of account: String = account, meter: String = "tokens",
        usedAt: Timestamp? = nil, id: String? = nil, at now: Timestamp = noon, more: [String: JSONValue] = [:]
    ) async throws -> JSONValue {
        try await answer(
            Exchange.usageExport.request,
            Self.usage(key, quantity, of: account, meter: meter, usedAt: usedAt, more: more), id: id, at: now)
    }

    static func usage(
        _ key: String, _ quantity: Int64, of account: String = account, meter: String = "tokens",
        usedAt: Timestamp? = nil, more: [String: JSONValue] = [:]
    ) -> JSONValue {
        var usage: [String: JSONValue] = [
            "account_id": .string(account), "event_id": .string(key), "meter_event_name": .string(meter),
            "quantity": .integer(quantity),
        ]
        usage["occurred_at"] = usedAt.map { .string($0.rfc3339) }
        return .object(usage.merging(more) { $1 })
    }

    /// What a key gets at the payment company for the account's tokens in test mode.
    static let place = "f3862a2e2501"

    /// The ledger's row of the account's tokens.
    func row(_ key: String) async throws -> UsageExport? {
        var request = UsageExportRequest()
        request.accountID = Self.account
        request.meterEventName = "tokens"
        request.eventID = key
        let place = UsageKey(request, mode: .test)
        return try await database.read { try ExportLedger($0).export(place) }
    }

    /// What the worker does by itself at a moment, until nothing is due.
    func send(at now: Timestamp) async throws {
        while try await requests.sender.sendDue(at: now) != .idle {}
    }

    func status(at now: Timestamp = noon) async throws -> JSONValue {
        try await answer(Exchange.status.request, ["account_id": .string(Self.account)], at: now)
    }

    /// What the quota of one window says is used.
    func used(_ window: String, at now: Timestamp = noon) async throws -> Int64? {
        try await status(at: now)["usage"]?.elements?.first { $0["window"]?.text == window }?["used"]?.integer
    }

    /// Two plans for one feature, with a short and a long window.
    static let catalog: JSONValue = [
        "version": 1,
        "products": [["id": "llm", "lookup_key": "llm", "name": "LLM"]],
        "meters": [["name": "tokens", "unit": "tokens"]],
        "plans": [
            [
                "id": "basic", "product_id": "llm", "features": ["llm:proxy"],
                "prices": [["currency": "eur", "unit_amount": 1000, "interval": "month"]],
                "quotas": [
                    [
                        "feature": "llm:proxy", "meter_event_name": "tokens", "window": "minute", "limit": 100,
                        "upgrade_plan_id": "pro",
                    ],
                    ["feature": "llm:proxy", "meter_event_name": "tokens", "window": "month", "limit": 1000],
                ],
            ],
            [
                "id": "pro", "product_id": "llm", "features": ["llm:proxy"],
                "prices": [["currency": "eur", "unit_amount": 4900, "interval": "month"]],
                "quotas": [["feature": "llm:proxy", "meter_event_name": "tokens", "window": "month", "limit": 10_000]],
            ],
        ],
    ]
}

/// A payment company that says what the test wants, and remembers what it was asked.
final class ScriptedProvider: PaymentProvider {
    let label = "stripe"
    let needsCustomer: Bool
    let answerTime = Duration.seconds(30)
    private let outcomes: Mutex<[UsageOutcome]>
    private let recorded = Mutex<[MeterEventRequest]>([])
    private let offered = Mutex<[CheckoutOffer]>([])

    init(needsCustomer: Bool = true, outcomes: [UsageOutcome] = []) {
        self.needsCustomer = needsCustomer
        self.outcomes = Mutex(outcomes)
    }

    /// Every usage that was handed over.
    var usages: [MeterEventRequest] { recorded.withLock { $0 } }
    /// Every checkout that was asked for.
    var offers: [CheckoutOffer] { offered.withLock { $0 } }

    func checkoutSession(
        _ offer: CheckoutOffer, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        offered.withLock { $0.append(offer) }
        return ProviderSession(url: "https://pay.example/\(correlationID)", provider: label)
    }

    func portalSession(
        _ request: PortalSessionRequest, customerID: String?, correlationID: String
    ) async throws -> ProviderSession {
        guard let customerID else {
            throw BusError(.customerUnresolved, "no customer")
        }
        return ProviderSession(url: "https://portal.example/\(customerID)", provider: label)
    }

    func recordUsage(_ sending: UsageSending, correlationID: String) async -> UsageOutcome {
        recorded.withLock { $0.append(sending.meterEvent) }
        return outcomes.withLock {
            $0.isEmpty ? .accepted(providerEventID: sending.export.providerKey) : $0.removeFirst()
        }
    }
}

/// A number that any thread may count up.
final class Tally: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    func add() { number.withLock { $0 += 1 } }
}
