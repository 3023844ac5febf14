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

    @Test func theDemoSaysWhatToDoWhenNothingRuns() async throws {
        let address = "http://127.0.0.1:\(try FreePort.next())"
        let demo = try await BusProcess.finish(
            Repository.path("Scripts/demo"), environment: ["BUS_LOCAL_URL": address])
        #expect(demo.exit == .code(1))
        #expect(demo.standardError.contains("make run"))
    }
}
