import BillingStorage
import BusAuth
import BusContract
import BusCore
import BusRuntime
import BusSQL
import BusServer
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import BillingAPI

/// The Billing API's routes over a scripted worker and a catalog in a real file.
struct BillingBench: Sendable {
    /// What the worker was asked.
    struct Asked: Sendable, Equatable {
        let name: String
        let payload: JSONValue
    }

    /// Answers a request: a payload, an error, or nothing.
    typealias Worker = @Sendable (EventName, JSONValue) throws -> EventEnvelope

    let client: any TestClientProtocol
    /// The paths of the routes.
    let paths: Set<String>
    let database: SQLiteDatabase
    private let log: WorkerLog

    static let alice = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    static let bob = "0f8fad5b-d9cb-469f-a165-70867728950e"
    private static let tokens = TestTokens(secret: "a test secret")

    /// Runs `body` against the routes.
    static func run(
        hasCatalog: Bool = true, worker: @escaping Worker = BillingBench.helpful,
        _ body: @escaping @Sendable (BillingBench) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let database = try await SQLiteDatabase(path: "\(folder.path)/billing.sqlite")
        let store = hasCatalog ? try await CatalogStore.open(database) : nil
        let log = WorkerLog()
        let requests = WorkerCalls { name, payload in
            let value = try payload.value()
            log.asked.withLock { $0.append(Asked(name: name.text, payload: value)) }
            return try worker(name, value)
        }
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let router = Router(context: BusRequestContext.self)
        router.add(middleware: ErrorResponses(logger: logger))
        OperationsRoutes(readiness: Readiness(), metrics: PrometheusRegistry(), logger: logger).addHealth(to: router)
        await BillingRoutes(tokenSecret: Secret("a test secret"), requests: requests, store: store).add(to: router)
        let paths = Set(router.routes.map(\.path.description))
        try await Application(router: router, logger: logger).test(.router) { client in
            try await body(BillingBench(client: client, paths: paths, database: database, log: log))
        }
        try database.close()
        withExtendedLifetime(folder) {}
    }

    /// A worker that answers everything well.
    static let helpful: Worker = { name, payload in
        let account = payload["account_id"] ?? .null
        switch name {
        case Exchange.status.request:
            return answer(
                name,
                [
                    "account_id": account, "status": "active", "features": ["llm:proxy"], "setup_required": false,
                    "added_later": 1,
                ])
        case Exchange.accountForget.request:
            return answer(name, ["account_id": account, "forgotten_as": .string(alice), "forgotten": false])
        case Exchange.entitlementCheck.request:
            return answer(name, ["allowed": false, "reason": "billing_required", "command": "bus billing setup"])
        default:
            return answer(name, ["url": "https://pay.example/1", "provider": "stripe", "session_id": "cs_1"])
        }
    }

    /// A successful response.
    static func answer(_ name: EventName, _ payload: JSONValue) -> EventEnvelope {
        EventEnvelope(name: name.response ?? name, correlationID: "c", payload: JSONText(payload))
    }

    /// A failed response.
    static func failure(_ name: EventName, _ code: String, _ message: String = "because") -> EventEnvelope {
        EventEnvelope(
            name: name.response ?? name, correlationID: "c", payload: JSONText([:]),
            error: EventError(code: code, message: message))
    }

    /// Everything the worker was asked so far.
    var asked: [Asked] { log.asked.withLock { $0 } }

    /// Two plans with a price each.
    static let twoPlans: JSONValue = [
        "products": [["id": "llm", "name": "LLM"]], "meters": [],
        "plans": .array(
            ["basic", "pro"].map { id in
                [
                    "id": .string(id), "product_id": "llm", "features": ["llm:proxy"],
                    "prices": [["lookup_key": .string("\(id)_month"), "currency": "eur", "unit_amount": 100]],
                ]
            }),
    ]

    /// Stores a catalog, and what the billing worker stores when accounts subscribe to a plan of it.
    func subscribe(
        _ accounts: [String] = [alice], to plan: String, of catalog: JSONValue, status: SubscriptionStatus = .active,
        livemode: Bool = false
    ) async throws {
        try await database.migrateBilling()
        let body = String(decoding: catalog.serialized(), as: UTF8.self)
        #expect(
            try await send(.put, "/api/internal/billing/catalog?force=true", body, token: Operation.putCatalog.token)
                .status == 200)
        try await database.write { connection in
            for account in accounts {
                var update = SubscriptionUpdate(
                    eventID: "evt_\(plan)_\(account)_\(status)", accountID: account, provider: "stripe", status: status,
                    occurredAt: Timestamp(clampingSeconds: 1_785_585_600))
                update.providerSubscriptionID = "sub_\(plan)_\(account)"
                update.planID = plan
                update.features = ["llm:proxy"]
                update.livemode = livemode
                update.kind = .created
                _ = try SubscriptionStore(connection).apply(update, source: nil, at: update.occurredAt)
            }
        }
    }

    /// A token that may do everything of its audience.
    static func token(
        _ audience: String, subject: String = alice,
        scope: String =
            "billing:read billing:setup billing:entitlement:check billing:catalog:read billing:catalog:write billing:admin"
    ) -> String {
        tokens.token(subject: subject, scope: scope, audience: audience, now: unixNow())
    }

    /// An answer, its body read as JSON.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPFields
        let bytes: [UInt8]

        var text: String { String(decoding: bytes, as: UTF8.self) }
        var json: JSONValue { (try? JSONValue(parsing: bytes)) ?? .null }
        var errorType: String? { json["error"]?["type"]?.text }
        var errorMessage: String? { json["error"]?["message"]?.text }
    }

    func send(
        _ operation: Operation, _ body: String? = nil, token: String? = nil, headers: HTTPFields = [:]
    ) async throws -> Answer {
        try await send(
            operation.method, operation.path, body ?? operation.body, token: token ?? operation.token, headers: headers)
    }

    func send(
        _ method: HTTPRequest.Method, _ path: String, _ body: String? = nil, token: String? = nil,
        headers: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = headers
        if let token, !token.isEmpty { headers[.authorization] = "Bearer \(token)" }
        let response = try await client.executeRequest(
            uri: path, method: method, headers: headers, body: body.map { ByteBuffer(string: $0) })
        return Answer(
            status: Int(response.status.code), headers: response.headers, bytes: Array(buffer: response.body))
    }
}

/// One route of the Billing API, with the token it takes.
struct Operation: Sendable, CustomTestStringConvertible {
    let method: HTTPRequest.Method
    let path: String
    let audience: String
    let scope: String
    /// A body that is accepted.
    var body: String?

    var testDescription: String { "\(method.rawValue) \(path)" }
    /// A token that fits exactly.
    var token: String { BillingBench.token(audience, scope: scope) }

    static let status = Operation(
        method: .get, path: "/api/v1/billing/status", audience: Audience.api, scope: "billing:read")
    static let checkout = Operation(
        method: .post, path: "/api/v1/billing/checkout-session", audience: Audience.api, scope: "billing:setup",
        body: "{}")
    static let portal = Operation(
        method: .post, path: "/api/v1/billing/portal-session", audience: Audience.api, scope: "billing:read",
        body: "{}")
    static let getCatalog = Operation(
        method: .get, path: "/api/internal/billing/catalog", audience: Audience.internal,
        scope: "billing:catalog:read")
    static let putCatalog = Operation(
        method: .put, path: "/api/internal/billing/catalog", audience: Audience.internal,
        scope: "billing:catalog:write", body: #"{"products":[],"plans":[],"meters":[]}"#)
    static let accountStatus = Operation(
        method: .get, path: "/api/internal/billing/accounts/\(BillingBench.bob)/status", audience: Audience.internal,
        scope: "billing:read")
    static let entitlement = Operation(
        method: .post, path: "/api/internal/billing/entitlement-check", audience: Audience.internal,
        scope: "billing:entitlement:check", body: #"{"account_id":"\#(BillingBench.bob)","scope":"llm:proxy"}"#)

    static let forget = Operation(
        method: .post, path: "/api/internal/billing/accounts/\(BillingBench.bob)/forget", audience: Audience.internal,
        scope: "billing:admin", body: "{}")

    static let asking = [status, checkout, portal, accountStatus, entitlement, forget]
    static let all = asking + [putCatalog, getCatalog]
    static let withBody = [checkout, portal, entitlement, putCatalog, forget]
}

/// What the worker was asked, in order.
private final class WorkerLog: Sendable {
    let asked = Mutex<[BillingBench.Asked]>([])
}
