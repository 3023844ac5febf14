import BusCore
import FoundationEssentials
import TestSupport
import Testing

/// A worker whose token file is replaced while it runs.
@Suite(.timeLimit(.minutes(5))) struct TokenJourney {
    private static let scope = "billing:provider billing:subscription:write"

    private let deployment: Deployment
    private let nextSecret = "the-next-hs256-key-not-a-secret"

    init() throws {
        deployment = try Deployment()
    }

    private var tokenFile: String { "\(deployment.folder.path)/worker.token" }

    private func token(_ secret: String, lives seconds: Int64) -> String {
        TestTokens(secret: secret).token(
            subject: "stripe-worker", scope: Self.scope, now: unixNow(), lifetimeSeconds: seconds)
    }

    /// Puts a token into the file: whole by a rename, or by cutting the old one and writing the new one.
    private func rotate(_ token: String, byRename: Bool) throws {
        let url = URL(filePath: tokenFile)
        if byRename {
            try Data(token.utf8).write(to: url, options: .atomic)
        } else {
            try Data().write(to: url)
            try Data((token + "\n").utf8).write(to: url)
        }
    }

    private func withWorker(
        _ environment: [String: String] = [:], _ body: @Sendable (LoopbackClient, BusProcess) async throws -> Void
    ) async throws -> BusProcess.Exit {
        try await BusProcess.run(
            "bus-integration-stripe",
            ["--events-url", "http://\(deployment.eventsAddress)", "--webhook-addr", "127.0.0.1:0"]
                + ["--token-file", tokenFile],
            environment: [
                "BUS_STRIPE_WEBHOOK_SECRET": deployment.webhookSecret, "BUS_LOG_FORMAT": "json",
                "BUS_EVENTS_LISTENER_REQUIRED": "1", "BUS_EVENTS_LISTENER_RETRY_MIN": "50ms",
            ].merging(environment) { $1 }
        ) { worker in
            do {
                try await body(LoopbackClient(try await worker.address(of: Listener.webhook)), worker)
            } catch {
                throw UnexpectedAnswer(
                    text: "\(error); the worker's log ends with:\n\(worker.output.standardError.suffix(2_000))")
            }
        }.exit
    }

    private func ready(_ ingress: LoopbackClient) async throws {
        try await eventually("the worker listens") { try await ingress.get("/readyz").status == 200 ? true : nil }
    }

    /// Sends a webhook as Stripe does: again, until it is taken.
    private func send(_ id: String, to ingress: LoopbackClient) async throws {
        try await eventually("\(id) is taken") {
            try await deployment.webhook(id).send(to: ingress).status == 200 ? true : nil
        }
    }

    private func renewals(_ worker: BusProcess) -> Int {
        worker.output.standardError.split(separator: "\n").count { $0.contains("\"token renewed\"") }
    }

    /// What the Events API has stored under a name.
    private func stored(_ name: String, secret: String) async throws -> [JSONValue] {
        let answer = try await LoopbackClient(deployment.eventsAddress).get(
            "/api/v1/events/stream?name=\(name)&replay=true&follow=false",
            headers: ["Authorization": "Bearer \(token(secret, lives: 3_600))"])
        guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        return answer.lines
    }

    @Test func aWorkerOutlivesItsTokens() async throws {
        try rotate(token(deployment.jwtSecret, lives: 6), byRename: true)
        let rounds = 3
        _ = try await withWorker { ingress, worker in
            try await deployment.withEvents { _ in
                try await ready(ingress)
                // Each token lives for seconds; the file is written again and again, in both ways.
                for round in 1...rounds {
                    try await send("evt_\(round)_before", to: ingress)
                    var writes = 0
                    try await eventually("the token is renewed") {
                        writes += 1
                        try rotate(
                            token(deployment.jwtSecret, lives: round < rounds ? 6 : 3_600),
                            byRename: writes.isMultiple(of: 2))
                        let isTaken = try await deployment.webhook("evt_\(round)").send(to: ingress).status == 200
                        return isTaken && renewals(worker) >= round ? true : nil
                    }
                    try await send("evt_\(round)_after", to: ingress)
                }
            }
            // The next server knows only tokens of another secret: the old one is refused everywhere at once.
            try rotate(token(nextSecret, lives: 3_600), byRename: false)
            try await deployment.withEvents(environment: ["BUS_API_JWT_SECRET": nextSecret]) { _ in
                try await send("evt_last", to: ingress)
                try await ready(ingress)
                let request: JSONValue = [
                    "name": "bus.stripe.portal_session.create.request", "correlationId": "after",
                    "payload": ["account_id": .string(Deployment.account), "provider_customer_id": "cus_1"],
                ]
                let published = try await LoopbackClient(deployment.eventsAddress).post(
                    "/api/v1/events", request.serialized(),
                    headers: ["Authorization": "Bearer \(token(nextSecret, lives: 3_600))"])
                #expect(published.status == 202, "\(published.text)")
                let response = try await eventually("the request is answered") {
                    try await stored("bus.stripe.portal_session.create.response", secret: nextSecret).first
                }
                #expect(response["correlationId"]?.text == "after")
                let ids = try await stored(Deployment.updateName, secret: nextSecret).compactMap {
                    $0["payload"]?["event_id"]?.text
                }
                let sent = (1...rounds).flatMap { ["evt_\($0)_before", "evt_\($0)", "evt_\($0)_after"] }
                #expect(ids == sent + ["evt_last"])
            }
            #expect(!worker.output.isComplete)
            let log = worker.output.standardError
            #expect(renewals(worker) == rounds + 1)
            #expect(!log.contains("eyJ") && !log.contains(tokenFile))
        }
    }

    @Test(arguments: [true, false])
    func aRefusedTokenThatIsNotRenewedEndsTheWorker(isTurnedOff: Bool) async throws {
        try rotate(token(deployment.jwtSecret, lives: 3_600), byRename: true)
        let exit = try await withWorker(isTurnedOff ? ["BUS_EVENTS_TOKEN_REFRESH": "0"] : [:]) { ingress, worker in
            try await deployment.withEvents { _ in try await ready(ingress) }
            // Turned off, a new token in the file makes no difference.
            if isTurnedOff { try rotate(token(nextSecret, lives: 3_600), byRename: true) }
            try await deployment.withEvents(environment: ["BUS_API_JWT_SECRET": nextSecret]) { _ in
                try await worker.end()
            }
            #expect(worker.output.standardError.contains("401"))
            #expect(worker.output.standardError.contains("--token-file"))
        }
        #expect(exit == .code(1))
    }
}
