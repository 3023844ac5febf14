import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

/// A deployment on SQLite files is moved to PostgreSQL with the real programs, killed on the way, and goes on there.
@Suite(.timeLimit(.minutes(10))) struct MoveJourney {
    private static let count = 12_000

    /// A deployment, and the schema that it moves to.
    private struct Bench {
        let deployment: Deployment
        let schema = TestDatabase.nextSchema()
        let address: String

        init() throws {
            deployment = try Deployment()
            address = try PostgresCluster.shared.address()
        }

        var eventsFile: String { "\(deployment.folder.path)/events.sqlite" }
        var events: [String: String] {
            ["BUS_EVENTS_POSTGRES_DSN": address, "BUS_EVENTS_POSTGRES_SCHEMA": schema]
        }
        var billing: [String: String] {
            ["BUS_BILLING_DATABASE_URL": "\(address)&options=-csearch_path%3D\(schema)_billing"]
        }

        func database() async throws -> PostgresDatabase {
            _ = try await PostgresDatabase(PostgresCluster.shared.url, store: "x", schema: "\(schema)_billing").close()
            return try await PostgresDatabase(PostgresCluster.shared.url, store: "x", schema: schema)
        }

        func move(_ program: String, _ file: String, _ environment: [String: String]) async throws
            -> (exit: BusProcess.Exit, standardOutput: String, standardError: String)
        {
            try await BusProcess.finish(program, ["--move-from", file], environment: environment)
        }

        /// Lets a move wait before each event that is locked.
        func addLocks(_ database: PostgresDatabase) async throws {
            try await deployment.withEvents(environment: events) { _ in }
            _ = try await database.write {
                try $0.run(
                    """
                    CREATE FUNCTION wait_here() RETURNS trigger LANGUAGE plpgsql AS '
                    BEGIN
                      PERFORM pg_advisory_xact_lock_shared(hashtext(NEW.id));
                      RETURN NEW;
                    END'
                    """)
                try $0.run(
                    """
                    CREATE TRIGGER wait_here BEFORE INSERT ON bus_events FOR EACH ROW EXECUTE FUNCTION wait_here()
                    """)
            }
        }

        /// Kills a move that is about to copy an event.
        func kill(at event: String, _ database: PostgresDatabase) async throws {
            let id: [SQLValue] = [.text(event)]
            _ = try await database.write { try $0.first("SELECT pg_advisory_lock(hashtext($1))", id) }
            let outcome = try await BusProcess.run(
                Programs.events, ["--move-from", eventsFile], environment: events
            ) { process in
                try await eventually("the move waits before \(event)") {
                    if process.output.isComplete { return true }
                    let waits = try await database.read {
                        try $0.first(
                            """
                            SELECT 1 FROM pg_locks
                            WHERE locktype = 'advisory' AND NOT granted AND objid::bigint = hashtext($1)::bigint & 4294967295
                            """, id)
                    }
                    return waits != nil ? true : nil
                }
                process.kill()
                try await process.end()
            }
            #expect(outcome.exit == .signal(9), "killed at \(event)")
            _ = try await database.write { try $0.first("SELECT pg_advisory_unlock(hashtext($1))", id) }
        }
    }

    @Test func aDeploymentIsMovedAndGoesOn() async throws {
        let bench = try Bench()
        let before = try await fill(bench)
        let database = try await bench.database()
        try await bench.addLocks(database)
        for number in [0, 2_000, 9_000] { try await bench.kill(at: before[number], database) }
        let half = try await BusProcess.finish(
            Programs.events, bench.deployment.eventsArguments,
            environment: bench.deployment.eventsEnvironment.merging(bench.events) { $1 })
        #expect(half.exit == .code(2) && half.standardError.contains("has not ended; run it again"))

        let moved = try await bench.move(Programs.events, bench.eventsFile, bench.events)
        #expect(moved.exit == .code(0) && moved.standardOutput.contains("bus_events "), "\(moved)")
        // On a terminal it says what it does; elsewhere it leaves the result alone.
        let line = "\(Products.path(of: Programs.billing)) --move-from \(bench.deployment.billingFile)"
        let billing = try await BusProcess.finish(
            "/usr/bin/script", ["-qec", line, "/dev/null"],
            environment: bench.billing.merging(["TERM": "xterm"]) { $1 })
        #expect(billing.standardOutput.contains("copying bus_billing_subscriptions, 40 rows"), "\(billing)")
        #expect(!moved.standardError.contains("copying"))
        #expect(billing.exit == .code(0) && billing.standardOutput.contains("bus_billing_subscriptions "), "\(billing)")
        let again = try await bench.move(Programs.billing, bench.deployment.billingFile, bench.billing)
        #expect(again.exit == .code(0) && again.standardOutput.contains("nothing was done"))
        try await goOn(bench, before)
        try database.close()
    }

    @Test func aChangedRowIsFound() async throws {
        let bench = try Bench()
        let before = try await fill(bench)
        let database = try await bench.database()
        try await bench.addLocks(database)
        try await bench.kill(at: before[3_000], database)
        _ = try await database.write {
            try $0.run("UPDATE bus_events SET owner = 'x' WHERE seq = (SELECT MIN(seq) FROM bus_events)")
        }
        let moved = try await bench.move(Programs.events, bench.eventsFile, bench.events)
        #expect(
            moved.exit == .code(1) && moved.standardError.contains("file and database differ in bus_events"), "\(moved)"
        )
        try database.close()
    }

    @Test func nothingIsMovedFromAServiceThatRunsOrToOtherData() async throws {
        let bench = try Bench()
        try await bench.deployment.withEvents { _ in
            try await bench.deployment.publish("example.a", [("c", [:])], scope: "events:send")
            let moved = try await bench.move(Programs.events, bench.eventsFile, bench.events)
            #expect(moved.exit == .code(2) && moved.standardError.contains("stop the services that use it"), "\(moved)")
        }
        try await bench.deployment.withEvents(environment: bench.events) { _ in
            try await bench.deployment.publish("example.b", [("c", [:])], scope: "events:send")
        }
        let moved = try await bench.move(Programs.events, bench.eventsFile, bench.events)
        #expect(moved.exit == .code(1) && moved.standardError.contains("holds other data already"), "\(moved)")
    }

    /// Many events, a group that has read half of them and leases some, a dead letter, and accounts with usage.
    private func fill(_ bench: Bench) async throws -> [String] {
        let deployment = bench.deployment
        return try await deployment.withEvents { _ in
            try await deployment.withBillingWorker { _ in
                try await deployment.publish(
                    BillingEvent.update,
                    (0..<40).map { ("u-\($0)", Self.update($0)) })
                try await eventually("the updates are applied") {
                    try await deployment.stored(BillingEvent.result).count == 40 ? true : nil
                }
            }
            for start in stride(from: 0, to: Self.count, by: 500) {
                try await deployment.publish(
                    "example.a", (start..<start + 500).map { ("c-\($0)", ["n": .integer(Int64($0))]) },
                    scope: "events:send")
            }
            let worker = Group(deployment: deployment)
            let done = try await worker.claim(40)
            try await worker.acknowledge(done, "done")
            try await worker.acknowledge(try await worker.claim(1), "dead")
            let leased = try await worker.claim(5)
            let ids = try await worker.ids()
            #expect(ids.count == Self.count && (done + leased).map(\.event) == Array(ids[..<40] + ids[41..<46]))
            return ids
        }
    }

    private func goOn(_ bench: Bench, _ before: [String]) async throws {
        let deployment = bench.deployment
        try await deployment.withEvents(environment: bench.events) { _ in
            let worker = Group(deployment: deployment)
            #expect(try await worker.ids() == before)
            // The group goes on where it was: what is leased comes again only when its lease has ended.
            let next = try await worker.claim(30)
            #expect(next.map(\.event) == Array(before[46..<76]))
            #expect(try await deployment.deadLetters().count == 1)
            try await worker.acknowledge(next, "dead")
            let letters = try await deployment.deadLetters()
            #expect(letters.count == 31 && Set(letters.compactMap { $0["id"]?.text }).count == 31)
            try await deployment.publish("example.a", [("c-new", [:])], scope: "events:send")
            let ids = try await worker.ids()
            #expect(ids.count == before.count + 1 && ids.dropLast() == before[...])
            try await deployment.withBillingWorker(environment: bench.billing) { _ in
                // One that was applied before changes nothing; one that is new counts.
                try await deployment.publish(
                    BillingEvent.update, [("again", Self.update(3)), ("new", Self.update(77))])
                let results = try await eventually("both are answered") {
                    let results = try await deployment.stored(BillingEvent.result)
                    return results.count == 42 ? results.suffix(2) : nil
                }
                #expect(Set(results.map { $0["payload"]?["applied"]?.flag }) == [true, false], "\(results)")
                try await deployment.publish(BillingEvent.status, [("s", ["account_id": .string(Self.account(7))])])
                let status = try await eventually("the status is answered") {
                    try await deployment.stored(BillingEvent.statusAnswered).last
                }
                #expect(status["payload"]?["status"] == "active")
            }
        }
    }

    private static func account(_ number: Int) -> String {
        "00000000-0000-4000-8000-\(String(repeating: "0", count: 9))\(100 + number)"
    }

    private static func update(_ number: Int) -> JSONValue {
        [
            "event_id": .string("evt_\(number)"), "account_id": .string(account(number)), "provider": "stripe",
            "status": "active", "features": ["llm:proxy"], "provider_subscription_id": .string("sub_\(number)"),
            "occurred_at": "2026-08-01T00:00:00Z",
        ]
    }

    /// A group that reads `example.a`.
    private struct Group {
        let deployment: Deployment

        func claim(_ count: Int) async throws -> [(delivery: String, event: String)] {
            try await lines(
                "delivery=unicast&group=g&consumer=c&ack=manual&lease=300&max_in_flight=\(count + 64)&limit=\(count)&replay=true&follow=false"
            ).compactMap { line in
                guard let delivery = line["deliveryId"]?.text, let event = line["id"]?.text else { return nil }
                return (delivery, event)
            }
        }

        func acknowledge(_ deliveries: [(delivery: String, event: String)], _ outcome: String) async throws {
            let body: JSONValue = [
                "group": "g",
                "deliveries": .array(deliveries.map { ["id": .string($0.delivery), "outcome": .string(outcome)] }),
            ]
            let answer = try await LoopbackClient(deployment.eventsAddress).post(
                "/api/v1/events/ack", body.serialized(),
                headers: deployment.bearer(Deployment.Subject.requester, "events:listen"))
            guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
        }

        /// Every stored event, in its order.
        func ids() async throws -> [String] {
            try await lines("replay=true&follow=false").compactMap { $0["id"]?.text }
        }

        private func lines(_ query: String) async throws -> [JSONValue] {
            let answer = try await LoopbackClient(deployment.eventsAddress).get(
                "/api/v1/events/stream?name=example.a&\(query)",
                headers: deployment.bearer(Deployment.Subject.requester, "events:listen"))
            guard answer.status == 200 else { throw UnexpectedAnswer(text: "\(answer.status) \(answer.text)") }
            return answer.lines
        }
    }
}
