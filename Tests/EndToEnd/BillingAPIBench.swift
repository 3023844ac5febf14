import BusCore
import TestSupport

/// The billing API as an operator starts it; the test stands in for the billing worker.
struct BillingAPIBench: Sendable {
    let deployment: Deployment
    let api: LoopbackClient
    let process: BusProcess

    static let account = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
    static let tokenScope = "billing:read billing:setup billing:entitlement:check"

    /// Runs the billing API while `body` asks it; the Events API is the body's to start.
    static func run(
        environment: [String: String] = [:],
        _ body: @Sendable (BillingAPIBench) async throws -> Void
    ) async throws -> BusProcess.Outcome<Void> {
        let deployment = try Deployment()
        let token = TestTokens(secret: deployment.jwtSecret).token(
            subject: "billing-api", scope: tokenScope, now: unixNow())
        let variables = [
            "BUS_BILLING_JWT_SECRET": deployment.jwtSecret, "BUS_API_TOKEN": token, "BUS_LOG_FORMAT": "json",
            "BUS_EVENTS_LISTENER_RETRY_MIN": "20ms", "BUS_EVENTS_LISTENER_RETRY_MAX": "200ms",
        ]
        return try await BusProcess.run(
            "bus-api-provider-billing",
            [
                "--addr", "127.0.0.1:0", "--events-url", "http://\(deployment.eventsAddress)",
                "--billing-sqlite-path", "\(deployment.folder.path)/billing.sqlite",
            ], environment: variables.merging(environment) { $1 }
        ) { process in
            let api = LoopbackClient(try await process.address(of: "billing"))
            try await body(BillingAPIBench(deployment: deployment, api: api, process: process))
        }
    }

    func token(
        _ scope: String, audience: String = "ai.hg.fi/api", subject: String = account, secret: String? = nil
    ) -> [String: String] {
        let token = TestTokens(secret: secret ?? deployment.jwtSecret).token(
            subject: subject, scope: scope, audience: audience, now: unixNow())
        return ["Authorization": "Bearer \(token)"]
    }

    func status() async throws -> LoopbackClient.Answer {
        try await api.get("/api/v1/billing/status", headers: token("billing:read"))
    }

    func check(_ scope: String) async throws -> LoopbackClient.Answer {
        try await api.post(
            "/api/internal/billing/entitlement-check",
            Array(#"{"account_id":"\#(Self.account)","scope":"\#(scope)"}"#.utf8),
            headers: token("billing:entitlement:check", audience: "ai.hg.fi/internal"))
    }

    /// Waits until the API says that it is ready, or not ready.
    func ready(_ isReady: Bool = true) async throws {
        try await eventually("the billing API is \(isReady ? "ready" : "not ready")") {
            try await api.get("/readyz").status == (isReady ? 200 : 503) ? true : nil
        }
    }

    /// Runs `body` beside a worker that answers status and entitlement requests.
    func withWorker(_ body: @Sendable () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for name in ["status", "entitlement.check"] { group.addTask { try await answer(name) } }
            try await body()
            group.cancelAll()
        }
    }

    private func answer(_ name: String) async throws {
        let events = LoopbackClient(deployment.eventsAddress)
        let headers = token(Self.tokenScope, subject: "billing-worker")
        let stream = "/api/v1/events/stream?name=bus.billing.\(name).request&delivery=unicast&group=billing&limit=1"
        while !Task.isCancelled {
            // Each stream ends after one request; one that breaks is opened again.
            guard let request = try? await events.get(stream, headers: headers).lines.first else { continue }
            let account = request["payload"]?["account_id"] ?? .null
            let payload: JSONValue =
                name == "status"
                ? ["account_id": account, "status": "active", "features": ["llm:proxy"], "setup_required": false]
                : ["allowed": .bool(request["payload"]?["scope"]?.text == "llm:proxy"), "reason": "billing_active"]
            let response: JSONValue = [
                "name": .string("bus.billing.\(name).response"), "correlationId": request["correlationId"] ?? .null,
                "payload": payload,
            ]
            _ = try await events.post("/api/v1/events", response.serialized(), headers: headers)
        }
    }
}
