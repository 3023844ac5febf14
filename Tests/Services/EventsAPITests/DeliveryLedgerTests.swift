import BusContract
import BusCore
import BusRuntime
import BusSQL
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

struct DeliveryLedgerTests {
    let group = DeliveryGroup(owner: nil, name: "billing")
    let name = EventName("example.thing")

    func request(
        _ holder: String = "a", group: DeliveryGroup? = nil, inFlightMax: Int = 64
    ) throws -> ClaimRequest {
        ClaimRequest(
            group: group ?? self.group, names: [try #require(name)], holder: holder, leaseSeconds: 30,
            inFlightMax: inFlightMax)
    }

    @Test(arguments: TestStore.allCases) func aNewGroupStartsAtTheOldestEvent(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(3)
            let claimed = try await bench.ledger.claim(try request())
            #expect(claimed.deliveries.map(\.id.eventID) == ids)
            #expect(claimed.deliveries.allSatisfy { $0.id.attempt == 1 })
            #expect(claimed.nextAt == bench.clock.now.advanced(bySeconds: 30))
        }
    }

    @Test(arguments: TestStore.allCases) func eachEventGoesToOneConsumerOfAGroupAndToEveryGroup(_ store: TestStore)
        async throws
    {
        try await EventBench.run(on: store) { bench in
            let ids = try await bench.publish(4)
            let first = try await bench.ledger.claim(try request("a", inFlightMax: 2))
            let second = try await bench.ledger.claim(try request("b"))
            #expect(first.deliveries.map(\.id.eventID) == Array(ids[..<2]))
            #expect(second.deliveries.map(\.id.eventID) == Array(ids[2...]))
            let other = DeliveryGroup(owner: nil, name: "other")
            #expect(try await bench.ledger.claim(try request(group: other)).deliveries.count == 4)
        }
    }

    @Test(arguments: TestStore.allCases) func aUsersGroupSeesOnlyItsEventsAndStealsNoneFromTheServices(
        _ store: TestStore
    ) async throws {
        try await EventBench.run(on: store) { bench in
            let mine = try await bench.publish(1, owner: "me")
            _ = try await bench.publish(1, owner: "you")
            let user = DeliveryGroup(owner: "me", name: "billing")
            #expect(try await bench.ledger.claim(try request(group: user)).deliveries.map(\.id.eventID) == mine)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 2)
        }
    }

    @Test(arguments: TestStore.allCases) func whatIsHeldBoundsWhatIsClaimed(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            _ = try await bench.publish(3)
            let first = try await bench.ledger.claim(try request(inFlightMax: 2))
            #expect(try await bench.ledger.claim(try request(inFlightMax: 2)).deliveries.isEmpty)
            let done = try await bench.ledger.acknowledge(
                [(first.deliveries[0].id, .done)], in: group, mayListen: { _ in true })
            #expect(done == 1)
            #expect(try await bench.ledger.claim(try request(inFlightMax: 2)).deliveries.count == 1)
        }
    }

    @Test(arguments: TestStore.allCases) func aLeaseThatEndsIsDeliveredAgain(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    @Test(arguments: TestStore.allCases) func aRetryWaitsAndNewerEventsDoNot(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    /// A store that is down for an hour must not cost a payer the access.
    @Test(arguments: TestStore.allCases) func aLeaseIsExtendedAsOftenAsItsHolderNeeds(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    @Test(arguments: TestStore.allCases) func whatWaitedUnhandledHasUsedNoAttempt(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    @Test(arguments: TestStore.allCases) func anAcknowledgementNeedsTheListenScope(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    @Test(arguments: TestStore.allCases) func whatWasNotWrittenOutGoesToTheNextAtOnce(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
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

    @Test(arguments: TestStore.allCases) func aClaimIsBoundedInBytes(_ store: TestStore) async throws {
        try await EventBench.run(on: store) { bench in
            let big = String(repeating: "x", count: 400_000)
            for _ in 0..<6 { _ = try await bench.appender.append(try bench.draft(payload: ["big": .string(big)])) }
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 3)
            bench.clock.advance(30)
            #expect(try await bench.ledger.claim(try request()).deliveries.count == 3)
        }
    }
}
