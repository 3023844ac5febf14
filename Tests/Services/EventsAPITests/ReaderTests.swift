import BusCore
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import EventsAPI

/// Readers that vanish, crash, wait for long, or do not read.
@Suite(.timeLimit(.minutes(5))) struct ReaderTests {
    private let stream = "/api/v1/events/stream?name=example.thing"

    private func reader(_ bench: RouteBench, _ query: String) throws -> SilentReader {
        try SilentReader(port: try #require(bench.client.port), path: stream + query, token: bench.token())
    }

    @Test func whatAVanishedReaderDidNotGetIsClaimableAgain() async throws {
        try await RouteBench.run(live: true) { bench in
            let lost = try reader(bench, "&delivery=unicast&group=g")
            try await bench.streamsOpen(1)
            lost.vanish()
            try await bench.streamsOpen(0)
            try await bench.publish(1)
            let next = try await bench.get("\(stream)&delivery=unicast&group=g&ack=manual&replay=true&follow=false")
            #expect(next.numbers == [1])
            #expect(next.lines.first?["deliveryAttempt"] == 1)
        }
    }

    @Test func aPageBrokenOffIsClaimableAgain() async throws {
        try await RouteBench.run(live: true) { bench in
            // More than the system keeps for a reader that does not read, and some pages.
            let count = try ReaderTests.sendBufferBytesMax() / ReaderTests.lineBytes + 40
            try await append(count, to: bench)
            let lost = try reader(bench, "&delivery=unicast&group=g")
            try await eventually("a page is on its way") { lost.read()?.isEmpty == false ? true : nil }
            lost.vanish()
            try await bench.streamsOpen(0)
            let rest = try await bench.get("\(stream)&delivery=unicast&group=g&replay=true&follow=false")
            // Lines in the connection's buffers before the break are lost. The page under way comes again.
            let first = try #require(rest.numbers.first)
            #expect(rest.numbers == Array(first...Int64(count)))
        }
    }

    @Test func whatWasNotWrittenComesAgainAndNothingElse() async throws {
        try await RouteBench.run { bench in
            try await append(40, to: bench)
            let wakeUp = bench.events.wakeUps.subscribe([.appendedAny])
            let name = try #require(EventName("example.thing"))
            let stream = UnicastStream(
                ledger: bench.events.ledger,
                claim: ClaimRequest(
                    group: DeliveryGroup(owner: nil, name: "g"), names: [name], holder: "h", leaseSeconds: 600,
                    inFlightMax: 64),
                isManual: false, follow: false, line: StreamLine(subscription: wakeUp, keepAlive: nil))
            let pages = BreakingWriter.Pages()
            var writer: any ResponseBodyWriter = BreakingWriter(pagesMax: 3, pages: pages)
            do {
                try await stream.run(limit: .max, &writer)
                Issue.record("the fourth page was written")
            } catch is BreakingWriter.Broken {}
            let rest = try await bench.get("\(self.stream)&delivery=unicast&group=g&replay=true&follow=false")
            #expect(pages.numbers.count > 3 && rest.numbers.count > 3)
            #expect(pages.numbers + rest.numbers == Array(1...40))
        }
    }

    private static let lineBytes = 200 << 10

    private func append(_ count: Int, to bench: RouteBench) async throws {
        let padding = String(repeating: "x", count: ReaderTests.lineBytes)
        for number in 1...count {
            let payload: JSONValue = ["n": .integer(Int64(number)), "p": .string(padding)]
            _ = try await bench.events.appender.append(try bench.events.draft(payload: payload))
        }
    }

    /// The most that this system lets a connection send without being read.
    private static func sendBufferBytesMax() throws -> Int {
        let text = try String(contentsOf: URL(filePath: "/proc/sys/net/ipv4/tcp_wmem"), encoding: .utf8)
        return try #require(text.split(whereSeparator: \.isWhitespace).last.flatMap { Int($0) })
    }

    @Test func whoGivesBackIsStoppingAndGetsNothingMore() async throws {
        try await RouteBench.run(live: true) { bench in
            let stopping = try reader(bench, "&delivery=unicast&group=g&ack=manual")
            try await bench.publish(1)
            let text = try await stopping.text { $0.contains("deliveryAttempt") }
            let id = try #require(text.firstMatch(of: /"deliveryId":"([^"]+)"/)).1
            let given = try await bench.post(
                "/api/v1/events/ack",
                #"{"group":"g","deliveries":[{"id":"\#(id)","outcome":"retry","code":"unhandled"}]}"#)
            #expect(given.json["acknowledged"] == 1)
            #expect(try await !stopping.text().contains("deliveryAttempt"), "it came to the one who gave it back")
            let next = try await bench.get("\(stream)&delivery=unicast&group=g&ack=manual&replay=true&follow=false")
            #expect(next.numbers == [1] && next.lines.first?["deliveryAttempt"] == 2)
        }
    }

    @Test func aCrashedConsumersDeliveriesComeAgainUntilTheyAreParked() async throws {
        try await RouteBench.run(live: true) { bench in
            try await bench.publish(1)
            for attempt in 1...10 {
                let consumer = try reader(bench, "&delivery=unicast&group=g&ack=manual&lease=5")
                let text = try await consumer.text { $0.contains("deliveryAttempt") }
                #expect(text.contains(#""deliveryAttempt":\#(attempt)}"#))
                consumer.vanish()
                try await bench.streamsOpen(0)
                let query = "&delivery=unicast&group=g&ack=manual&lease=5&replay=true&follow=false"
                #expect(try await bench.get(stream + query).text.isEmpty, "the lease is still held")
                bench.events.clock.advance(5)
            }
            let after = try await bench.get("\(stream)&delivery=unicast&group=g&ack=manual&replay=true&follow=false")
            #expect(after.text.isEmpty)
            let letters = try await bench.events.ledger.deadLetters(group: "g", after: 0, limit: 10)
            #expect(letters.map(\.attempts) == [10])
        }
    }

    @Test func aSilentStreamSendsBlankLinesAndStillWorks() async throws {
        try await RouteBench.run(live: true, keepAlive: .milliseconds(2)) { bench in
            let idle = try reader(bench, "")
            try await bench.streamsOpen(1)
            let blanks = try await idle.text { $0.components("\r\n1\r\n\n").count > 20 }
            #expect(!blanks.contains("example.thing"))
            try await bench.publish(7)
            let text = try await idle.text { $0.contains("example.thing") }
            #expect(text.contains(#""n":7"#))
        }
    }

    @Test func aReaderThatPausesGetsEverythingInOrderAndOthersDoNotWait() async throws {
        try await RouteBench.run(live: true) { bench in
            let slow = try reader(bench, "&replay=true&limit=1200")
            try await bench.streamsOpen(1)
            let padding = JSONValue.string(String(repeating: "x", count: 8 << 10))
            for batch in 0..<4 {
                let drafts = try (0..<300).map { index in
                    try bench.events.draft(payload: ["n": .integer(Int64(batch * 300 + index)), "p": padding])
                }
                _ = try await bench.events.appender.append(batch: drafts)
            }
            #expect(try await bench.get("\(stream)&replay=true&limit=1200").numbers == Array(0..<1_200))
            #expect(bench.streaming.slots.count == 1, "ten megabytes went nowhere, so the server waits")
            let text = try await slow.text()
            let numbers = text.split(separator: #""n":"#).dropFirst().compactMap { Int($0.prefix { $0.isNumber }) }
            #expect(numbers == Array(0..<1_200))
        }
    }
}

/// Takes so many pages and breaks off.
private struct BreakingWriter: ResponseBodyWriter {
    struct Broken: Error {}

    /// What was taken.
    final class Pages: Sendable {
        let buffers = Mutex<[ByteBuffer]>([])

        var numbers: [Int64] {
            buffers.withLock { $0 }.flatMap { $0.readableBytesView.split(separator: UInt8(ascii: "\n")) }
                .compactMap { try? JSONValue(parsing: Array($0))["payload"]?["n"]?.integer }
        }
    }

    let pagesMax: Int
    let pages: Pages

    mutating func write(_ buffer: ByteBuffer) async throws {
        try pages.buffers.withLock { buffers in
            if buffers.count == pagesMax { throw Broken() }
            buffers.append(buffer)
        }
    }

    consuming func finish(_: HTTPFields?) async throws {}
}

extension String {
    fileprivate func components(_ separator: String) -> [Substring] {
        split(separator: separator, omittingEmptySubsequences: false)
    }
}
