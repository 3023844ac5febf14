import BusCore
import BusSQL
import TestSupport
import Testing

@testable import EventsAPI

struct EventLogTests {
    @Test(arguments: Place.allCases) func storesTheCanonicalEnvelopeWithItsID(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
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

    @Test(arguments: Place.allCases) func pagesInOrderWithoutGapsOrRepeats(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
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

    @Test func aPageIsBoundedInBytes() async throws {
        try await EventBench.run { bench in
            let big = String(repeating: "x", count: 400_000)
            for _ in 0..<6 { _ = try await bench.appender.append(try bench.draft(payload: ["big": .string(big)])) }
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            #expect(page.events.count == 3)
            #expect(page.isCut)
        }
    }

    @Test func anOwnerSeesOnlyItsEvents() async throws {
        try await EventBench.run { bench in
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

    @Test func idsGrowAcrossARestartWhenTheClockStepsBack() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/events.sqlite"
        let before = try await SQLiteDatabase(path: path)
        let last = try await EventBench.run(over: before) { bench in
            bench.clock.advance(3_600)
            return try await bench.publish(1)[0]
        }
        try before.close()
        let after = try await SQLiteDatabase(path: path)
        let next = try await EventBench.run(over: after) { try await $0.publish(1)[0] }
        try after.close()
        #expect(EventIDSequence.number(of: next) == EventIDSequence.number(of: last).map { $0 + 1 })
    }

    @Test func noQueryOfTheHotPathsScansATable() async throws {
        let statements: [(SQL, Int)] = [
            (EventLog.lookupByKey, 2), (EventLog.runOfName, 4), (EventLog.runOfOwner, 5),
            (DeliveryRow.selection, 3), (DeliveryRow.update, 6), (DeliveryRow.leasing, 7), (DeliveryRow.deletion, 3),
            (DeliveryRow.line, 1), (ClaimTransaction.heldCount, 4), (ClaimTransaction.due, 5),
            (ClaimTransaction.nextAvailable, 4), (ClaimTransaction.cursor, 3), (Retention.stepEnd, 3),
            (Retention.removal, 2), ("SELECT seq FROM bus_events ORDER BY seq DESC LIMIT 1", 0),
        ]
        try await EventBench.run { bench in
            try await bench.database.read { connection in
                for (statement, count) in statements {
                    let values = [SQLValue](repeating: .integer(1), count: count)
                    let plan = try connection.rows("EXPLAIN QUERY PLAN " + statement, values).map { try $0.text(3) }
                    // Walking an index from its end to a LIMIT of one or of a chunk is the one "scan" that stays short.
                    let scans = plan.filter { step in
                        (step.hasPrefix("SCAN") && !step.contains("USING") && !step.contains("step")
                            && !(statement.text.contains("ORDER BY seq DESC LIMIT 1")))
                            || step.contains("TEMP B-TREE")
                    }
                    #expect(scans.isEmpty, "\(statement.text): \(plan)")
                    #expect(!plan.isEmpty)
                }
            }
        }
    }
}
