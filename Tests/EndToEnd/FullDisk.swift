import BusCore
import FoundationEssentials
import Glibc
import StoreTestSupport
import TestSupport
import Testing

/// The event log's disk fills up: publishers are told, nothing acknowledged is lost, and space heals it.
@Suite(.serialized, .timeLimit(.minutes(5))) struct FullDisk {
    enum Store: CaseIterable {
        case file
        /// The tables of a PostgreSQL server, on a disk of their own beside its log.
        case postgres
    }

    @Test(
        .enabled("file systems can be mounted here, as they have to in continuous integration") {
            try await SmallDisk.isUsable()
        }, arguments: Store.allCases)
    func aFullDiskLosesNothingAndHeals(_ store: Store) async throws {
        let deployment = try Deployment()
        switch store {
        case .file:
            try await SmallDisk.run(mebibytes: 2) { folder in
                let path = ["--events-sqlite-path", "\(folder)/events.sqlite"]
                try await fillAndHeal(deployment, folder, arguments: path, environment: [:])
            }
        case .postgres:
            let cluster = try PostgresCluster()
            try await SmallDisk.run(mebibytes: 4, at: "\(cluster.folder)/small", owner: "postgres") { folder in
                _ = try await cluster.sql("CREATE TABLESPACE small LOCATION '\(folder)'")
                let address = "\(cluster.address())&options=-cdefault_tablespace%3Dsmall"
                try await fillAndHeal(
                    deployment, folder, arguments: [], environment: ["BUS_EVENTS_POSTGRES_DSN": address])
                cluster.stop()
            }
        }
    }

    private func fillAndHeal(
        _ deployment: Deployment, _ folder: String, arguments: [String], environment: [String: String]
    ) async throws {
        let filler = "\(folder)/filler"
        try Data(repeating: 1, count: 1 << 20).write(to: URL(filePath: filler))
        let arguments = ["--addr", deployment.eventsAddress] + arguments
        let environment = deployment.eventsEnvironment.merging(environment) { $1 }
        let acknowledged = try await BusProcess.run(Programs.events, arguments, environment: environment) { process in
            _ = try await process.address(of: Listener.events)
            var acknowledged = try await fill(deployment)
            let client = LoopbackClient(deployment.eventsAddress)
            let ready = try await client.get("/readyz")
            #expect(ready.status == 503)
            #expect(ready.errorType == "not_ready")
            #expect(try await deployment.storedEventIDs() == acknowledged)
            try FileManager.default.removeItem(atPath: filler)
            try await eventually("the server is ready again") {
                try await client.get("/readyz").status == 200 ? true : nil
            }
            let answer = try await publish("evt_after", deployment)
            #expect(answer.status == 202)
            acknowledged.append("evt_after")
            #expect(try await deployment.storedEventIDs() == acknowledged)
            process.kill()
            try await process.end()
            return acknowledged
        }.value
        _ = try await BusProcess.run(Programs.events, arguments, environment: environment) { process in
            _ = try await process.address(of: Listener.events)
            #expect(try await deployment.storedEventIDs() == acknowledged)
        }
    }

    /// Publishes until the disk is full; returns what was acknowledged.
    private func fill(_ deployment: Deployment) async throws -> [String] {
        var acknowledged: [String] = []
        for number in 0..<1_000 {
            let answer = try await publish("evt_\(number)", deployment)
            if answer.status != 202 {
                #expect(answer.status == 503)
                #expect(answer.errorType == "backend_unavailable")
                #expect(answer.header("Retry-After") == "5")
                #expect(number > 0)
                return acknowledged
            }
            acknowledged.append("evt_\(number)")
        }
        Issue.record("the disk never was full")
        return acknowledged
    }

    private func publish(_ eventID: String, _ deployment: Deployment) async throws -> LoopbackClient.Answer {
        // PostgreSQL would keep a text that repeats itself in a few bytes.
        let padding = String(
            (0..<16 << 10).map { _ in
                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789".randomElement() ?? "x"
            })
        let body = #"{"name":"\#(Deployment.updateName)","payload":{"event_id":"\#(eventID)","p":"\#(padding)"}}"#
        return try await LoopbackClient(deployment.eventsAddress).post(
            "/api/v1/events", Array(body.utf8), headers: ["Authorization": "Bearer \(deployment.token)"])
    }
}

/// A file system in memory that is full soon.
enum SmallDisk {
    /// Whether one can be mounted; in continuous integration it has to, so there the test runs and fails.
    static func isUsable() async throws -> Bool {
        if ProcessInfo.processInfo.environment["CI"] != nil { return true }
        guard geteuid() == 0 else { return false }
        let folder = try TemporaryFolder()
        guard try await mount(1, at: folder.path) else { return false }
        try await unmount(folder.path)
        return true
    }

    /// Gives `body` the folder of a disk of this size, at a path or in a folder of its own.
    static func run(
        mebibytes: Int, at path: String? = nil, owner: String = "root", _ body: @Sendable (String) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let path = path ?? folder.path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try #require(try await mount(mebibytes, at: path, owner: owner), "mounting takes root")
        do {
            try await body(path)
        } catch {
            try await unmount(path)
            throw error
        }
        try await unmount(path)
    }

    private static func mount(_ mebibytes: Int, at path: String, owner: String = "root") async throws -> Bool {
        let id = getpwnam(owner)?.pointee.pw_uid ?? 0
        let arguments = ["-t", "tmpfs", "-o", "size=\(mebibytes)m,mode=700,uid=\(id)", "tmpfs", path]
        return try await BusProcess.finish("/bin/mount", arguments).exit == .code(0)
    }

    private static func unmount(_ path: String) async throws {
        #expect(try await BusProcess.finish("/bin/umount", ["--lazy", path]).exit == .code(0))
    }
}
