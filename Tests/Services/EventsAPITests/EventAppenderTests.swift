import BusContract
import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct EventAppenderTests {
    @Test(arguments: TestStore.allCases) func theSameKeyAndContentGiveTheFirstAcceptance(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let first = try await bench.appender.append(try bench.draft(key: "k", payload: ["a": 1, "b": [2]]))
            let again = try await bench.appender.append(try bench.draft(key: "k", payload: ["b": [2], "a": 1]))
            #expect(!first.isDuplicate)
            #expect(again == AcceptedEvent(id: first.id, name: first.name, isDuplicate: true))
            let other = try await bench.appender.append(try bench.draft(owner: "else", key: "k"))
            #expect(!other.isDuplicate)
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            #expect(page.events.count == 2)
        }
    }

    @Test(arguments: TestStore.allCases) func spacesAndKeyOrderDoNotMakeOtherContent(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            func draft(_ text: String) throws -> StampedEvent {
                StampedEvent(
                    try EventEnvelope(decoding: Array(#"{"name":"a.b","payload":\#(text)}"#.utf8)), owner: "o",
                    idempotencyKey: "k", at: bench.clock.now)
            }
            _ = try await bench.appender.append(try draft(#"{"a":1,"b":2}"#))
            #expect(try await bench.appender.append(try draft(#"{ "b" : 2, "a":1 }"#)).isDuplicate)
            let error = await #expect(throws: BusError.self) {
                try await bench.appender.append(try draft(#"{"a":1,"b":3}"#))
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test(arguments: TestStore.allCases) func otherContentUnderAKeyIsAConflict(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.appender.append(try bench.draft("a.b", key: "k"))
            let error = await #expect(throws: BusError.self) {
                try await bench.appender.append(try bench.draft("a.c", key: "k"))
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test(arguments: TestStore.allCases) func aRejectedBatchLeavesNothingAndHurtsNobody(_ store: TestStore) async throws
    {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.appender.append(try bench.draft("a.first", key: "taken"))
            let bad = [try bench.draft("a.bad"), try bench.draft("a.bad", key: "taken"), try bench.draft("a.bad")]
            let good = try bench.draft("a.good")
            async let other = bench.appender.append(batch: [good, good])
            let error = await #expect(throws: BusError.self) { try await bench.appender.append(batch: bad) }
            #expect(error?.code == .conflict)
            #expect(error?.message.hasPrefix("event 1: ") == true)
            #expect(try await other.count == 2)
            let page = try await bench.log.page(of: try bench.selection("a.bad"), after: 0)
            #expect(page.events.isEmpty)
        }
    }

    @Test(arguments: TestStore.allCases) func aKeyTwiceInABatchIsStoredOnce(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let draft = try bench.draft(key: "k")
            let accepted = try await bench.appender.append(batch: [draft, draft])
            #expect(accepted.map(\.isDuplicate) == [false, true])
            #expect(Set(accepted.map(\.id)).count == 1)
        }
    }

    @Test(arguments: TestStore.allCases) func concurrentPublishesAllGetTheirOwnPlace(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let accepted = try await withThrowingTaskGroup(of: [AcceptedEvent].self) { group in
                for number in 0..<40 {
                    group.addTask {
                        let draft = try bench.draft(payload: ["n": .integer(Int64(number))])
                        return try await bench.appender.append(batch: [draft, draft])
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            #expect(Set(accepted.map(\.id)) == Set(page.events.map { "evt_\($0.sequence)" }))
            #expect(page.events.count == 80)
        }
    }

    @Test func aFullQueueRefuses() async throws {
        let database = try SQLiteDatabase()
        let commits = GroupCommit(database: database)
        let error = await #expect(throws: BusError.self) {
            try await commits.perform(events: Limits.appendQueueEventsMax + 1) { _ in }
        }
        #expect(error?.code == .backendUnavailable)
        let tooBig = await #expect(throws: BusError.self) {
            try await commits.perform(bytes: Limits.appendQueueBytesMax + 1) { _ in }
        }
        #expect(tooBig?.code == .backendUnavailable)
    }

    @Test(arguments: TestStore.allCases) func aLostStoreFailsThePublish(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            try await bench.database.write { _ = try $0.run("ALTER TABLE bus_events RENAME TO away") }
            let error = await #expect(throws: BusError.self) { try await bench.appender.append(try bench.draft()) }
            #expect(error?.code == .backendUnavailable)
        }
    }

    @Test func afterTheStopNothingIsTaken() async throws {
        let bench = try await EventBench.run { $0 }
        let error = await #expect(throws: BusError.self) { try await bench.appender.append(try bench.draft()) }
        #expect(error?.code == .backendUnavailable)
    }

    @Test(arguments: TestStore.allCases) func anAppendWakesThoseWhoWaitForItsName(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let name = try #require(EventName("example.thing"))
            let subscription = bench.wakeUps.subscribe([.appended(name)])
            let other = bench.wakeUps.subscribe([.appended(try #require(EventName("example.other")))])
            _ = try await bench.publish(1)
            await subscription.signal.wait()
            #expect(await other.signal.wait(atMost: .milliseconds(1)))
        }
    }
}
