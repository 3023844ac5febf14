import BusCore
import BusSQL
import Testing

@testable import EventsAPI

struct RetentionTests {
    private func stored(_ bench: EventBench) async throws -> [String] {
        try await bench.database.read { connection in
            try connection.rows("SELECT id FROM bus_events ORDER BY seq").map { try $0.text(0) }
        }
    }

    @Test(arguments: Place.allCases) func removesTheOldAndKeepsTheNewest(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
            let old = try await bench.publish(1_203)
            bench.clock.advance(86_400)
            #expect(try await bench.retention(keep: .seconds(3_600)).removeExpired() == 1_202)
            let young = try await bench.publish(2)
            #expect(try await stored(bench) == [try #require(old.last)] + young)
            #expect(try await bench.log.oldestID() == old.last)
            #expect(try await bench.log.position(after: old[0], owner: nil) == nil)
        }
    }

    @Test func keepsWhatADeliveryStillNeeds() async throws {
        try await EventBench.run { bench in
            let ids = try await bench.publish(4) + bench.publish(2, "example.other")
            let request = ClaimRequest(
                group: DeliveryGroup(owner: nil, name: "g"), names: [try #require(EventName("example.thing"))],
                holder: "a", leaseSeconds: 30, inFlightMax: 2)
            let claimed = try await bench.ledger.claim(request).deliveries
            _ = try await bench.ledger.acknowledge(
                [(claimed[0].id, .done)], in: request.group, mayListen: { _ in true })
            bench.clock.advance(86_400)
            let retention = bench.retention(keep: .seconds(60))
            // Gone: the acknowledged one and one of the other name. Kept: the leased, the unreached, the newest.
            #expect(try await retention.removeExpired() == 2)
            #expect(try await stored(bench) == [ids[1], ids[2], ids[3], ids[5]])
            let again = try await bench.ledger.claim(request).deliveries
            _ = try await bench.ledger.acknowledge(
                again.map { ($0.id, .done) }, in: request.group, mayListen: { _ in true })
            #expect(try await retention.removeExpired() == 3)
        }
    }

    @Test func keepsParkedEvents() async throws {
        try await EventBench.run { bench in
            let ids = try await bench.publish(2)
            let request = ClaimRequest(
                group: DeliveryGroup(owner: nil, name: "g"), names: [try #require(EventName("example.thing"))],
                holder: "a", leaseSeconds: 30, inFlightMax: 1)
            let claimed = try await bench.ledger.claim(request).deliveries
            _ = try await bench.ledger.acknowledge(
                [(claimed[0].id, .dead(code: nil))], in: request.group, mayListen: { _ in true })
            bench.clock.advance(86_400)
            #expect(try await bench.retention(keep: .seconds(60)).removeExpired() == 0)
            #expect(try await stored(bench) == ids)
        }
    }
}
