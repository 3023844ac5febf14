import BusCore
import BusSQL
import StoreTestSupport
import Testing

@testable import EventsAPI

struct RetentionTests {
    private func stored(_ bench: EventBench) async throws -> [String] {
        try await bench.database.read { connection in
            try connection.rows("SELECT id FROM bus_events ORDER BY seq").map { try $0.text(0) }
        }
    }

    @Test(arguments: TestStore.allCases) func removesTheOldAndKeepsTheNewest(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let old = try await bench.publish(1_203)
            bench.clock.advance(86_400)
            #expect(try await bench.retention(keep: .seconds(3_600)).removeExpired() == 1_202)
            let young = try await bench.publish(2)
            #expect(try await stored(bench) == [try #require(old.last)] + young)
            #expect(try await bench.log.oldestID() == old.last)
            #expect(try await bench.log.position(after: old[0], owner: nil) == nil)
        }
    }

    @Test(arguments: TestStore.allCases) func keepsWhatADeliveryStillNeeds(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    private func request(_ owner: String?, _ name: String = "example.thing") throws -> ClaimRequest {
        ClaimRequest(
            group: DeliveryGroup(owner: owner, name: "g"), names: [try #require(EventName(name))], holder: "a",
            leaseSeconds: 30, inFlightMax: 1)
    }

    @Test(arguments: TestStore.allCases) func anOwnersGroupKeepsOnlyItsOwnersEvents(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let mine = try await bench.publish(3, owner: "me")
            let yours = try await bench.publish(3, owner: "you")
            #expect(try await bench.ledger.claim(try request("me")).deliveries.count == 1)
            bench.clock.advance(86_400)
            #expect(try await bench.retention(keep: .seconds(60)).removeExpired() == 2)
            #expect(try await stored(bench) == mine + [yours[2]])
        }
    }

    @Test(arguments: TestStore.allCases) func aGroupThatNobodyClaimsFromEnds(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(3, owner: "me")
            _ = try await bench.ledger.claim(try request("me"))
            let retention = bench.retention(keep: .seconds(60))
            bench.clock.advance(7 * 86_400)
            #expect(try await retention.endAbandonedGroups() == [], "the lease ended less than a week ago")
            bench.clock.advance(30)
            #expect(try await retention.endAbandonedGroups() == ["g"])
            // A group that comes back before the events go starts at the oldest one.
            let again = try await bench.ledger.claim(try request("me")).deliveries
            #expect(again.map(\.id) == [.init(sequence: try #require(EventIDSequence.number(of: ids[0])), attempt: 1)])
            bench.clock.advance(8 * 86_400)
            #expect(try await retention.endAbandonedGroups() == ["g"])
            #expect(try await retention.removeExpired() == 2)
            #expect(try await stored(bench) == [ids[2]])
        }
    }

    @Test(arguments: TestStore.allCases) func aGroupKeepsItsDeliveriesForTheWholeRetentionTime(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(2)
            _ = try await bench.ledger.claim(try request(nil))
            let retention = bench.retention(keep: .seconds(30 * 86_400))
            bench.clock.advance(30 * 86_400 + 29)
            #expect(try await retention.endAbandonedGroups() == [])
            #expect(try await bench.ledger.claim(try request(nil)).deliveries.map(\.id.attempt) == [2])
            bench.clock.advance(30 * 86_400 + 29)
            #expect(try await retention.endAbandonedGroups() == [], "it was claimed from meanwhile")
            bench.clock.advance(1)
            #expect(try await retention.endAbandonedGroups() == ["g"])
        }
    }

    @Test(arguments: TestStore.allCases) func aReplayIntoAGroupThatEndedIsDeliveredOnceAndEndsAgain(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(2)
            let first = try await bench.ledger.claim(try request(nil)).deliveries
            _ = try await bench.ledger.acknowledge(
                [(first[0].id, .dead(code: nil))], in: DeliveryGroup(owner: nil, name: "g"), mayListen: { _ in true })
            _ = try await bench.ledger.claim(try request(nil))
            bench.clock.advance(8 * 86_400)
            let retention = bench.retention(keep: .seconds(60))
            #expect(try await retention.endAbandonedGroups() == ["g"])
            #expect(try await bench.ledger.replay(.group("g", code: nil)) == 1)
            var wide = try request(nil)
            wide = ClaimRequest(
                group: wide.group, names: wide.names, holder: "b", leaseSeconds: 30, inFlightMax: 10)
            let claimed = try await bench.ledger.claim(wide).deliveries
            #expect(claimed.map(\.id.eventID) == ids)
            #expect(claimed.map(\.id.attempt) == [1, 1])
            bench.clock.advance(8 * 86_400)
            #expect(try await retention.endAbandonedGroups() == ["g"])
            #expect(try await retention.removeExpired() == 1)
        }
    }

    @Test(arguments: TestStore.allCases) func groupsOfEventsLongGoneAreForgotten(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(1)
            let claimed = try await bench.ledger.claim(try request(nil)).deliveries
            try await bench.ledger.finish(claimed.map(\.id), in: DeliveryGroup(owner: nil, name: "g"))
            func cursors() async throws -> Int64? {
                try await bench.database.read {
                    try $0.first("SELECT count(*) FROM bus_event_group_cursors")?.integer(0)
                }
            }
            bench.clock.advance(8 * 86_400)
            _ = try await bench.publish(1, "example.other")
            let retention = bench.retention(keep: .seconds(60))
            #expect(try await retention.endAbandonedGroups() == [])
            #expect(try await cursors() == 1, "its event is still kept")
            #expect(try await retention.removeExpired() == 1)
            #expect(try await retention.endAbandonedGroups() == [])
            #expect(try await cursors() == 0)
        }
    }

    @Test(arguments: TestStore.allCases) func keepsParkedEvents(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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
