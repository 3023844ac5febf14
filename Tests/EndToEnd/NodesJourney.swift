import BusCore
import BusSQL
import StoreTestSupport
import Synchronization
import TestSupport
import Testing

/// Real Events APIs on one PostgreSQL database.
@Suite("Several nodes", .timeLimit(.minutes(5))) struct NodesJourney {
    private static let name = "example.node"
    private let addresses: [String]
    private let schema = TestDatabase.nextSchema()
    private let secret = "nodes-hs256-key-not-a-secret"

    init() throws {
        addresses = try (0..<2).map { _ in "127.0.0.1:\(try FreePort.next())" }
    }

    @Test("a subscriber of one node gets what is published on the other")
    func acrossNodes() async throws {
        let cluster = try PostgresCluster.shared
        try await node(0, cluster) { _ in
            try await node(1, cluster) { _ in
                try await withThrowingTaskGroup(of: JSONValue?.self) { group in
                    group.addTask { try await stream(1, "limit=1").lines.first }
                    group.addTask {
                        // The stream begins at now, which nobody sees from outside; so events go on until it has one.
                        for number in 0... {
                            guard !Task.isCancelled else { break }
                            try await publish("across \(number)", first: 0)
                        }
                        return nil
                    }
                    let line = try await group.next() ?? nil
                    group.cancelAll()
                    #expect(line?["name"]?.text == Self.name)
                }
            }
        }
    }

    @Test("nodes that are killed under load lose nothing and store nothing twice")
    func kills() async throws {
        let cluster = try PostgresCluster.shared
        let count = PropertySettings.rounds(400, proof: 40_000)
        let kills = PropertySettings.rounds(3, proof: 40)
        let accepted = Handled()
        let applied = Handled()
        // The nodes outlive the workers, whose last acknowledgements need one.
        let isOver = Handled()
        try await withThrowingTaskGroup(of: Void.self) { nodes in
            nodes.addTask { try await node(1, cluster) { _ in try await end(of: isOver) } }
            nodes.addTask {
                for kill in 1...kills {
                    try await node(0, cluster) { process in
                        _ = try await eventually("there is load", tries: 18_000) {
                            accepted.count >= kill * count / (kills + 1) ? true : nil
                        }
                        process.kill()
                        try await process.end()
                    }
                }
                try await node(0, cluster) { _ in try await end(of: isOver) }
            }
            try await withThrowingTaskGroup(of: Void.self) { workers in
                for publisher in 0..<4 {
                    workers.addTask {
                        for number in stride(from: publisher, to: count, by: 4) {
                            try await publish("event \(number)", first: number % 2)
                            accepted.add(["\(number)"])
                        }
                    }
                }
                for consumer in 0..<3 {
                    workers.addTask { try await consume(consumer, count, applied) }
                }
                try await workers.waitForAll()
            }
            isOver.add(["over"])
            try await nodes.waitForAll()
        }
        try await node(0, cluster) { _ in
            let stored = try await stream(0, "replay=true&follow=false").lines.compactMap {
                $0["payload"]?["key"]?.text
            }
            #expect(stored.count == count && Set(stored).count == count, "stored \(stored.count) of \(count)")
        }
        #expect(applied.count == count)
        // Only what was under way when a node died may come again.
        #expect(applied.repeats <= kills * 3 * 8, "\(applied.repeats) deliveries came again")
    }

    @Test("a database that is away is answered with 503, and the server recovers by itself")
    func databaseAway() async throws {
        let cluster = try PostgresCluster()
        try await node(0, cluster) { process in
            let client = LoopbackClient(addresses[0])
            let refused = Handled()
            try await withThrowingTaskGroup(of: Void.self) { group in
                try await publish("before", first: 0)
                cluster.stop()
                for publisher in 0..<4 {
                    group.addTask {
                        for number in 0..<10 {
                            try await eventually("it is accepted", tries: 3_000) {
                                let status = try await post("p\(publisher) \(number)", to: 0)
                                if status == 202 { return true }
                                #expect(status == 503)
                                refused.add(["p\(publisher)"])
                                return nil
                            }
                        }
                    }
                }
                try await eventually("it says that it is not ready") {
                    try await client.get("/readyz").status == 503 && refused.count == 4 ? true : nil
                }
                #expect(try await client.get("/livez").status == 200)
                cluster.start()
                try await group.waitForAll()
            }
            try await eventually("it is ready again") { try await client.get("/readyz").status == 200 ? true : nil }
            let stored = try await stream(0, "replay=true&follow=false").lines.compactMap {
                $0["payload"]?["key"]?.text
            }
            #expect(stored.count == 41 && Set(stored).count == 41)
            process.terminate()
            try await process.end()
        }
    }

    // MARK: Steps

    private func end(of work: Handled) async throws {
        try await eventually("the work is over", tries: 18_000) { work.count > 0 ? true : nil }
    }

    private func node(
        _ number: Int, _ cluster: PostgresCluster, _ body: @Sendable (BusProcess) async throws -> Void
    ) async throws {
        let environment = [
            "BUS_API_JWT_SECRET": secret, "BUS_EVENTS_POSTGRES_DSN": cluster.address(),
            "BUS_EVENTS_POSTGRES_SCHEMA": schema, "BUS_LOG_FORMAT": "json",
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

    private func post(_ key: String, to node: Int) async throws -> Int {
        let event: JSONValue = ["name": .string(Self.name), "payload": ["key": .string(key)]]
        return try await LoopbackClient(addresses[node]).post(
            "/api/v1/events", event.serialized(), headers: headers(key)
        ).status
    }

    /// Publishes under a key, on whichever node answers.
    private func publish(_ key: String, first: Int) async throws {
        var node = first
        try await eventually("\(key) is accepted") {
            defer { node = 1 - node }
            return (try? await post(key, to: node)) == 202 ? true : nil
        }
    }

    private func stream(_ node: Int, _ query: String) async throws -> LoopbackClient.Answer {
        try await LoopbackClient(addresses[node]).get(
            "/api/v1/events/stream?name=\(Self.name)&\(query)", headers: headers())
    }

    /// Claims from one node and acknowledges on the other until all is handled.
    private func consume(_ number: Int, _ count: Int, _ applied: Handled) async throws {
        var node = number % 2
        let query = "delivery=unicast&group=g&consumer=c\(number)&ack=manual&lease=5&limit=8&replay=true&follow=false"
        while applied.count < count {
            let lines = try await eventually("there is something to handle", tries: 18_000) { () -> [JSONValue]? in
                if applied.count == count { return [] }
                node = 1 - node
                guard let answer = try? await stream(node, query) else { return nil }
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
            try await eventually("the deliveries are acknowledged") {
                defer { other = 1 - other }
                let answer = try? await LoopbackClient(addresses[other]).post(
                    "/api/v1/events/ack", body.serialized(), headers: headers())
                return answer?.status == 200 ? true : nil
            }
        }
    }
}

/// What the consumers have handled, by key.
private final class Handled: Sendable {
    private let times = Mutex<[String: Int]>([:])

    var count: Int { times.withLock { $0.count } }
    /// Deliveries of what was handled before.
    var repeats: Int { times.withLock { $0.values.reduce(0, +) - $0.count } }

    func add(_ keys: [String]) {
        times.withLock { times in for key in keys { times[key, default: 0] += 1 } }
    }
}
