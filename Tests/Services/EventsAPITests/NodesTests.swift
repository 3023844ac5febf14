import BusCore
import BusRuntime
import BusSQL
import Logging
import StoreTestSupport
import TestSupport
import Testing

@testable import EventsAPI

/// Several Events APIs on one PostgreSQL database.
struct NodesTests {
    private let group = DeliveryGroup(owner: nil, name: "g")

    /// Two nodes with their news.
    private func run(_ body: @escaping @Sendable (EventBench, EventBench) async throws -> Void) async throws {
        let first = try await TestStore.postgres.open()
        let second = try await first.openAgain()
        try await EventBench.run(over: first) { one in
            try await EventBench.run(over: second) { two in
                let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (bench, database) in [(one, first), (two, second)] {
                        let news = try #require(database.postgres).news
                        let node = NodeNews(news: news, log: bench.log, wakeUps: bench.wakeUps, logger: logger)
                        group.addTask { try await node.run() }
                        try await eventually("it listens") { news.isListening ? true : nil }
                    }
                    try await body(one, two)
                    group.cancelAll()
                }
            }
        }
        for database in [first, second] { try database.close() }
    }

    @Test func whatOneNodeDoesWakesTheStreamsOfTheOther() async throws {
        try await run { one, two in
            let name = try #require(EventName("example.thing"))
            let appended = two.wakeUps.subscribe([.appended(name)])
            let everything = two.wakeUps.subscribe([.appendedAny])
            let silent = two.wakeUps.subscribe([.appended(try #require(EventName("example.other")))])
            _ = try await one.publish(1)
            await appended.signal.wait()
            await everything.signal.wait()
            let claim = ClaimRequest(group: group, names: [name], holder: "a", leaseSeconds: 30, inFlightMax: 1)
            let delivery = try #require(try await two.ledger.claim(claim).deliveries.first)
            let freed = two.wakeUps.subscribe([.delivery(group, name: name.text)])
            let holder = two.wakeUps.subscribe([.holder("a")])
            _ = try await one.ledger.acknowledge(
                [(delivery.id, .retry(code: "unhandled", delaySeconds: nil))], in: group, mayListen: { _ in true })
            await freed.signal.wait()
            try await eventually("the stream that gave back is closed") { holder.signal.isClosed ? true : nil }
            #expect(await silent.signal.wait(atMost: .milliseconds(1)))
        }
    }

    @Test func anAcknowledgementAtOneNodeGivesRoomToAStreamOfTheOther() async throws {
        try await run { one, two in
            _ = try await one.publish(2)
            let name = try #require(EventName("example.thing"))
            let claim = ClaimRequest(group: group, names: [name], holder: "a", leaseSeconds: 30, inFlightMax: 1)
            let stream = two.wakeUps.subscribe([.holder("a")])
            let delivery = try #require(try await two.ledger.claim(claim).deliveries.first)
            #expect(try await two.ledger.claim(claim).isFull)
            _ = try await one.ledger.acknowledge([(delivery.id, .done)], in: group) { _ in true }
            // Long before the node looks for itself.
            #expect(await !stream.signal.wait(atMost: .seconds(15)))
            #expect(!stream.signal.isClosed)
            #expect(try await two.ledger.claim(claim).deliveries.count == 1)
        }
    }

    /// A message may be lost, so each node looks for itself.
    @Test func whatNobodyToldIsFound() async throws {
        try await run { one, two in
            let database = try #require(two.database as? TestDatabase)
            let news = try #require(database.postgres).news
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let deaf = NodeNews(news: news, log: two.log, wakeUps: two.wakeUps, logger: logger)
            let seen = try await deaf.look(after: nil)
            one.wakeUps.tellOthers { _ in }
            let ids = try await one.publish(2)
            let subscription = two.wakeUps.subscribe([.appended(try #require(EventName("example.thing")))])
            #expect(try await deaf.look(after: seen) == ids.last.flatMap(EventIDSequence.number))
            await subscription.signal.wait()
        }
    }

    /// The second node's clock is an hour behind, and events go on growing by id.
    @Test func noReaderSkipsAnEvent() async throws {
        try await run { one, two in
            one.clock.advance(3_600)
            let published = Signal()
            try await withThrowingTaskGroup(of: [String].self) { group in
                for bench in [one, two] {
                    for _ in 0..<4 {
                        group.addTask { try await bench.publish(PropertySettings.rounds(25, proof: 1_000)) }
                    }
                }
                async let read = {
                    var (cursor, seen): (Int64, [String]) = (0, [])
                    while true {
                        let isLast = published.isClosed
                        let page = try await one.log.page(of: try one.selection("example.thing"), after: cursor)
                        seen += page.events.map { "evt_\($0.sequence)" }
                        cursor = page.cursor
                        if isLast, page.events.isEmpty { return seen }
                    }
                }()
                let all = try await group.reduce(into: Set<String>()) { $0.formUnion($1) }
                published.close()
                let seen = try await read
                #expect(Set(seen) == all && seen.count == all.count)
            }
        }
    }

    @Test func oneEventGoesToOneConsumerOfAllNodes() async throws {
        try await run { one, two in
            let ids = try await one.publish(100)
            let name = try #require(EventName("example.thing"))
            let claimed = try await withThrowingTaskGroup(of: [String].self) { group in
                for (number, bench) in [one, two, one, two].enumerated() {
                    group.addTask { [group = self.group] in
                        var mine: [String] = []
                        while true {
                            let claim = ClaimRequest(
                                group: group, names: [name], holder: "\(number)", leaseSeconds: 30, inFlightMax: 7)
                            let deliveries = try await bench.ledger.claim(claim).deliveries
                            if deliveries.isEmpty { return mine }
                            mine += deliveries.map(\.id.eventID)
                            _ = try await bench.ledger.acknowledge(
                                deliveries.map { ($0.id, .done) }, in: group, mayListen: { _ in true })
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.sorted() == ids.sorted())
        }
    }

    @Test func messagesAreShortEnoughForTheDatabase() throws {
        let names = try (0..<2_000).map { WakeUps.News.appended(try #require(EventName("example.name\($0)"))) }
        let news = names + [.delivery(group, name: "example.name"), .room(holder: "h"), .end(holder: "h")]
        let messages = NodeNews.messages(news, from: "a")
        #expect(messages.allSatisfy { $0.utf8.count < 8_000 } && messages.count > 1)
        #expect(messages.flatMap { NodeNews.items(in: $0, unlessFrom: "b") ?? [] } == news)
        #expect(messages.allSatisfy { NodeNews.items(in: $0, unlessFrom: "a") == nil })
    }
}
