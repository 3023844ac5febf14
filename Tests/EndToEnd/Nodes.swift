import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

/// Two Events APIs on one PostgreSQL database, and how they are called.
struct Nodes: Sendable {
    static let name = "example.node"
    let database: String
    let addresses: [String]
    let schema = TestDatabase.nextSchema()
    private let secret = "nodes-hs256-key-not-a-secret"
    private let token: String

    /// Nodes on the database at a URL.
    init(on database: String) throws {
        self.database = database
        token = TestTokens(secret: secret).token(
            subject: Deployment.account, scope: "events:send events:listen", now: unixNow())
        addresses = try (0..<2).map { _ in "127.0.0.1:\(try FreePort.next())" }
    }

    /// One of the nodes for as long as `body` runs.
    func run(_ number: Int, _ body: @Sendable (BusProcess) async throws -> Void) async throws {
        let environment = [
            "BUS_API_JWT_SECRET": secret, "BUS_EVENTS_POSTGRES_DSN": database, "BUS_EVENTS_POSTGRES_SCHEMA": schema,
            "BUS_LOG_FORMAT": "json",
        ]
        _ = try await BusProcess.run(Programs.events, ["--addr", addresses[number]], environment: environment) {
            process in
            _ = try await process.address(of: Listener.events)
            try await body(process)
        }
    }

    /// A token of a service; each subject has streams of its own.
    func serviceToken(_ subject: String) -> String {
        TestTokens(secret: secret).token(subject: subject, scope: "events:send events:listen", now: unixNow())
    }

    func headers(_ key: String? = nil) -> [String: String] {
        var headers = ["Authorization": "Bearer \(token)"]
        headers["Idempotency-Key"] = key
        return headers
    }

    /// The status of one publish at one node.
    func post(_ key: String, name: String = Nodes.name, to node: Int) async throws -> Int {
        let event: JSONValue = ["name": .string(name), "payload": ["key": .string(key)]]
        return try await LoopbackClient(addresses[node]).post(
            "/api/v1/events", event.serialized(), headers: headers(key)
        ).status
    }

    /// Publishes under a key, on whichever node answers.
    func publish(_ key: String, first: Int) async throws {
        var node = first
        try await eventually("\(key) is accepted", tries: 18_000) {
            defer { node = 1 - node }
            return (try? await post(key, to: node)) == 202 ? true : nil
        }
    }

    func stream(_ node: Int, _ query: String) async throws -> LoopbackClient.Answer {
        try await LoopbackClient(addresses[node]).get(
            "/api/v1/events/stream?name=\(Self.name)&\(query)", headers: headers())
    }

    /// The keys of all stored events, in their order.
    func stored() async throws -> [String] {
        let answer = try await stream(0, "replay=true&follow=false")
        try #require(answer.status == 200, "\(answer.text)")
        return answer.lines.compactMap { $0["payload"]?["key"]?.text }
    }

    /// What a worker gets from a node; nil when there is nothing, or nobody who answers.
    func claim(_ worker: Int, on node: Int) async throws -> [JSONValue]? {
        let query = "delivery=unicast&group=g&consumer=c\(worker)&ack=manual&lease=5&limit=8&replay=true&follow=false"
        guard let answer = try? await stream(node, query), answer.status != 503 else { return nil }
        try #require(answer.status == 200, "\(answer.text)")
        return answer.lines.isEmpty ? nil : answer.lines
    }

    /// Says of deliveries that they are done; how many the node knew, or nil.
    func acknowledge(_ lines: [JSONValue], on node: Int) async throws -> Int? {
        let deliveries = lines.compactMap { line in
            line["deliveryId"]?.text.map { ["id": .string($0), "outcome": "done"] as JSONValue }
        }
        let body: JSONValue = ["group": "g", "deliveries": .array(deliveries)]
        let answer = try await LoopbackClient(addresses[node]).post(
            "/api/v1/events/ack", body.serialized(), headers: headers())
        return answer.status == 200 ? answer.json?["acknowledged"]?.integer.map { Int($0) } : nil
    }
}
