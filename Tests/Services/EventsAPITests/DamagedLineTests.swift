import BusContract
import BusCore
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// Stored lines that cannot be read: they hurt nobody else.
struct DamagedLineTests {
    private static let damages: [SQL] = [
        "UPDATE bus_events SET envelope = '' WHERE seq = $1",
        "UPDATE bus_events SET envelope = '{\"name\":' WHERE seq = $1",
        "UPDATE bus_events SET envelope = '{\"name\":\"A.*\"}' WHERE seq = $1",
        "UPDATE bus_events SET envelope = '{\"name\":\"a.b\",\"timestamp\":\"2262-01-01T00:59:59Z\"}' WHERE seq = $1",
        "UPDATE bus_events SET envelope = X'00FF' WHERE seq = $1",
        "UPDATE bus_events SET envelope = CAST(X'7BFF7D' AS TEXT) WHERE seq = $1",
    ]

    /// A text column of PostgreSQL takes no bytes that are not text.
    private static let cases = TestStore.allCases.flatMap { store in
        damages.indices.filter { store != .postgres || $0 < 4 }.map { (store, $0) }
    }

    private let group = DeliveryGroup(owner: nil, name: "g")

    private func request(inFlightMax: Int = 64) throws -> ClaimRequest {
        ClaimRequest(
            group: group, names: [try #require(EventName("example.thing"))], holder: "a", leaseSeconds: 30,
            inFlightMax: inFlightMax)
    }

    private func damage(_ bench: EventBench, _ id: String, _ number: Int) async throws {
        let sequence = try #require(EventIDSequence.number(of: id))
        try await bench.database.write { _ = try $0.run(DamagedLineTests.damages[number], [.integer(sequence)]) }
    }

    @Test(arguments: cases) func aDamagedLineIsParkedAndItsGroupGoesOn(_ store: TestStore, _ number: Int) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(3)
            try await damage(bench, ids[1], number)
            var done: Set<String> = []
            for _ in 0..<3 {
                let claimed = try await bench.ledger.claim(try request()).deliveries
                let readable = claimed.filter { (try? EventEnvelope(decoding: Array($0.envelope.utf8))) != nil }
                done.formUnion(readable.map(\.id.eventID))
                // A consumer drops what it cannot read, so nobody answers for it.
                _ = try await bench.ledger.acknowledge(
                    readable.map { ($0.id, .done) }, in: group, mayListen: { _ in true })
                bench.clock.advance(30)
            }
            #expect(done == [ids[0], ids[2]])
            let letters = try await bench.ledger.deadLetters(group: "g", after: 0, limit: 10)
            #expect(letters.map(\.eventID) == [ids[1]])
            #expect(letters.map(\.code) == ["malformed"])
            #expect(letters.map(\.name) == ["example.thing"])
            #expect(letters.map(\.correlationID) == ["c1"])
            #expect(try await bench.ledger.replay(.group("g", code: nil)) == 1)
            #expect(!bench.commits.isFailing)
        }
    }

    @Test(arguments: cases) func aConsumerMayParkADamagedLine(_ store: TestStore, _ number: Int) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(2)
            let claimed = try await bench.ledger.claim(try request()).deliveries
            try await damage(bench, ids[0], number)
            let known = try await bench.ledger.acknowledge(
                [(claimed[0].id, .dead(code: "rejected")), (claimed[1].id, .done)], in: group,
                mayListen: { _ in true })
            #expect(known == 2)
            #expect(try await bench.ledger.deadLetters(group: "g", after: 0, limit: 10).map(\.code) == ["rejected"])
        }
    }

    @Test(arguments: cases) func aRepeatedPublishGetsItsFirstAcceptance(_ store: TestStore, _ number: Int) async throws
    {
        try await EventBench.run(on: store) { bench in
            let first = try await bench.appender.append(try bench.draft(key: "k"))
            try await damage(bench, first.id, number)
            async let neighbour = bench.appender.append(try bench.draft(key: "other"))
            let again = try await bench.appender.append(try bench.draft(key: "k"))
            #expect(again == AcceptedEvent(id: first.id, name: first.name, isDuplicate: true))
            #expect(try await !neighbour.isDuplicate)
            let error = await #expect(throws: BusError.self) {
                try await bench.appender.append(try bench.draft("a.b", key: "k"))
            }
            #expect(error?.code == .conflict)
        }
    }

    @Test(arguments: cases) func streamsPassADamagedLine(_ store: TestStore, _ number: Int) async throws {
        try await RouteBench.run(on: store) { bench in
            var ids: [String] = []
            for number in 1...3 { ids.append(try await bench.publish(number)) }
            try await damage(bench.events, ids[1], number)
            let stream = "/api/v1/events/stream?name=example.thing&follow=false"
            let all = try await bench.get("\(stream)&replay=true")
            #expect(all.status == 200 && all.numbers == [1, 3], "\(all.text)")
            #expect(try await bench.get("\(stream)&after_id=\(ids[0])").numbers == [3])
            let manual = try await bench.get("\(stream)&replay=true&delivery=unicast&group=g&ack=manual")
            #expect(manual.status == 200 && manual.numbers == [1, 3], "\(manual.text)")
        }
    }

    @Test(arguments: TestStore.allCases) func manyDamagedLinesStopNoStream(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(Limits.streamPageEventsMax * 2 + 1)
            try await bench.database.write { connection in
                let last = try #require(ids.last.flatMap(EventIDSequence.number))
                try connection.run("UPDATE bus_events SET envelope = '' WHERE seq < $1", [.integer(last)])
            }
            let page = try await bench.log.page(of: try bench.selection("example.thing"), after: 0)
            #expect(page.isCut && page.cursor > 0)
            var found: [String] = []
            for _ in 0..<4 where found.isEmpty {
                let claimed = try await bench.ledger.claim(try request())
                found = claimed.deliveries.map(\.id.eventID)
                #expect(!found.isEmpty || claimed.nextAt == bench.clock.now)
            }
            #expect(found == [try #require(ids.last)])
        }
    }

    @Test(arguments: cases) func aDamagedLineExpiresLikeAnyOther(_ store: TestStore, _ number: Int) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(3)
            try await damage(bench, ids[0], number)
            bench.clock.advance(86_400)
            #expect(try await bench.retention(keep: .seconds(60)).removeExpired() == 2)
        }
    }
}
