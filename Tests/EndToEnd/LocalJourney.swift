import FoundationEssentials
import TestSupport
import Testing

/// What a newcomer does: `make run`, then `make demo` in a second terminal.
@Suite(.timeLimit(.minutes(5))) struct LocalJourney {
    @Test func theDemoShowsTheEvent() async throws {
        let folder = try TemporaryFolder()
        _ = try await BusProcess.run(
            "bus-local", ["--addr", "127.0.0.1:0", "--data", "\(folder.path)/data"],
            environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"]
        ) { local in
            let address = try await local.address(of: Listener.events)
            let environment = ["BUS_LOCAL_URL": "http://\(address)", "BUS_LOCAL_DATA": "\(folder.path)/data"]
            for _ in 1...2 {  // Safe to repeat.
                let demo = try await BusProcess.finish(Repository.path("Scripts/demo"), environment: environment)
                #expect(demo.exit == .code(0), "\(demo.standardOutput)\(demo.standardError)")
                #expect(demo.standardOutput.contains("\"emitted\":true"))
                #expect(demo.standardOutput.contains("400 {\"error\":{\"type\":\"invalid_signature\""))
                #expect(demo.standardOutput.contains("\"name\":\"bus.billing.subscription.update\""))
                #expect(demo.standardOutput.contains("\"account_id\":\"00000000-0000-4000-8000-000000000001\""))
            }
            let mode = try await BusProcess.finish("/usr/bin/stat", ["-c", "%a", "\(folder.path)/data/service.token"])
            #expect(mode.standardOutput == "600\n")
        }
    }

    /// The workers answer, so their streams are open; a connection of theirs would be one of the process.
    @Test func theServicesMeetWithoutSockets() async throws {
        let folder = try TemporaryFolder()
        let outcome = try await BusProcess.run(
            "bus-local", ["--addr", "127.0.0.1:0", "--data", "data"],
            environment: ["BUS_LOG_FORMAT": "json", "BUS_STRIPE_WEBHOOK_ADDR": "127.0.0.1:0"], in: folder
        ) { local in
            let address = "http://\(try await local.address(of: Listener.events))"
            let person = try CommandWorld(
                ["BUS_API_BASE_URL": address, "BUS_API_TOKEN_FILE": "\(folder.path)/data/billing.token"],
                folder: folder)
            let status = try await person.bus("billing status")
            #expect(status.exit == .code(0), "\(status.standardError)")
            try await eventually("only the listeners are left") {
                try LocalJourney.connections(of: local) == 0 ? true : nil
            }
            local.interrupt()
            try await local.end()
        }
        #expect(outcome.exit == .code(0))
    }

    /// How many TCP connections of a process are open.
    private static func connections(of process: BusProcess) throws -> Int {
        let files = "/proc/\(process.id)/fd"
        let sockets = try FileManager.default.contentsOfDirectory(atPath: files).compactMap { name in
            try? FileManager.default.destinationOfSymbolicLink(atPath: "\(files)/\(name)")
        }
        let table = FileManager.default.contents(atPath: "/proc/\(process.id)/net/tcp") ?? Data()
        return String(decoding: table, as: UTF8.self).split(separator: "\n").count { line in
            let columns = line.split(separator: " ")
            // 01: established. The tenth column is the number of the socket.
            return columns.count > 9 && columns[3] == "01" && sockets.contains("socket:[\(columns[9])]")
        }
    }

    @Test func theDemoSaysWhatToDoWhenNothingRuns() async throws {
        let address = "http://127.0.0.1:\(try FreePort.next())"
        let demo = try await BusProcess.finish(
            Repository.path("Scripts/demo"), environment: ["BUS_LOCAL_URL": address])
        #expect(demo.exit == .code(1))
        #expect(demo.standardError.contains("make run"))
    }
}
