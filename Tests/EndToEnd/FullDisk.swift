import BusCore
import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// The event log's disk fills up: publishers are told, nothing acknowledged is lost, and space heals it.
@Suite(.timeLimit(.minutes(5))) struct FullDisk {
    @Test(
        .enabled("file systems can be mounted here, as they have to in continuous integration") {
            try await SmallDisk.isUsable()
        })
    func aFullDiskLosesNothingAndHeals() async throws {
        let deployment = try Deployment()
        try await SmallDisk.run(mebibytes: 2) { folder in
            let filler = "\(folder)/filler"
            try Data(repeating: 1, count: 1 << 20).write(to: URL(filePath: filler))
            let arguments = ["--addr", deployment.eventsAddress, "--events-sqlite-path", "\(folder)/events.sqlite"]
            let acknowledged = try await BusProcess.run(
                "bus-api-provider-events", arguments, environment: deployment.eventsEnvironment
            ) { process in
                _ = try await process.address(of: Listener.events)
                var acknowledged = try await fill(deployment)
                let ready = try await LoopbackClient(deployment.eventsAddress).get("/readyz")
                #expect(ready.status == 503)
                #expect(ready.errorType == "not_ready")
                #expect(try await deployment.storedEventIDs() == acknowledged)
                try FileManager.default.removeItem(atPath: filler)
                try await eventually("the server is ready again") {
                    try await LoopbackClient(deployment.eventsAddress).get("/readyz").status == 200 ? true : nil
                }
                let answer = try await publish("evt_after", deployment)
                #expect(answer.status == 202)
                acknowledged.append("evt_after")
                #expect(try await deployment.storedEventIDs() == acknowledged)
                process.kill()
                try await process.end()
                return acknowledged
            }.value
            _ = try await BusProcess.run(
                "bus-api-provider-events", arguments, environment: deployment.eventsEnvironment
            ) { process in
                _ = try await process.address(of: Listener.events)
                #expect(try await deployment.storedEventIDs() == acknowledged)
            }
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
        let padding = String(repeating: "x", count: 16 << 10)
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

    /// Gives `body` the folder of a disk of this size.
    static func run(mebibytes: Int, _ body: @Sendable (String) async throws -> Void) async throws {
        let folder = try TemporaryFolder()
        try #require(try await mount(mebibytes, at: folder.path), "mounting takes root")
        do {
            try await body(folder.path)
        } catch {
            try await unmount(folder.path)
            throw error
        }
        try await unmount(folder.path)
    }

    private static func mount(_ mebibytes: Int, at path: String) async throws -> Bool {
        let arguments = ["-t", "tmpfs", "-o", "size=\(mebibytes)m", "tmpfs", path]
        return try await BusProcess.finish("/bin/mount", arguments).exit == .code(0)
    }

    private static func unmount(_ path: String) async throws {
        #expect(try await BusProcess.finish("/bin/umount", [path]).exit == .code(0))
    }
}
