import BusContract
import BusCore
import BusRuntime
import BusSQL
import TestSupport
import Testing

@testable import EventsAPI

struct DeliveryLedgerTests {
    private let group = DeliveryGroup(owner: nil, name: "billing")
    private let name = EventName("example.thing")

    private func request(
        _ holder: String = "a", group: DeliveryGroup? = nil, inFlightMax: Int = 64
    ) throws -> ClaimRequest {
        ClaimRequest(
            group: group ?? self.group, names: [try #require(name)], holder: holder, leaseSeconds: 30,
            inFlightMax: inFlightMax)
    }

    @Test(arguments: Place.allCases) func aNewGroupStartsAtTheOldestEvent(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
            let ids = try await bench.publish(3)
            let claimed = try await bench.ledger.claim(try request())
            #expect(claimed.deliveries.map(\.id.eventID) == ids)
            #expect(claimed.deliveries.allSatisfy { $0.id.attempt == 1 })
            #expect(claimed.nextAt == bench.clock.now.advanced(bySeconds: 30))
        }
    }

    @Test func eachEventGoesToOneConsumerOfAGroupAndToEveryGroup() async throws {
        try await EventBench.run { bench in
            let ids = try await bench.publish(4)
            let first = try await bench.ledger.claim(try request("a", inFlightMax: 2))
            let second = try await bench.ledger.claim(try request("b"))
            #expect(first.deliveries.map(\.id.eventID) == Array(ids[..<2]))
            #expect(second.deliveries.map(\.id.eventID) == Array(ids[2...]))
            let other = DeliveryGroup(owner: nil, name: "other")
            #expect(try await bench.ledger.claim(try request(group: other)).deliveries.count == 4)
        }
    }

    @Test func aUsersGroupSeesOnlyItsEventsAndStealsNoneFromTheServices() async throws {
        try await EventBench.run { bench in
            let mine = try await bench.publish(1, owner: "me")
            _ = try await bench.publish(1, owner: "you")
            let user = DeliveryGroup(owner: "me", name: "billing")
            #expect(try await bench.ledger.claim(try request(group: user)).deliveries.map(\.id.eventID) == mine)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 2)
        }
    }

    @Test func whatIsHeldBoundsWhatIsClaimed() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(3)
            let first = try await bench.ledger.claim(try request(inFlightMax: 2))
            #expect(try await bench.ledger.claim(try request(inFlightMax: 2)).deliveries.isEmpty)
            let done = try await bench.ledger.acknowledge(
                [(first.deliveries[0].id, .done)], in: group, mayListen: { _ in true })
            #expect(done == 1)
            #expect(try await bench.ledger.claim(try request(inFlightMax: 2)).deliveries.count == 1)
        }
    }

    @Test(arguments: Place.allCases) func aLeaseThatEndsIsDeliveredAgain(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
            _ = try await bench.publish(1)
            let first = try await bench.ledger.claim(try request())
            #expect(try await bench.ledger.claim(try request("b")).deliveries.isEmpty)
            bench.clock.advance(30)
            let again = try await bench.ledger.claim(try request("b"))
            #expect(again.deliveries.map(\.id.attempt) == [2])
            let late = try await bench.ledger.acknowledge(
                [(first.deliveries[0].id, .done)], in: group, mayListen: { _ in true })
            #expect(late == 0)
            bench.clock.advance(29)
            #expect(
                try await bench.ledger.extend([again.deliveries[0].id], in: group, mayListen: { _ in true }) == 1)
            bench.clock.advance(29)
            #expect(
                try await bench.ledger.acknowledge(
                    [(again.deliveries[0].id, .done)], in: group, mayListen: { _ in true }) == 1)
            bench.clock.advance(1_000)
            #expect(try await bench.ledger.claim(try request()).deliveries.isEmpty)
        }
    }

    @Test func aRetryWaitsAndNewerEventsDoNot() async throws {
        try await EventBench.run { bench in
            let ids = try await bench.publish(1)
            let first = try await bench.ledger.claim(try request())
            _ = try await bench.ledger.acknowledge(
                [(first.deliveries[0].id, .retry(code: nil, delaySeconds: 7))], in: group, mayListen: { _ in true })
            let newer = try await bench.publish(1)
            let next = try await bench.ledger.claim(try request())
            #expect(next.deliveries.map(\.id.eventID) == newer)
            #expect(next.nextAt == bench.clock.now.advanced(bySeconds: 7))
            bench.clock.advance(7)
            #expect(try await bench.ledger.claim(try request()).deliveries.map(\.id.eventID) == ids)
        }
    }

    @Test(arguments: Place.allCases) func parkedDeliveriesAreListedAndReplayed(_ place: Place) async throws {
        try await EventBench.run(on: place) { bench in
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

    /// A store that is down for an hour must not cost a payer the access.
    @Test func aFailingDeliveryIsRetriedForADayAndNewerEventsPassIt() async throws {
        try await EventBench.run { bench in
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

    @Test func aLeaseIsExtendedAsOftenAsItsHolderNeeds() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(1)
            let claimed = try await bench.ledger.claim(try request()).deliveries
            for _ in 0..<200 {
                bench.clock.advance(29)
                #expect(try await bench.ledger.extend([claimed[0].id], in: group, mayListen: { _ in true }) == 1)
                #expect(try await bench.ledger.claim(try request("b")).deliveries.isEmpty)
            }
            bench.clock.advance(30)
            let again = try await bench.ledger.claim(try request("b")).deliveries
            #expect(again.map(\.id.attempt) == [2])
        }
    }

    @Test func whatWaitedUnhandledHasUsedNoAttempt() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(1)
            for attempt in 1...30 {
                let claimed = try await bench.ledger.claim(try request()).deliveries
                #expect(claimed.map(\.id.attempt) == [attempt])
                bench.clock.advance(29)
                _ = try await bench.ledger.acknowledge(
                    [(try #require(claimed.first).id, .retry(code: "unhandled", delaySeconds: nil))], in: group,
                    mayListen: { _ in true })
            }
            bench.clock.advance(3 * 86_400)
            let claimed = try await bench.ledger.claim(try request()).deliveries
            _ = try await bench.ledger.acknowledge(
                [(try #require(claimed.first).id, .retry(code: nil, delaySeconds: nil))], in: group,
                mayListen: { _ in true })
            #expect(try await bench.ledger.claim(try request()).nextAt == bench.clock.now.advanced(bySeconds: 1))
            #expect(try await bench.ledger.deadLetters(group: nil, after: 0, limit: 1).isEmpty)
        }
    }

    @Test func exhaustedDeliveriesDoNotHideThoseBehindThem() async throws {
        try await EventBench.run { bench in
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

    @Test func aConsumerWithNothingToClaimLeavesTheWriterAlone() async throws {
        try await EventBench.run(on: .file) { bench in
            _ = try await bench.publish(1)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 1)
            // Nobody commits any more: a claim that needs the writer would wait for ever, or be refused.
            let idle = DeliveryLedger(
                log: bench.log, commits: GroupCommit(database: bench.database), wakeUps: bench.wakeUps,
                now: { [clock = bench.clock] in clock.now })
            let claimed = try await idle.claim(try request("b"))
            #expect(claimed.deliveries.isEmpty)
            #expect(claimed.nextAt == bench.clock.now.advanced(bySeconds: 30))
            let full = try await idle.claim(try request("a", inFlightMax: 1))
            #expect(full.deliveries.isEmpty)
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

    @Test func aDeadDeliveryIsParkedAtOnceUnderItsCode() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(1)
            let claimed = try await bench.ledger.claim(try request())
            _ = try await bench.ledger.acknowledge(
                [(claimed.deliveries[0].id, .dead(code: "malformed"))], in: group, mayListen: { _ in true })
            let letters = try await bench.ledger.deadLetters(group: "billing", after: 0, limit: 10)
            #expect(letters.map(\.code) == ["malformed"])
            #expect(try await bench.ledger.replay(.group("billing", code: nil)) == 1)
        }
    }

    @Test func anAcknowledgementNeedsTheListenScope() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(1)
            let claimed = try await bench.ledger.claim(try request())
            let error = await #expect(throws: BusError.self) {
                try await bench.ledger.acknowledge(
                    [(claimed.deliveries[0].id, .done)], in: group, mayListen: { _ in false })
            }
            #expect(error?.code == .forbidden)
            bench.clock.advance(30)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 1)
        }
    }

    @Test func whatWasNotWrittenOutGoesToTheNextAtOnce() async throws {
        try await EventBench.run { bench in
            _ = try await bench.publish(2)
            let claimed = try await bench.ledger.claim(try request()).deliveries
            try await bench.ledger.finish([claimed[0].id], in: group)
            try await bench.ledger.giveBack([claimed[1].id], in: group)
            let again = try await bench.ledger.claim(try request("b")).deliveries
            #expect(again.map(\.id.sequence) == [claimed[1].id.sequence])
            // The first consumer may have read the line: its late answer must not end the second delivery.
            let (mine, others) = (again[0].id, claimed[1].id)
            #expect(mine.attempt == others.attempt + 1)
            #expect(try await bench.ledger.acknowledge([(others, .done)], in: group, mayListen: { _ in true }) == 0)
            #expect(try await bench.ledger.acknowledge([(mine, .done)], in: group, mayListen: { _ in true }) == 1)
        }
    }

    @Test func aClaimIsBoundedInBytes() async throws {
        try await EventBench.run { bench in
            let big = String(repeating: "x", count: 400_000)
            for _ in 0..<6 { _ = try await bench.appender.append(try bench.draft(payload: ["big": .string(big)])) }
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 3)
            bench.clock.advance(30)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 3)
        }
    }
}
