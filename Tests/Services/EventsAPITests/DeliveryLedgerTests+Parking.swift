import BusContract
import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// Deliveries that fail until they are parked, and what becomes of them then.
extension DeliveryLedgerTests {
    @Test(arguments: TestStore.allCases) func parkedDeliveriesAreListedAndReplayed(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let accepted = try await bench.appender.append(
                try bench.draft(payload: ["secret": "s3cr3t"], source: "tests"))
            for attempt in 1...10 {
                let claimed = try await bench.ledger.claim(try request())
                #expect(claimed.deliveries.map(\.id.attempt) == [attempt])
                bench.clock.advance(30)
            }
            #expect(try await bench.ledger.claim(try request()).deliveries.isEmpty)
            let letters = try await bench.ledger.deadLetters(group: nil, after: 0, limit: 10)
            let letter = try #require(letters.first)
            #expect(letters.count == 1)
            #expect(letter.eventID == accepted.id)
            #expect(letter.code == "lease_expired")
            #expect(letter.attempts == 10)
            #expect(letter.source == "tests")
            #expect(letter.correlationID == "c1")
            #expect(letter.lastAt == letter.firstAt.advanced(bySeconds: 300))
            #expect(!"\(letter)".contains("s3cr3t"))
            #expect(try await bench.ledger.replay(.group("billing", code: "other")) == 0)
            #expect(try await bench.ledger.replay(.numbers([letter.number, 99])) == 1)
            #expect(try await bench.ledger.claim(try request()).deliveries.map(\.id.attempt) == [1])
            let left = try await bench.ledger.deadLetters(group: "billing", after: 0, limit: 10)
            #expect(left.isEmpty)
        }
    }

    @Test(arguments: TestStore.allCases) func aFailingDeliveryIsRetriedForADayAndNewerEventsPassIt(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(1)
            var newer = 0
            var attempts = 0
            let start = bench.clock.now
            while try await bench.ledger.deadLetters(group: nil, after: 0, limit: 1).isEmpty {
                let claimed = try await bench.ledger.claim(try request())
                for delivery in claimed.deliveries {
                    let isFailing = delivery.id.eventID == ids[0]
                    if isFailing { attempts += 1 } else { newer += 1 }
                    #expect(!isFailing || delivery.id.attempt == attempts)
                    _ = try await bench.ledger.acknowledge(
                        [(delivery.id, isFailing ? .retry(code: "storage_unavailable", delaySeconds: nil) : .done)],
                        in: group, mayListen: { _ in true })
                }
                if attempts.isMultiple(of: 50) { _ = try await bench.publish(1) }
                bench.clock.advance(60)
            }
            let letter = try #require(try await bench.ledger.deadLetters(group: nil, after: 0, limit: 1).first)
            #expect(letter.code == "storage_unavailable")
            #expect(letter.attempts == attempts && attempts > 250)
            #expect(letter.lastAt >= start.advanced(bySeconds: 86_400))
            #expect(newer > 3)
            // Behind a parked event nothing waits.
            let after = try await bench.publish(1)
            #expect(try await bench.ledger.claim(try request()).deliveries.last?.id.eventID == after[0])
        }
    }

    @Test(arguments: TestStore.allCases) func exhaustedDeliveriesDoNotHideThoseBehindThem(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(3)
            for _ in 1...10 {
                #expect(try await bench.ledger.claim(try request(inFlightMax: 2)).deliveries.count == 2)
                bench.clock.advance(30)
            }
            #expect(try await bench.ledger.claim(try request("b", inFlightMax: 1)).deliveries.count == 1)
            let last = try await bench.ledger.deadLetters(group: nil, after: 0, limit: 10)
            #expect(last.map(\.eventID) == Array(ids[..<2]))
        }
    }

    @Test(
        arguments: [
            (["provider": "stripe"], nil, "stripe"), ([:], "stripe", "stripe"),
            (["provider": "stripe"], "paddle", "paddle"), ([:], nil, nil),
            (["provider": "sk_live_0123 and more"], nil, nil), (["provider": ["stripe"]], nil, nil),
        ] as [(JSONValue, String?, String?)]) func aDeadLetterNamesTheProvider(
            payload: JSONValue, metadata: String?, provider: String?
        ) async throws
    {
        try await EventBench.run { bench in
            var envelope = EventEnvelope(name: try #require(name), payload: JSONText(payload))
            envelope.metadata["provider"] = metadata
            _ = try await bench.appender.append(
                StampedEvent(envelope, owner: "o", idempotencyKey: nil, at: bench.clock.now))
            let claimed = try await bench.ledger.claim(try request()).deliveries
            _ = try await bench.ledger.acknowledge(
                [(claimed[0].id, .dead(code: nil))], in: group, mayListen: { _ in true })
            let letters = try await bench.ledger.deadLetters(group: nil, after: 0, limit: 10)
            #expect(letters.map(\.provider) == [provider])
        }
    }

    @Test(arguments: TestStore.allCases) func aDeadDeliveryIsParkedAtOnceUnderItsCode(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(1)
            let claimed = try await bench.ledger.claim(try request())
            _ = try await bench.ledger.acknowledge(
                [(claimed.deliveries[0].id, .dead(code: "malformed"))], in: group, mayListen: { _ in true })
            let letters = try await bench.ledger.deadLetters(group: "billing", after: 0, limit: 10)
            #expect(letters.map(\.code) == ["malformed"])
            #expect(try await bench.ledger.replay(.group("billing", code: nil)) == 1)
        }
    }
}
