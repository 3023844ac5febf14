import BusContract
import BusCore
import BusSQL
import TestSupport
import Testing

/// Deliveries between the real Events API and two real workers of one group.
@Suite("Leases", .timeLimit(.minutes(5))) struct LeaseJourney {
    private let deployment: Deployment

    init() throws {
        deployment = try Deployment()
    }

    @Test("a handler that takes longer than its lease keeps its delivery")
    func slowHandler() async throws {
        try await deployment.withEvents { _ in
            let file = try await SQLiteDatabase(path: "\(deployment.folder.path)/events.sqlite")
            let gate = AsyncStream.makeStream(of: Void.self)
            // Long before the next extension, so that a busy machine cannot be too late for it.
            let lease = 20
            try await HeldWorker.run(
                before: deployment, consumer: "one", leaseSeconds: lease, leaseExtensionInterval: .milliseconds(500)
            ) {
                for await _ in gate.stream {}
            } _: { first in
                try await ask(["slow"])
                try await eventually("the handler runs") { first.handled.isEmpty ? nil : true }
                let end = try #require(try await leaseEnds(in: file).first)
                try await HeldWorker.run(
                    before: deployment, consumer: "two", leaseSeconds: lease, leaseExtensionInterval: .milliseconds(500)
                ) {
                } _: { second in
                    // A lease that was extended after the first one's end ends at least one lease later.
                    try await eventually("the handler takes longer than a lease", tries: 12_000) {
                        let extended = try await leaseEnds(in: file).first ?? end
                        return extended > end + Int64(lease) * 1_000_000_000 ? true : nil
                    }
                    gate.continuation.finish()
                    try await eventually("the request is answered") { try await answered().isEmpty ? nil : true }
                    #expect(second.handled == [], "the delivery went to another worker")
                }
                #expect(first.handled == ["slow"])
                #expect(try await answered() == ["slow"])
            }
            try file.close()
        }
    }

    @Test("what waits in a stopping worker goes to another one at once and has used no attempt")
    func stop() async throws {
        try await deployment.withEvents { _ in
            let file = try await SQLiteDatabase(path: "\(deployment.folder.path)/events.sqlite")
            let firstGate = AsyncStream.makeStream(of: Void.self)
            let secondGate = AsyncStream.makeStream(of: Void.self)
            try await HeldWorker.run(
                before: deployment, consumer: "one", concurrency: 2, leaseSeconds: 600,
                leaseExtensionInterval: .milliseconds(300)
            ) {
                for await _ in firstGate.stream {}
            } _: { first in
                try await ask(["1", "2", "3", "4"])
                try await eventually("the first worker has them all") {
                    let isHolding = try await deliveries(in: file, attempt: 1).count == 4
                    return isHolding && first.handled.count == 2 ? true : nil
                }
                // Only what it has read can be given back, and only that gets a longer lease.
                let leases = try await leaseEnds(in: file)
                try await eventually("the first worker has read them all") {
                    try await zip(leaseEnds(in: file), leases).allSatisfy { $0 > $1 } ? true : nil
                }
                try await HeldWorker.run(
                    before: deployment, consumer: "two", concurrency: 2, leaseSeconds: 600,
                    leaseExtensionInterval: .seconds(10)
                ) {
                    for await _ in secondGate.stream {}
                } _: { second in
                    #expect(second.handled == [])
                    await first.stop()
                    // The leases last for ten minutes, so only giving back can bring them here.
                    let given = try await eventually("the second worker has what waited") {
                        let given = try await deliveries(in: file, attempt: 2)
                        return given.count == 2 && !second.handled.isEmpty ? given : nil
                    }
                    #expect(given.allSatisfy { $0 == [0, 0] }, "failures and unanswered leases: \(given)")
                    #expect(try await deliveries(in: file, attempt: 1).count == 2, "what is handled stays")
                    firstGate.continuation.finish()
                    secondGate.continuation.finish()
                    try await eventually("all are answered") { try await answered().count == 4 ? true : nil }
                    #expect(first.handled.count == 2 && second.handled.count == 2)
                }
            }
            #expect(try await Set(answered()) == ["1", "2", "3", "4"])
            #expect(try await deployment.deadLetters() == [])
            try file.close()
        }
    }

    /// Failures and unanswered leases of each delivery that is in this attempt.
    private func deliveries(in file: SQLiteDatabase, attempt: Int64) async throws -> [[Int64]] {
        try await file.read {
            try $0.rows(
                "SELECT failures, unanswered FROM bus_event_deliveries WHERE attempt = $1 AND is_leased = 1",
                [.integer(attempt)]
            ).map { [try $0.integer(0), try $0.integer(1)] }
        }
    }

    private func leaseEnds(in file: SQLiteDatabase) async throws -> [Int64] {
        try await file.read {
            try $0.rows("SELECT available_at FROM bus_event_deliveries ORDER BY event_seq").map { try $0.integer(0) }
        }
    }

    private func ask(_ ids: [String]) async throws {
        try await deployment.publish(
            HeldWorker.exchange.request.text, ids.map { ($0, ["account_id": .string(Deployment.account)]) },
            scope: "billing:provider")
    }

    /// The correlation ids of all responses.
    private func answered() async throws -> [String] {
        try await deployment.stored(HeldWorker.exchange.response.text, scope: "billing:provider")
            .compactMap { $0["correlationId"]?.text }
    }
}
