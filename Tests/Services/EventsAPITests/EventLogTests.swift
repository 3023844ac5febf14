import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct EventLogTests {
    @Test(arguments: TestStore.allCases) func storesTheCanonicalEnvelopeWithItsID(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let accepted = try await bench.appender.append(try bench.draft(payload: ["a": 1]))
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            let line = try #require(page.events.first?.envelope)
            let envelope = try EventEnvelope(decoding: Array(line.utf8))
            #expect(Array(line.utf8) == envelope.encoded())
            #expect(envelope.id == accepted.id)
            #expect(envelope.metadata == ["identity_id": "owner", "account_id": "owner"])
            #expect(envelope.timestamp == bench.clock.now)
        }
    }

    @Test(arguments: TestStore.allCases) func pagesInOrderWithoutGapsOrRepeats(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            var ids: [String] = []
            for _ in 0..<5 {
                ids += try await bench.publish(3, "a.one")
                ids += try await bench.publish(2, "a.two")
                _ = try await bench.publish(1, "a.other")
            }
            for limit in [1, 2, 3, 7, 100] {
                var cursor: Int64 = 0
                var seen: [String] = []
                var isCut = true
                while isCut {
                    let page = try await bench.log.page(
                        of: try bench.selection("a.two", "a.one"), after: cursor, limit: limit)
                    seen += page.events.map { "evt_\($0.sequence)" }
                    cursor = page.cursor
                    isCut = page.isCut
                }
                #expect(seen == ids, "limit \(limit)")
            }
        }
    }

    @Test(arguments: TestStore.allCases) func aPageIsBoundedInBytes(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let big = String(repeating: "x", count: 400_000)
            for _ in 0..<6 { _ = try await bench.appender.append(try bench.draft(payload: ["big": .string(big)])) }
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            #expect(page.events.count == 3)
            #expect(page.isCut)
        }
    }

    @Test(arguments: TestStore.allCases) func anOwnerSeesOnlyItsEvents(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let mine = try await bench.publish(2, owner: "me")
            let others = try await bench.publish(2, owner: "you")
            let page = try await bench.log.page(of: try bench.selection("example.thing", owner: "me"), after: 0)
            #expect(page.events.map { "evt_\($0.sequence)" } == mine)
            #expect(try await bench.log.position(after: others[0], owner: "me") == nil)
            #expect(try await bench.log.position(after: others[0], owner: nil) != nil)
            #expect(try await bench.log.position(after: "evt_1", owner: nil) == nil)
            #expect(try await bench.log.position(after: "nonsense", owner: nil) == nil)
        }
    }

    @Test(arguments: TestStore.shared) func idsGrowAcrossARestartWhenTheClockStepsBack(_ store: TestStore) async throws
    {
        let before = try await store.open()
        let last = try await EventBench.run(over: before) { bench in
            bench.clock.advance(3_600)
            return try await bench.publish(1)[0]
        }
        try before.close()
        let after = try await before.openAgain()
        let next = try await EventBench.run(over: after) { try await $0.publish(1)[0] }
        try after.close()
        #expect(EventIDSequence.number(of: next) == EventIDSequence.number(of: last).map { $0 + 1 })
    }
}
