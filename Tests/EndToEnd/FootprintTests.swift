import FoundationEssentials
import TestSupport
import Testing

/// What the services cost beyond their work.
@Suite(.timeLimit(.minutes(2))) struct FootprintTests {
    /// The whole of Foundation brings its tables of Unicode and of the world's calendars: more than our own code.
    @Test(arguments: [
        "bus", "bus-api-provider-billing", "bus-api-provider-events", "bus-integration-billing",
        "bus-integration-stripe",
    ])
    func noServiceLoadsTheWholeOfFoundation(_ program: String) async throws {
        let loaded = try await BusProcess.finish("/usr/bin/ldd", [Products.path(of: program)]).standardOutput
        #expect(loaded.contains("libFoundationEssentials.so"))
        #expect(!loaded.contains("libFoundation.so") && !loaded.contains("FoundationICU"), "\(loaded)")
    }

    /// Two loops would take turns on it.
    @Test func oneProcessorMeansOneEventLoop() async throws {
        let deployment = try Deployment()
        let bound = ["-c", "0", Products.path(of: "bus-integration-stripe")] + deployment.stripeArguments()
        _ = try await BusProcess.run("/usr/bin/taskset", bound, environment: deployment.stripeEnvironment) { process in
            _ = try await process.address(of: Listener.webhook)
            let threads = "/proc/\(process.id)/task"
            let names = try FileManager.default.contentsOfDirectory(atPath: threads).map {
                try String(contentsOf: URL(filePath: "\(threads)/\($0)/comm"), encoding: .utf8)
            }
            #expect(names.filter { $0.hasPrefix("NIO-SGLTN-1-") }.count == 1, "\(names)")
        }
    }
}
