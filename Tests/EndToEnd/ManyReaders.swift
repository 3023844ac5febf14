import BusCore
import FoundationEssentials
import StoreTestSupport
import TestSupport
import Testing

/// Readers of one node on PostgreSQL that are many, or do not read: others are served, and nothing grows with them.
@Suite(.serialized, .timeLimit(.minutes(10))) struct ManyReaders {
    /// What a process holds.
    private struct Footprint {
        let resident: Int
        let files: Int
        let threads: Int

        init(_ process: BusProcess) throws {
            resident = try process.residentBytes()
            files = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.id)/fd").count
            threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.id)/task").count
        }
    }

    /// Connections that a node opens at most, and the seconds that its oldest transaction lasts.
    private func load(of cluster: PostgresCluster) async throws -> (connections: Int, oldest: Int) {
        let said = try await cluster.sql(
            """
            SELECT count(*), coalesce(max(extract(epoch FROM now() - xact_start)), 0)::int
            FROM pg_stat_activity WHERE application_name = 'bus'
            """)
        let numbers = said.split(whereSeparator: { "|\n".contains($0) }).compactMap { Int($0) }
        try #require(numbers.count == 2, "\(said)")
        return (numbers[0], numbers[1])
    }

    private static let connectionsMax = 3 + Limits.postgresReadersMax + Limits.postgresLongReadersMax

    private func stream(_ query: String, _ token: String) -> String {
        "GET /api/v1/events/stream?\(query) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n\r\n"
    }

    @Test("idle streams cost a few KiB each, one too many is told so, and their end gives all back")
    func idle() async throws {
        let wanted = PropertySettings.rounds(1_000, proof: Limits.streamsOpenMax)
        let open = OpenFiles.raise(to: 2 * wanted + 1_000)
        try #require(open > wanted + 500, "only \(open) open files are allowed; raise the limit with ulimit -n")
        let cluster = try PostgresCluster()
        let nodes = try Nodes(on: cluster.address())
        try await nodes.run(0) { process in
            let tokens = (0...wanted / Limits.streamsPerSubjectMax).map { nodes.serviceToken("idle\($0)") }
            let last = try #require(tokens.last)
            try await nodes.publish("before", first: 0)
            let before = try Footprint(process)
            var streams: [RawConnection] = []
            for number in 0..<wanted {
                let stream = try await RawConnection.open(nodes.addresses[0])
                // Every second one shares the deliveries of a group.
                let group = number.isMultiple(of: 2) ? "" : "&delivery=unicast&group=idle&consumer=c\(number)"
                let token = tokens[number / Limits.streamsPerSubjectMax]
                try await stream.send(self.stream("name=example.idle\(group)", token).utf8)
                streams.append(stream)
            }
            try await eventually("all streams are open") {
                streams.allSatisfy { $0.text.hasPrefix("HTTP/1.1 200") } ? true : nil
            }
            let during = try Footprint(process)
            let bytes = (during.resident - before.resident) / wanted
            let load = try await load(of: cluster)
            print(
                """
                idle streams on PostgreSQL
                  streams                \(wanted)
                  memory of each         \(bytes >> 10) KiB
                  memory of the node     \(during.resident >> 20) MiB
                  files of the node      \(during.files)
                  threads of the node    \(during.threads)
                  database connections   \(load.connections)
                """)
            #expect(bytes < 64 << 10)
            #expect(during.files - before.files < streams.count + 20 && during.threads <= before.threads + 2)
            #expect(load.connections <= Self.connectionsMax)
            if wanted == Limits.streamsOpenMax { try await oneTooMany(nodes, last) }
            // Room for what is asked below: one of each kind ends.
            for stream in streams.suffix(2) { await stream.close() }
            streams.removeLast(2)
            try await eventually("two streams have ended") {
                try Footprint(process).files <= during.files - 2 ? true : nil
            }
            try await nodes.publish("beside", first: 0)
            #expect(try await nodes.stored() == ["before", "beside"])
            // Longer than the node goes without looking at all deliveries.
            let rest = ContinuousClock.now + .seconds(PropertySettings.rounds(0, proof: 40))
            try await eventually("they were open long enough") { .now < rest ? nil : true }
            #expect(try await nodes.post("all", name: "example.idle", to: 0) == 202)
            try await eventually("all that share nothing hear it, and one of the group") {
                let heard = streams.enumerated().filter { $0.element.text.contains(#""key":"all""#) }.map(\.offset)
                let each = streams.count / 2
                return heard.count { $0.isMultiple(of: 2) } == each && heard.count == each + 1 ? true : nil
            }
            #expect(streams.allSatisfy { !$0.isClosed })
            for stream in streams { await stream.close() }
            try await eventually("their files are given back") {
                try Footprint(process).files < before.files + 20 ? true : nil
            }
            #expect(try await nodes.stored().count == 2)
        }
    }

    /// A stream beyond the bound, of a subject that has none.
    private func oneTooMany(_ nodes: Nodes, _ token: String) async throws {
        let answer = try await LoopbackClient(nodes.addresses[0]).get(
            "/api/v1/events/stream?name=example.idle", headers: ["Authorization": "Bearer \(token)"])
        #expect(answer.status == 503 && answer.errorType == "backend_unavailable")
        #expect(answer.text.contains("try again") && answer.header("Retry-After") == "5")
    }

    @Test("readers that do not read hold neither memory nor connections, and get everything when they do")
    func slow() async throws {
        let batches = PropertySettings.rounds(2, proof: 10)
        let cluster = try PostgresCluster()
        let nodes = try Nodes(on: cluster.address())
        try await nodes.run(0) { process in
            let client = LoopbackClient(nodes.addresses[0])
            let padding = String(repeating: "x", count: 16 << 10)
            let events = (0..<400).map { number in
                ["name": "example.slow", "payload": ["number": .integer(Int64(number)), "padding": .string(padding)]]
                    as JSONValue
            }
            let body: JSONValue = ["events": .array(events)]
            for _ in 0..<batches {
                #expect(
                    try await client.post("/api/v1/events/batch", body.serialized(), headers: nodes.headers()).status
                        == 202)
            }
            let before = try Footprint(process)
            let query = "name=example.slow&replay=true&limit=\(400 * batches)"
            var readers: [RawConnection] = []
            for number in 0..<16 {
                let reader = try await RawConnection.open(nodes.addresses[0], reads: false)
                try await reader.send(stream(query, nodes.serviceToken("slow\(number)")).utf8)
                readers.append(reader)
            }
            // Somebody who reads, beside those who do not.
            let all = try await client.get("/api/v1/events/stream?\(query)&follow=false", headers: nodes.headers())
            #expect(all.status == 200 && all.lines.count == 400 * batches)
            try await nodes.publish("beside", first: 0)
            #expect(try await nodes.stored() == ["beside"])
            let during = try Footprint(process)
            let bytes = (during.resident - before.resident) / readers.count
            let load = try await load(of: cluster)
            print(
                """
                readers on PostgreSQL that do not read
                  readers                \(readers.count)
                  events for each        \(all.body.count >> 20) MiB
                  memory for each        \(bytes >> 10) KiB
                  memory of the node     \(during.resident >> 20) MiB
                  database connections   \(load.connections)
                  oldest transaction     \(load.oldest) s
                """)
            #expect(readers.allSatisfy { $0.count < all.body.count / 2 })
            // A page of the log and what the system sends, for each of them and for the one who reads.
            #expect(bytes < 4 << 20)
            #expect(load.connections <= Self.connectionsMax && load.oldest <= 2)
            for reader in readers { try await reader.readOn() }
            try await eventually("each has everything", tries: 12_000) {
                readers.allSatisfy { $0.count >= all.body.count } ? true : nil
            }
        }
    }
}
