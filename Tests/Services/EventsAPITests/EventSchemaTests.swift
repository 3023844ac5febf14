import BusCore
import BusSQL
import StoreTestSupport
import Testing

@testable import EventsAPI

/// Files that an older program wrote move forward and keep what they hold.
struct EventSchemaTests {
    @Test(arguments: TestStore.allCases, 1..<EventSchema.migrations.count)
    func anOlderStoreMovesForward(_ store: TestStore, _ version: Int) async throws {
        let database = try await store.open()
        try await database.migrate(EventSchema.name, Array(EventSchema.migrations[..<version]))
        try await database.write { connection in
            for number in 1...2 {
                try connection.run(
                    """
                    INSERT INTO bus_events (seq, id, name, owner, envelope, created_at)
                    VALUES ($1, 'evt_' || $1, 'example.thing', 'o', '{"name":"example.thing","payload":{"n":1}}', $1)
                    """, [.integer(Int64(number))])
            }
            try connection.run(
                """
                INSERT INTO bus_event_deliveries (owner_scope, group_name, event_seq, name, attempt, is_leased,
                    available_at, lease_seconds, holder, first_at)
                VALUES ('*', 'g', 1, 'example.thing', 9, 1, 5, 30, 'h', 1)
                """)
            try connection.run(
                "INSERT INTO bus_event_group_cursors VALUES ('*', 'g', 'example.thing', 2, 1)")
            try connection.run(
                """
                INSERT INTO bus_event_dead_letters (event_seq, event_id, name, owner_scope, group_name, code,
                    retry_count, first_at, last_at)
                VALUES (2, 'evt_2', 'example.thing', '*', 'g', 'rejected', 3, 1, 2)
                """)
        }
        try await EventBench.run(over: database) { bench in
            let group = DeliveryGroup(owner: nil, name: "g")
            let letters = try await bench.ledger.deadLetters(group: "g", after: 0, limit: 10)
            #expect(letters.map(\.eventID) == ["evt_2"] && letters.map(\.attempts) == [3])
            #expect(try await bench.ledger.replay(.group("g", code: nil)) == 1)
            let claimed = try await bench.ledger.claim(
                ClaimRequest(
                    group: group, names: [try #require(EventName("example.thing"))], holder: "a", leaseSeconds: 30,
                    inFlightMax: 9))
            #expect(claimed.deliveries.map(\.id) == [.init(sequence: 1, attempt: 10), .init(sequence: 2, attempt: 1)])
        }
    }
}
