import BusCore
import BusSQL
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// Two Events APIs on one PostgreSQL database, and those who publish there and handle what was published.
struct Nodes: Sendable {
    static let name = "example.node"
    let database: String
    let addresses: [String]
    let schema = TestDatabase.nextSchema()
    private let secret = "nodes-hs256-key-not-a-secret"

    /// Nodes on the database at a URL.
    init(on database: String) throws {
        self.database = database
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

    private func headers(_ key: String? = nil) -> [String: String] {
        let token = TestTokens(secret: secret).token(
            subject: Deployment.account, scope: "events:send events:listen", now: unixNow())
        var headers = ["Authorization": "Bearer \(token)"]
        headers["Idempotency-Key"] = key
        return headers
    }

    /// The status of one publish at one node.
    func post(_ key: String, to node: Int) async throws -> Int {
        let event: JSONValue = ["name": .string(Self.name), "payload": ["key": .string(key)]]
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

    /// Claims from one node and acknowledges on the other, until `isOver`.
    func consume(_ number: Int, _ applied: Tally, until isOver: @Sendable () -> Bool) async throws {
        var node = number % 2
        let query = "delivery=unicast&group=g&consumer=c\(number)&ack=manual&lease=5&limit=8&replay=true&follow=false"
        while !isOver() {
            let lines = try await eventually("there is something to handle", tries: 36_000) { () -> [JSONValue]? in
                if isOver() { return [] }
                node = 1 - node
                guard let answer = try? await stream(node, query), answer.status != 503 else { return nil }
                try #require(answer.status == 200, "\(answer.text)")
                return answer.lines.isEmpty ? nil : answer.lines
            }
            if lines.isEmpty { return }
            applied.add(lines.compactMap { $0["payload"]?["key"]?.text })
            let deliveries = lines.compactMap { line in
                line["deliveryId"]?.text.map { ["id": .string($0), "outcome": "done"] as JSONValue }
            }
            let body: JSONValue = ["group": "g", "deliveries": .array(deliveries)]
            var other = 1 - node
            try await eventually("the deliveries are acknowledged", tries: 18_000) {
                defer { other = 1 - other }
                let answer = try? await LoopbackClient(addresses[other]).post(
                    "/api/v1/events/ack", body.serialized(), headers: headers())
                return answer?.status == 200 ? true : nil
            }
        }
    }

    /// Runs publishers and workers until `end` says so and everything published was applied; returns what was accepted.
    func work(publishers: Int, workers: Int, applied: Tally, until end: @escaping @Sendable () -> Bool) async throws
        -> Tally
    {
        let accepted = Tally()
        let ended = Tally()
        let isOver: @Sendable () -> Bool = { ended.count == publishers && applied.count >= accepted.count }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for publisher in 0..<publishers {
                group.addTask {
                    var number = 0
                    while !end() {
                        let key = "\(publisher) \(number)"
                        try await publish(key, first: number % 2)
                        accepted.add([key])
                        number += 1
                    }
                    ended.add(["\(publisher)"])
                }
            }
            for worker in 0..<workers {
                group.addTask { try await consume(worker, applied, until: isOver) }
            }
            try await group.waitForAll()
        }
        return accepted
    }
}

/// What was done, by key.
final class Tally: Sendable {
    private let times = Mutex<[String: Int]>([:])

    var count: Int { times.withLock { $0.count } }
    var keys: Set<String> { times.withLock { Set($0.keys) } }
    /// How often something was done once more.
    var repeats: Int { times.withLock { $0.values.reduce(0, +) - $0.count } }

    func add(_ keys: [String]) {
        times.withLock { times in for key in keys { times[key, default: 0] += 1 } }
    }
}
