import BusCore
import BusRuntime
import TestSupport
import Testing

@testable import BusClient

@Suite("The feed of bus events listen")
struct EventFeedTests {
    private static func line(_ id: Int) -> String { #"{"id":"evt_\#(id)","name":"example.made","payload":{}}"# }

    private struct Enough: Error {}

    /// The ids of the first events a feed gives.
    private func ids(
        _ count: Int, sharing: (group: String, consumer: String)? = nil, replays: Bool = true, follows: Bool = true,
        retries: Bool = true, _ script: @escaping EventsDouble.Script
    ) async throws -> (ids: [String], queries: [String]) {
        try await EventsDouble.run(script) { double, client in
            let name = try #require(EventName("example.made"))
            let feed = EventFeed(
                client: client, name: name, sharing: sharing, replays: replays, follows: follows,
                backoff: retries ? Backoff(first: .milliseconds(1), longest: .milliseconds(2)) : nil, logger: silent)
            var ids: [String] = []
            do {
                try await feed.run { line, event in
                    #expect(try EventEnvelope(decoding: line) == event)
                    ids.append(event.id ?? "")
                    if ids.count == count { throw Enough() }
                }
            } catch is Enough {}
            return (ids, double.calls("stream").map(\.query))
        }
    }

    @Test("after a break it goes on behind the last event, without showing one twice")
    func resumes() async throws {
        let (ids, queries) = try await ids(3) { call in
            if call.route == "capabilities" { return .reply(200, #"{"features":["resume"]}"#) }
            switch call.number {
            case 1: return .brokenLines([Self.line(1), "no event"])
            case 2: return .fail(503)
            case 3: return .lines([Self.line(2)])
            default: return .openLines([Self.line(3)])
            }
        }
        #expect(ids == ["evt_1", "evt_2", "evt_3"])
        #expect(
            queries == [
                "name=example.made&replay=true", "name=example.made&after_id=evt_1",
                "name=example.made&after_id=evt_1", "name=example.made&after_id=evt_2",
            ])
    }

    @Test("a server that cannot resume, or has deleted the place, is read from now on")
    func cannotResume() async throws {
        let old = try await ids(2) { call in
            if call.route == "capabilities" { return .missing }
            return call.number == 1 ? .lines([Self.line(1)]) : .openLines([Self.line(2)])
        }
        #expect(old.queries == ["name=example.made&replay=true", "name=example.made"])
        let gone = try await ids(2) { call in
            if call.route == "capabilities" { return .reply(200, #"{"features":["resume"]}"#) }
            switch call.number {
            case 1: return .lines([Self.line(1)])
            case 2: return .fail(410, "gone")
            default: return .openLines([Self.line(2)])
            }
        }
        #expect(gone.queries.last == "name=example.made" && gone.ids.count == 2)
    }

    @Test("a group's place is the server's to keep")
    func unicast() async throws {
        let (_, queries) = try await ids(2, sharing: ("g", "c"), replays: false) { call in
            call.number == 1 ? .lines([Self.line(1)]) : .openLines([Self.line(2)])
        }
        #expect(Set(queries) == ["name=example.made&delivery=unicast&group=g&consumer=c"])
    }

    @Test("without following it ends with the stream; what cannot be opened at all is an error")
    func ends() async throws {
        let (ids, queries) = try await ids(9, follows: false) { _ in .lines([Self.line(1), Self.line(2)]) }
        #expect(ids.count == 2 && queries == ["name=example.made&replay=true&follow=false"])
        for status in [401, 403, 404, 503] {
            await #expect(throws: EventsFault.self) { _ = try await self.ids(1) { _ in .fail(status) } }
        }
    }
    @Test("a snapshot that breaks off is no snapshot, and without retries an end is an error")
    func breaksOff() async throws {
        await #expect(throws: EventsFault.self) {
            _ = try await self.ids(9, follows: false) { _ in .brokenLines([Self.line(1)]) }
        }
        await #expect(throws: EventsFault.self) {
            _ = try await self.ids(9, retries: false) { _ in .lines([Self.line(1)]) }
        }
    }
}
